/* The rows over cuBLASLt, beyond their results (checkall has those), over the fake library of
 * tests/cuda_emu: which algorithm is taken, every call of the library and of the runtime failing
 * once while a product is prepared and run, a library that is missing or old, threads that share a
 * descriptor. Products differ in n from one attempt to the next, so that each is a new one to what
 * the device keeps. Each test has a process of its own (Criterion). */
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { M = 3, OBJECTS = 4 }; /* of the library that a product keeps */
static int64_t columns = 40; /* k */

enum { FAILED = 13, NOT_THERE = 15, NO_ROOM = 3 }; /* cublasStatus_t */

typedef struct kind {
    const char *format, *row;
    tare_type x;
    uint32_t flags;
} kind;
static const kind kinds[] = {
    {"f16", "matmul_f16_cublaslt", TARE_F16, 0},
    {"f32", "matmul_f32_cublaslt", TARE_F32, TARE_BIAS | TARE_RELU},
    {"f32", "matmul_tf32_cublaslt", TARE_F32, TARE_TF32},
    {"bf16", "matmul_bf16_cublaslt", TARE_BF16, TARE_BIAS},
    {"i8-row", "matmul_w8a8_cublaslt", TARE_F16, TARE_X_I8},
    {"f8-row", "matmul_f8_cublaslt", TARE_F16, TARE_X_F8 | TARE_SUM_F8},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct job {
    tare_tensor t;
    tare_plan plan;
    tare_problem problem;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y, *bias;
    void *xs, *ys;
    float *bs;
} job;

static void clear(job *j) {
    tare_buffer_destroy(j->x);
    tare_buffer_destroy(j->y);
    tare_buffer_destroy(j->bias);
    tare_stream_destroy(j->s);
    tare_packed_destroy(j->w);
    tare_tensor_clear(&j->t);
    free(j->xs), free(j->ys), free(j->bs);
}

static tare_status make_data(job *j, const kind *q, int64_t n, int64_t m) {
    uint64_t state = (uint64_t)n * 31 + 7;
    tare_format f;
    TARE_TRY(tare_format_parse(q->format, &f));
    float *w = malloc((size_t)(n * columns) * sizeof *w);
    fill_weights(w, n, columns, &f, PATTERN_FULL, &state);
    tare_status s = tare_encode(&f, n, columns, w, &j->t);
    free(w);
    TARE_TRY(s);
    j->problem = tare_problem_matmul(&j->t, m, q->x, q->x, q->flags);
    j->xs = malloc((size_t)(m * columns) * 4);
    j->ys = malloc((size_t)(m * n) * 4);
    j->bs = malloc((size_t)n * sizeof *j->bs);
    fill_x(j->xs, q->x, m, columns, &state);
    for (int64_t i = 0; i < n; i++) j->bs[i] = random_unit(&state);
    return TARE_OK;
}

static tare_status make(job *j, tare_device *d, const kind *q, int64_t n, int64_t m) {
    tare_plan_options only = {.only = q->row};
    size_t element = tare_type_bytes(q->x);
    memset(j, 0, sizeof *j);
    TARE_TRY(make_data(j, q, n, m));
    TARE_TRY(tare_plan_make(d, &j->problem, &only, &j->plan));
    TARE_TRY(tare_pack(&j->plan, &j->t, &j->w));
    TARE_TRY(tare_stream_create(d, &j->s));
    TARE_TRY(tare_stream_reserve(j->s, &j->plan));
    TARE_TRY(tare_buffer_create(d, (size_t)(m * columns) * element, &j->x));
    TARE_TRY(tare_buffer_create(d, (size_t)(m * n) * element, &j->y));
    TARE_TRY(tare_buffer_write(j->s, j->x, 0, j->xs, (size_t)(m * columns) * element));
    if (!(q->flags & TARE_BIAS)) return TARE_OK;
    TARE_TRY(tare_buffer_create(d, (size_t)n * sizeof(float), &j->bias));
    return tare_buffer_write(j->s, j->bias, 0, j->bs, (size_t)n * sizeof(float));
}

static tare_status multiply(job *j, int64_t m) {
    size_t bytes = (size_t)(m * j->problem.n) * tare_type_bytes(j->problem.y);
    TARE_TRY(tare_run(&j->plan, j->w, j->s, j->x, j->bias, j->y, m));
    TARE_TRY(tare_buffer_read(j->s, j->y, 0, j->ys, bytes));
    return tare_stream_sync(j->s);
}

static void expect_right(job *j, int64_t m) {
    tare_problem p = j->problem;
    size_t count = (size_t)(m * p.n);
    double *ref = malloc(count * sizeof *ref), *mag = malloc(count * sizeof *mag);
    p.m = m;
    cr_assert_eq(tare_reference(&p, &j->t, j->xs, j->bias ? j->bs : NULL, ref, mag), TARE_OK);
    for (size_t i = 0; i < count; i++) {
        double got = tare_load(p.y, j->ys, i);
        cr_assert(fabs(got - ref[i]) <= tare_error_bound(&p, ref[i], mag[i]),
                  "%s, n %lld, m %lld: y[%zu] is %g, must be %g", j->plan.kernel, (long long)p.n,
                  (long long)m, i, got, ref[i]);
    }
    free(ref);
    free(mag);
}

static tare_status whole_job(tare_device *d, const kind *q, int64_t n, int64_t m, int check) {
    job j;
    tare_declined_forget();
    tare_status s = make(&j, d, q, n, m);
    if (s == TARE_OK) s = multiply(&j, m);
    if (s == TARE_OK && check) expect_right(&j, m);
    clear(&j);
    return s;
}

static tare_device *device(void) {
    tare_device *d = NULL;
    setenv("TARE_EMU_L2", "16384", 0); /* what is written before each sample of a measurement */
    cr_assert_eq(tare_device_find("cuda:0", &d), TARE_OK, "%s", tare_last_error());
    return d;
}

/* ---- what the emulator and the fake count ---- */

static void *opened(const char *folder, const char *file) {
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", getenv(folder), file);
    void *module = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    cr_assert_not_null(module, "%s is not open", path);
    dlclose(module); /* the library keeps it */
    return module;
}

static long count_of(void *module, const char *name) {
    long (*count)(void);
    *(void **)&count = dlsym(module, name);
    cr_assert_not_null(count, "no %s: is it the fake?", name);
    return count();
}

static long emulated(const char *name) {
    return count_of(opened("TARE_BACKEND_DIR", "tare-backend-cuda.so"), name);
}
static long faked(const char *name) {
    return count_of(opened("TARE_CUDA_LIBRARIES", "libcublasLt.so.13"), name);
}

/* The n-th call from now on; 0: none. */
static void strike(const char *env, long calls, long n, int code) {
    char order[60];
    snprintf(order, sizeof order, "%ld:%d", calls + n, code);
    setenv(env, n ? order : "", 1);
}
static void strike_library(long n, int code) {
    strike("TARE_FAKE_CUBLASLT_FAIL", faked("tare_fake_cublaslt_calls"), n, code);
}
static void strike_runtime(long n, int code) {
    strike("TARE_EMU_FAIL", emulated("tare_emu_calls"), n, code);
}

/* ---- which algorithm ---- */

Test(cuda_cublaslt, the_fastest_is_taken, .timeout = 120) {
    tare_device *d = device();
    setenv("TARE_FAKE_CUBLASLT_SLOW", "0", 1);
    cr_assert_eq(whole_job(d, &kinds[0], 16, M, 1), TARE_OK, "%s", tare_last_error());
    cr_expect_eq(faked("tare_fake_cublaslt_last"), 2, "0 is slow");
    setenv("TARE_FAKE_CUBLASLT_SLOW", "2", 1);
    cr_assert_eq(whole_job(d, &kinds[0], 24, M, 1), TARE_OK, "%s", tare_last_error());
    cr_expect_eq(faked("tare_fake_cublaslt_last"), 0, "2 is slow");
    cr_assert_eq(whole_job(d, &kinds[0], 16, M, 1), TARE_OK, "%s", tare_last_error());
    cr_expect_eq(faked("tare_fake_cublaslt_last"), 2, "a choice is kept");
    setenv("TARE_FAKE_CUBLASLT_SLOW", "0", 1);
    setenv("TARE_CUDA_CHOICE", "heuristic", 1);
    cr_assert_eq(whole_job(d, &kinds[0], 32, M, 1), TARE_OK, "%s", tare_last_error());
    cr_expect_eq(faked("tare_fake_cublaslt_last"), 0, "the heuristic's first");
}

/* Fewer rows than planned: the choice of the nearest m, unless the library says no to it. */
Test(cuda_cublaslt, other_rows_borrow, .timeout = 120) {
    tare_device *d = device();
    setenv("TARE_FAKE_CUBLASLT_SLOW", "0", 1);
    for (int i = 0; i < KINDS; i++) {
        job j;
        cr_assert_eq(make(&j, d, &kinds[i], 32, 9), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(multiply(&j, 5), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(faked("tare_fake_cublaslt_last"), 2, "%s", kinds[i].row);
        expect_right(&j, 5);
        long emu = emulated("tare_emu_live"), blocks = tare_alloc_live();
        cr_assert_eq(multiply(&j, 1), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(faked("tare_fake_cublaslt_last"), 0, "%s: 2 can't do one row", kinds[i].row);
        expect_right(&j, 1);
        cr_expect_eq(emulated("tare_emu_live"), emu, "a run takes no device memory");
        cr_expect_eq(tare_alloc_live(), blocks, "nor the host's");
        clear(&j);
    }
}

/* More m than are kept, and back. */
Test(cuda_cublaslt, many_row_counts, .timeout = 120) {
    tare_device *d = device();
    setenv("TARE_CUDA_CHOICE", "heuristic", 1);
    job j;
    cr_assert_eq(make(&j, d, &kinds[3], 19, 70), TARE_OK, "%s", tare_last_error());
    for (int64_t m = 70; m > 0; m--) {
        cr_assert_eq(multiply(&j, m), TARE_OK, "%s", tare_last_error());
        expect_right(&j, m);
    }
    cr_assert_eq(multiply(&j, 70), TARE_OK, "%s", tare_last_error());
    expect_right(&j, 70);
    clear(&j);
}

/* ---- faults ---- */

static int64_t fresh = 16; /* n of the next attempt: every other one a multiple of 16 */
static int64_t next_n(void) {
    return fresh += 8;
}

/* What a failed attempt leaves: products that are whole, and nothing else. */
static void expect_no_leak(const kind *q, long call, long emu, long blocks, long objects) {
    long kept = faked("tare_fake_cublaslt_live") - objects;
    cr_assert(kept == 0 || kept == OBJECTS || (q == &kinds[5] && kept == 2 * OBJECTS),
              "%s, call %ld: %ld objects of the library stay", q->row, call, kept);
    cr_assert_eq(tare_alloc_live(), blocks, "%s, call %ld: leaks", q->row, call);
    cr_assert_eq(emulated("tare_emu_live"), emu, "%s, call %ld: memory stays", q->row, call);
}

/* Each of the first calls, in which everything is made, then every seventh of the many that
 * measure, then the last ones, which are the run's. */
static long after(long n, long calls) {
    return n < 40 || n > calls - 12 ? n + 1 : n + 7;
}

static void strike_all(const kind *q, void (*strike_at)(long, int), long (*counter)(const char *),
                       const char *calls_name, int code, tare_status expect) {
    tare_device *d = device();
    cr_assert_eq(whole_job(d, q, next_n(), M, 1), TARE_OK, "%s: %s", q->row, tare_last_error());
    long begin = counter(calls_name), failed = 0;
    cr_assert_eq(whole_job(d, q, next_n() + 8, M, 1), TARE_OK);
    long calls = counter(calls_name) - begin;
    fresh += 8;
    for (long n = 1; n <= calls; n = after(n, calls)) {
        int64_t size = next_n();
        long emu = emulated("tare_emu_live"), blocks = tare_alloc_live(),
             objects = faked("tare_fake_cublaslt_live");
        strike_at(n, code);
        tare_status s = whole_job(d, q, size, M, 1);
        strike_at(0, 0);
        if (s != TARE_OK) {
            failed++;
            cr_assert_eq(s, expect, "%s, call %ld: %s", q->row, n, tare_last_error());
            cr_assert_not_null(strstr(tare_last_error(), "cuda: "), "'%s'", tare_last_error());
        }
        expect_no_leak(q, n, emu, blocks, objects);
        if (n % 5 == 1 || s != TARE_OK)
            cr_assert_eq(whole_job(d, q, size, M, 1), TARE_OK, "%s, after call %ld: %s", q->row, n,
                         tare_last_error());
    }
    cr_expect_gt(failed, code == NOT_THERE ? 3 : 10, "%s: %ld of %ld calls failed", q->row, failed,
                 calls);
}

Test(cuda_cublaslt, every_call_of_the_library_fails, .timeout = 300) {
    for (int i = 0; i < KINDS; i++)
        strike_all(&kinds[i], strike_library, faked, "tare_fake_cublaslt_calls", FAILED,
                   TARE_E_DEVICE);
}

Test(cuda_cublaslt, the_library_has_no_memory, .timeout = 300) {
    strike_all(&kinds[0], strike_library, faked, "tare_fake_cublaslt_calls", NO_ROOM, TARE_E_NOMEM);
    strike_all(&kinds[5], strike_library, faked, "tare_fake_cublaslt_calls", NO_ROOM, TARE_E_NOMEM);
}

/* A candidate that fails so is left out; a call that nothing can replace is a refusal. */
Test(cuda_cublaslt, the_library_does_not_do_it, .timeout = 300) {
    strike_all(&kinds[1], strike_library, faked, "tare_fake_cublaslt_calls", NOT_THERE,
               TARE_E_UNSUPPORTED);
}

Test(cuda_cublaslt, every_call_of_the_runtime_fails, .timeout = 300) {
    strike_all(&kinds[0], strike_runtime, emulated, "tare_emu_calls", 999, TARE_E_DEVICE);
    strike_all(&kinds[5], strike_runtime, emulated, "tare_emu_calls", 999, TARE_E_DEVICE);
}

/* Nor does a handle that can't be made stay half made. */
Test(cuda_cublaslt, the_handle_can_not_be_made, .timeout = 120) {
    tare_device *d = device();
    long blocks = tare_alloc_live();
    for (long n = 1; n <= 3; n++) {
        strike_library(n, FAILED);
        cr_assert_eq(whole_job(d, &kinds[0], 16, M, 0), TARE_E_DEVICE, "call %ld", n);
        cr_assert_not_null(strstr(tare_last_error(), "CUBLAS_STATUS_EXECUTION_FAILED"), "%s",
                           tare_last_error());
        strike_library(0, 0);
        cr_assert_eq(faked("tare_fake_cublaslt_live"), 0, "call %ld", n);
        cr_assert_eq(tare_alloc_live(), blocks, "call %ld", n);
    }
    cr_assert_eq(whole_job(d, &kinds[0], 16, M, 1), TARE_OK, "%s", tare_last_error());
}

/* No room for operands to measure with: the heuristic decides, and the run needs none of it. */
Test(cuda_cublaslt, no_memory_to_measure_with, .timeout = 120) {
    tare_device *d = device();
    setenv("TARE_FAKE_CUBLASLT_SLOW", "0", 1);
    setenv("TARE_EMU_MEMORY", "50000000", 1); /* one workspace, not two */
    job j;
    cr_assert_eq(make(&j, d, &kinds[0], 16, M), TARE_OK, "%s", tare_last_error());
    job again;
    cr_assert_eq(make_data(&again, &kinds[0], 24, M), TARE_OK);
    tare_plan_options only = {.only = kinds[0].row};
    cr_assert_eq(tare_plan_make(d, &again.problem, &only, &again.plan), TARE_OK);
    cr_assert_eq(tare_stream_reserve(j.s, &again.plan), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_pack(&again.plan, &again.t, &again.w), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_run(&again.plan, again.w, j.s, j.x, NULL, j.y, 1), TARE_OK, "%s",
                 tare_last_error());
    cr_expect_eq(faked("tare_fake_cublaslt_last"), 0);
    tare_packed_destroy(again.w);
    tare_tensor_clear(&again.t);
    free(again.xs), free(again.ys), free(again.bs);
    clear(&j);
}

/* ---- libraries and devices that can't ---- */

static void expect_refusal(const kind *q, const char *why) {
    tare_device *d = device();
    job j;
    memset(&j, 0, sizeof j);
    cr_assert_eq(make(&j, d, q, 16, M), TARE_E_UNSUPPORTED, "%s", q->row);
    cr_expect_not_null(strstr(tare_last_error(), why), "%s: '%s'", q->row, tare_last_error());
    clear(&j);
}

Test(cuda_cublaslt, no_library, .timeout = 60) {
    setenv("TARE_CUDA_LIBRARIES", "/nowhere", 1);
    for (int i = 0; i < KINDS; i++) expect_refusal(&kinds[i], "needs cublaslt, absent or masked");
}

Test(cuda_cublaslt, no_f8, .timeout = 60) {
    setenv("TARE_EMU_SM", "80", 1);
    expect_refusal(&kinds[5], "needs fp8, absent or masked");
    cr_assert_eq(whole_job(device(), &kinds[4], 16, M, 1), TARE_OK, "%s", tare_last_error());
}

Test(cuda_cublaslt, no_algorithm, .timeout = 60) {
    setenv("TARE_FAKE_CUBLASLT_NONE", "1", 1);
    for (int i = 0; i < KINDS; i++) expect_refusal(&kinds[i], "has no algorithm on");
}

/* Scales by row came with 12.9; before, f8 is finished by a pass of ours. */
Test(cuda_cublaslt, old_library, .timeout = 60) {
    setenv("TARE_FAKE_CUBLASLT_OLD", "1", 1);
    tare_device *d = device();
    for (int64_t n = 16; n < 40; n += 8)
        cr_assert_eq(whole_job(d, &kinds[5], n, M, 1), TARE_OK, "%s", tare_last_error());
}

/* Scales by row that are refused, in whichever call and by whichever word: a value, and the pass
 * does it, also where the heuristic's first candidate is believed unseen. */
Test(cuda_cublaslt, scales_are_refused, .timeout = 120) {
    static const char *const orders[] = {"heuristic:7", "heuristic:15", "run:7", "run:15"};
    tare_device *d = device();
    int64_t n = 16;
    for (int how = 0; how < 2; how++) {
        for (int i = 0; i < 4; i++, n += 16) {
            setenv("TARE_FAKE_CUBLASLT_OUTER", orders[i], 1);
            for (int again = 0; again < 2; again++)
                cr_assert_eq(whole_job(d, &kinds[5], n, M, 1), TARE_OK, "%s: %s", orders[i],
                             tare_last_error());
        }
        setenv("TARE_CUDA_CHOICE", "heuristic", 1);
    }
    setenv("TARE_FAKE_CUBLASLT_OUTER", "run:13", 1); /* what is no refusal stays an error */
    cr_assert_eq(whole_job(d, &kinds[5], n, M, 1), TARE_E_DEVICE);
}

/* Fast sums of f8 only as far as the problem's bound goes. */
Test(cuda_cublaslt, fast_sums, .timeout = 60) {
    tare_device *d = device();
    for (int64_t n = 16; n < 40; n += 8) { /* by the library and by the pass */
        columns = 128;
        cr_assert_eq(whole_job(d, &kinds[5], n, M, 1), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(faked("tare_fake_cublaslt_fast"), 1, "n %lld", (long long)n);
        columns = 144;
        cr_assert_eq(whole_job(d, &kinds[5], n, M, 1), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(faked("tare_fake_cublaslt_fast"), 0, "n %lld", (long long)n);
    }
    columns = 128;
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(whole_job(d, &kinds[i], 16, M, 1), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(faked("tare_fake_cublaslt_fast"), 0, "%s", kinds[i].row);
    }
}

/* ---- threads ---- */

/* Gives a text where a run fails or differs from the first one, which is in ys. */
static void *many_runs(void *at) {
    static char differs[] = "a run met another's bias";
    job *j = at;
    float first[M * 32];
    memcpy(first, j->ys, sizeof first);
    for (int i = 0; i < 40; i++) {
        if (multiply(j, M) != TARE_OK) return (void *)(uintptr_t)tare_last_error();
        if (memcmp(first, j->ys, sizeof first) != 0) return differs;
    }
    return NULL;
}

/* The same product on two streams with a bias each: a run must meet its own. */
Test(cuda_cublaslt, two_threads, .timeout = 120) {
    tare_device *d = device();
    job j[2];
    pthread_t t[2];
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(make(&j[i], d, &kinds[1], 32, M), TARE_OK, "%s", tare_last_error());
        for (int c = 0; c < 32; c++) j[i].bs[c] = i ? 100.0f : 1.0f;
        cr_assert_eq(tare_buffer_write(j[i].s, j[i].bias, 0, j[i].bs, 32 * sizeof(float)), TARE_OK);
        cr_assert_eq(multiply(&j[i], M), TARE_OK, "%s", tare_last_error());
        expect_right(&j[i], M);
    }
    setenv("TARE_FAKE_CUBLASLT_PAUSE", "1", 1);
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, many_runs, &j[i]);
    for (int i = 0; i < 2; i++) {
        void *failed;
        pthread_join(t[i], &failed);
        cr_assert_null(failed, "%s", (const char *)failed);
        clear(&j[i]);
    }
}
