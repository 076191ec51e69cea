/* Device memory of the CUDA backend on the emulated runtime: drivers without memory pools, and
 * memory that comes and goes while a graph is recorded, by the thread that records it or another.
 * The emulator itself sees to it that what is freed comes after what streams do with it. Each test
 * is a process of its own (Criterion). */
#include "tests/cuda_emu/strike.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N = 24, K = 160, M = 3 };

typedef struct job {
    tare_device *d;
    tare_plan plan;
    tare_tensor t;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y, *spare;
    tare_graph *g;
} job;

static tare_status open_job(job *j) {
    static float w[N * K], x[M * K];
    uint64_t state = 11;
    tare_format f;
    TARE_TRY(tare_format_parse("f32", &f));
    fill_weights(w, N, K, &f, PATTERN_FULL, &state);
    for (int i = 0; i < M * K; i++) x[i] = (float)(i % 7) - 3;
    TARE_TRY(tare_encode(&f, N, K, w, &j->t));
    tare_problem p = tare_problem_matmul(&j->t, M, TARE_F32, TARE_F32, 0);
    TARE_TRY(tare_plan_make(j->d, &p, NULL, &j->plan));
    TARE_TRY(tare_pack(&j->plan, &j->t, &j->w));
    TARE_TRY(tare_stream_create(j->d, &j->s));
    TARE_TRY(tare_stream_reserve(j->s, &j->plan));
    TARE_TRY(tare_buffer_create(j->d, sizeof x, &j->x));
    TARE_TRY(tare_buffer_create(j->d, M * N * sizeof(float), &j->y));
    TARE_TRY(tare_buffer_create(j->d, M * N * sizeof(float), &j->spare));
    TARE_TRY(tare_buffer_write(j->s, j->x, 0, x, sizeof x));
    return tare_run(&j->plan, j->w, j->s, j->x, NULL, j->spare, 0); /* and nobody waits for it */
}

static void close_job(job *j) {
    tare_graph_destroy(j->g);
    tare_buffer_destroy(j->x);
    tare_buffer_destroy(j->y);
    tare_buffer_destroy(j->spare);
    tare_stream_destroy(j->s);
    tare_packed_destroy(j->w);
    tare_tensor_clear(&j->t);
}

/* Gives back what the stream may still be at work on, and takes some other. */
static void *meddle(void *at) {
    job *j = at;
    tare_buffer *b = NULL;
    tare_buffer_destroy(j->spare);
    j->spare = NULL;
    tare_status s = tare_buffer_create(j->d, 1000, &b);
    tare_buffer_destroy(b);
    return s == TARE_OK ? NULL : at;
}

static tare_status record(job *j, int other_thread) {
    pthread_t t;
    void *failed = NULL;
    TARE_TRY(tare_graph_begin(j->s));
    tare_status s = tare_run(&j->plan, j->w, j->s, j->x, NULL, j->y, 0);
    if (other_thread) {
        cr_assert_eq(pthread_create(&t, NULL, meddle, j), 0);
        pthread_join(t, &failed);
    } else {
        failed = meddle(j);
    }
    if (s == TARE_OK) s = tare_run(&j->plan, j->w, j->s, j->x, NULL, j->y, 0);
    tare_status end = tare_graph_end(j->s, &j->g);
    if (s == TARE_OK) s = end;
    return s == TARE_OK && failed ? TARE_E_DEVICE : s;
}

static tare_status graph_job(tare_device *d, int other_thread, float out[M * N]) {
    job j = {.d = d};
    tare_status s = open_job(&j);
    if (s == TARE_OK) s = record(&j, other_thread);
    if (s == TARE_OK) s = tare_graph_replay(j.g, j.s);
    if (s == TARE_OK) s = tare_buffer_read(j.s, j.y, 0, out, M * N * sizeof(float));
    if (s == TARE_OK) s = tare_stream_sync(j.s);
    close_job(&j);
    return s;
}

static void record_and_meddle(const char *pools) {
    float first[M * N], again[M * N];
    setenv("TARE_EMU_POOLS", pools, 1);
    tare_device *d = device();
    cr_assert_eq(graph_job(d, 0, first), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(graph_job(d, 1, again), TARE_OK, "%s", tare_last_error());
    cr_assert_arr_eq(first, again, sizeof first);
    cr_assert_eq(emulated("tare_emu_live"), 0, "everything is given back");
}

Test(cuda_memory, is_freed_while_a_graph_is_recorded, .timeout = 60) {
    record_and_meddle("");
}
Test(cuda_memory, is_freed_while_a_graph_is_recorded_without_pools, .timeout = 60) {
    record_and_meddle("no");
}

static void expect_text(const char *pools, int there) {
    tare_device_info info;
    setenv("TARE_EMU_POOLS", pools, 1);
    cr_assert_eq(tare_device_describe(device(), &info), TARE_OK);
    cr_expect_eq(strstr(info.runtime, "; no memory pools: cudaMalloc") != NULL, there, "%s",
                 info.runtime);
}

Test(cuda_memory, the_driver_has_no_pools, .timeout = 60) {
    expect_text("no", 1);
    record_and_meddle("no");
}
Test(cuda_memory, the_driver_has_no_pools_though_it_says_so, .timeout = 60) {
    expect_text("refused", 1);
    record_and_meddle("refused");
}
Test(cuda_memory, the_driver_has_pools, .timeout = 60) {
    expect_text("", 0);
}

/* Whichever call fails: an error with words, and nothing is kept. */
static void strike_all(const char *pools, int code, tare_status expect) {
    float good[M * N], again[M * N];
    setenv("TARE_EMU_POOLS", pools, 1);
    tare_device *d = device();
    int failed = 0;
    cr_assert_eq(graph_job(d, 1, good), TARE_OK, "%s", tare_last_error());
    long live = emulated("tare_emu_live"), blocks = tare_alloc_live();
    long begin = emulated("tare_emu_calls");
    cr_assert_eq(graph_job(d, 1, good), TARE_OK);
    long calls = emulated("tare_emu_calls") - begin;
    for (long n = 1; n <= calls; n++) {
        strike(n, code);
        tare_status s = graph_job(d, 1, again);
        strike(0, 0);
        cr_expect_eq(emulated("tare_emu_live"), live, "call %ld of %ld leaks there", n, calls);
        cr_expect_eq(tare_alloc_live(), blocks, "call %ld of %ld leaks here", n, calls);
        failed += s != TARE_OK;
        cr_assert(s == TARE_OK || s == expect || s == TARE_E_DEVICE, "call %ld: %s", n,
                  tare_last_error());
    }
    cr_expect_gt(failed, 20, "%d of %ld", failed, calls);
    cr_assert_eq(graph_job(d, 0, again), TARE_OK, "%s", tare_last_error());
    cr_assert_arr_eq(good, again, sizeof good);
}

Test(cuda_memory, the_nth_call_fails, .timeout = 120) {
    strike_all("", UNKNOWN, TARE_E_DEVICE);
}
Test(cuda_memory, the_nth_call_fails_without_pools, .timeout = 120) {
    strike_all("no", UNKNOWN, TARE_E_DEVICE);
}
Test(cuda_memory, memory_runs_out_without_pools, .timeout = 120) {
    strike_all("no", NO_MEMORY, TARE_E_NOMEM);
}
