/* CUDA on the emulated runtime: graphs that are recorded, replayed and spoilt, memory that is set
 * and copied on the device, and clocks as a stand-in for NVML tells them. Each test is a process of
 * its own (Criterion): libraries are opened once. */
#include "src/internal.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 24, K = 160, M = 3, UNKNOWN = 999 };

typedef struct job {
    tare_device *d;
    tare_plan plan;
    tare_tensor t;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y;
} job;

/* Everything up to a first run, which is what must come before a graph. */
static tare_status open_job(job *j, tare_device *d) {
    static float w[N * K], x[M * K];
    uint64_t state = 11;
    tare_format f;
    j->d = d;
    TARE_TRY(tare_format_parse("f32", &f));
    fill_weights(w, N, K, &f, PATTERN_FULL, &state);
    for (int i = 0; i < M * K; i++) x[i] = (float)(i % 7) - 3;
    TARE_TRY(tare_encode(&f, N, K, w, &j->t));
    tare_problem p = tare_problem_matmul(&j->t, M, TARE_F32, TARE_F32, 0);
    TARE_TRY(tare_plan_make(d, &p, NULL, &j->plan));
    TARE_TRY(tare_pack(&j->plan, &j->t, &j->w));
    TARE_TRY(tare_stream_create(d, &j->s));
    TARE_TRY(tare_stream_reserve(j->s, &j->plan));
    TARE_TRY(tare_buffer_create(d, sizeof x, &j->x));
    TARE_TRY(tare_buffer_create(d, M * N * sizeof(float), &j->y));
    TARE_TRY(tare_buffer_write(j->s, j->x, 0, x, sizeof x));
    TARE_TRY(tare_run(&j->plan, j->w, j->s, j->x, NULL, j->y, 0));
    return tare_stream_sync(j->s);
}

static void close_job(job *j) {
    tare_buffer_destroy(j->x);
    tare_buffer_destroy(j->y);
    tare_stream_destroy(j->s);
    tare_packed_destroy(j->w);
    tare_tensor_clear(&j->t);
}

static tare_device *device(const char *id) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find(id, &d), TARE_OK, "%s", tare_last_error());
    return d;
}

static tare_status read_y(job *j, float out[M * N]) {
    TARE_TRY(tare_buffer_read(j->s, j->y, 0, out, M * N * sizeof *out));
    return tare_stream_sync(j->s);
}

static tare_status wipe_y(job *j) {
    return j->d->backend->ops->fill(j->d->state, j->s->state, j->y->mem, 0, M * N * sizeof(float),
                                    0xff);
}

static tare_status run_once(job *j) {
    return tare_run(&j->plan, j->w, j->s, j->x, NULL, j->y, 0);
}

/* What the emulator counts. */
static long emulated(const char *what) {
    char path[1000];
    long (*count)(void);
    snprintf(path, sizeof path, "%s/tare-backend-cuda.so", getenv("TARE_BACKEND_DIR"));
    void *module = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    cr_assert_not_null(module, "%s is not open", path);
    *(void **)&count = dlsym(module, what);
    cr_assert_not_null(count, "no %s: is it the emulator's module?", what);
    dlclose(module);
    return count();
}

Test(cuda_graph, a_replay_is_the_runs_that_were_recorded, .timeout = 60) {
    job j = {0};
    float good[M * N], got[M * N];
    tare_graph *g = NULL;
    tare_times t;
    cr_assert_eq(open_job(&j, device("cuda:0")), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(read_y(&j, good), TARE_OK);
    cr_assert_eq(wipe_y(&j), TARE_OK);
    cr_assert_eq(tare_graph_begin(j.s), TARE_OK, "%s", tare_last_error());
    for (int i = 0; i < 3; i++) cr_assert_eq(run_once(&j), TARE_OK);
    cr_assert_eq(tare_graph_end(j.s, &g), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(read_y(&j, got), TARE_OK);
    for (int i = 0; i < M * N; i++) cr_assert(got[i] != got[i], "recorded, not run");
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(wipe_y(&j), TARE_OK);
        cr_assert_eq(tare_stream_times(j.s, &t), TARE_OK); /* what came before */
        cr_assert_eq(tare_graph_replay(g, j.s), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(tare_stream_times(j.s, &t), TARE_OK);
        cr_assert(t.kernel_ns > 0 && t.h2d_ns == 0 && t.d2h_ns == 0, "a replay is kernels");
        cr_assert_eq(read_y(&j, got), TARE_OK);
        cr_assert_arr_eq(good, got, sizeof good);
    }
    tare_graph_destroy(g);
    close_job(&j);
    cr_assert_eq(emulated("tare_emu_live"), 0, "everything is given back");
}

/* A run that is refused in between: no graph, and the stream is good for more. */
Test(cuda_graph, a_failed_run_spoils_it, .timeout = 60) {
    job j = {0};
    float good[M * N], got[M * N];
    tare_graph *g = NULL;
    cr_assert_eq(open_job(&j, device("cuda:0")), TARE_OK);
    cr_assert_eq(read_y(&j, good), TARE_OK);
    cr_assert_eq(tare_graph_begin(j.s), TARE_OK);
    cr_assert_eq(run_once(&j), TARE_OK);
    cr_assert_eq(tare_run(&j.plan, j.w, j.s, j.x, NULL, j.y, M + 1), TARE_E_ARG);
    cr_assert_eq(tare_graph_end(j.s, &g), TARE_E_DEVICE);
    cr_assert(!g && strstr(tare_last_error(), "failed while"), "%s", tare_last_error());
    cr_assert_eq(wipe_y(&j), TARE_OK);
    cr_assert_eq(run_once(&j), TARE_OK);
    cr_assert_eq(read_y(&j, got), TARE_OK);
    cr_assert_arr_eq(good, got, sizeof good);
    close_job(&j);
    cr_assert_eq(emulated("tare_emu_live"), 0);
}

Test(cuda_graph, nothing_but_runs_goes_in, .timeout = 60) {
    job j = {0};
    float v = 0;
    tare_times t;
    tare_graph *g = NULL;
    cr_assert_eq(open_job(&j, device("cuda:0")), TARE_OK);
    cr_assert_eq(tare_graph_end(j.s, &g), TARE_E_ARG, "none was begun");
    cr_assert_eq(tare_graph_begin(j.s), TARE_OK);
    cr_expect_eq(tare_graph_begin(j.s), TARE_E_ARG);
    cr_expect_eq(tare_stream_sync(j.s), TARE_E_ARG);
    cr_expect_eq(tare_stream_times(j.s, &t), TARE_E_ARG);
    cr_expect_eq(tare_stream_reserve(j.s, &j.plan), TARE_E_ARG);
    cr_expect_eq(tare_buffer_write(j.s, j.x, 0, &v, sizeof v), TARE_E_ARG);
    cr_expect_eq(tare_buffer_read(j.s, j.y, 0, &v, sizeof v), TARE_E_ARG);
    tare_buffer *all = NULL;
    cr_assert_eq(tare_buffer_create(j.d, N * K * sizeof(float), &all), TARE_OK);
    cr_expect_eq(tare_unpack_values(j.w, j.s, all), TARE_E_ARG);
    cr_expect(strstr(tare_last_error(), "only be tare_run"), "%s", tare_last_error());
    tare_buffer_destroy(all);
    cr_assert_eq(run_once(&j), TARE_OK);
    close_job(&j); /* with the graph begun and not ended */
    cr_assert_eq(emulated("tare_emu_live"), 0);
}

/* A graph holds the address of scratch, which moves when it grows. */
Test(cuda_graph, scratch_that_moved_is_not_replayed, .timeout = 60) {
    job j = {0};
    tare_graph *g = NULL;
    tare_plan more;
    cr_assert_eq(open_job(&j, device("cuda:0")), TARE_OK);
    cr_assert_eq(tare_graph_begin(j.s), TARE_OK);
    cr_assert_eq(run_once(&j), TARE_OK);
    cr_assert_eq(tare_graph_end(j.s, &g), TARE_OK);
    tare_problem p = tare_problem_matmul(&j.t, 64 * M, TARE_F32, TARE_F32, 0);
    cr_assert_eq(tare_plan_make(j.d, &p, NULL, &more), TARE_OK);
    cr_assert(more.scratch_bytes > j.plan.scratch_bytes, "the shape is to want more");
    cr_assert_eq(tare_graph_replay(g, j.s), TARE_OK);
    cr_assert_eq(tare_stream_reserve(j.s, &more), TARE_OK, "%s", tare_last_error());
    cr_expect_eq(tare_graph_replay(g, j.s), TARE_E_ARG);
    cr_expect(strstr(tare_last_error(), "record again"), "%s", tare_last_error());
    tare_graph_destroy(g);
    close_job(&j);
    cr_assert_eq(emulated("tare_emu_live"), 0);
}

static tare_status graph_job(tare_device *d, float out[M * N]) {
    job j = {0};
    tare_graph *g = NULL;
    tare_status s = open_job(&j, d);
    if (s == TARE_OK) s = tare_graph_begin(j.s);
    if (s == TARE_OK) {
        s = run_once(&j);
        tare_status end = tare_graph_end(j.s, &g);
        if (s == TARE_OK) s = end;
    }
    if (s == TARE_OK) s = wipe_y(&j);
    if (s == TARE_OK) s = tare_graph_replay(g, j.s);
    if (s == TARE_OK) s = read_y(&j, out);
    tare_graph_destroy(g);
    close_job(&j);
    return s;
}

/* Whichever call of the runtime fails: an error with words, nothing kept, and the next job runs. */
Test(cuda_graph, the_nth_call_fails, .timeout = 120) {
    tare_device *d = device("cuda:0");
    float good[M * N], again[M * N];
    char order[60];
    int failed = 0;
    cr_assert_eq(graph_job(d, good), TARE_OK, "%s", tare_last_error());
    long live = emulated("tare_emu_live"), begin = emulated("tare_emu_calls");
    cr_assert_eq(graph_job(d, good), TARE_OK);
    long calls = emulated("tare_emu_calls") - begin;
    for (long n = 1; n <= calls; n++) {
        snprintf(order, sizeof order, "%ld:%d", emulated("tare_emu_calls") + n, UNKNOWN);
        setenv("TARE_EMU_FAIL", order, 1);
        tare_status s = graph_job(d, again);
        setenv("TARE_EMU_FAIL", "", 1);
        cr_expect_eq(emulated("tare_emu_live"), live, "call %ld of %ld leaks", n, calls);
        if (s == TARE_OK) continue;
        failed++;
        cr_assert_eq(s, TARE_E_DEVICE, "call %ld: %s", n, tare_last_error());
        cr_assert_eq(graph_job(d, again), TARE_OK, "after call %ld: %s", n, tare_last_error());
        cr_assert_arr_eq(good, again, sizeof good);
    }
    cr_expect_gt(failed, 20, "%d of %ld", failed, calls);
}

Test(cuda_graph, memory_is_copied_there, .timeout = 60) {
    job j = {0};
    float x[M * K], got[M * K];
    cr_assert_eq(open_job(&j, device("cuda:0")), TARE_OK);
    tare_buffer *b = NULL;
    cr_assert_eq(tare_buffer_create(j.d, sizeof x, &b), TARE_OK);
    cr_assert_eq(j.d->backend->ops->copy(j.d->state, j.s->state, b->mem, j.x->mem, sizeof x),
                 TARE_OK);
    cr_assert_eq(tare_buffer_read(j.s, j.x, 0, x, sizeof x), TARE_OK);
    cr_assert_eq(tare_buffer_read(j.s, b, 0, got, sizeof x), TARE_OK);
    cr_assert_eq(tare_stream_sync(j.s), TARE_OK);
    cr_assert_arr_eq(x, got, sizeof x);
    tare_buffer_destroy(b);
    close_job(&j);
}

/* ---- clocks ---- */

static void have_nvml(void) {
    char path[1000];
    snprintf(path, sizeof path, "%s/libnvidia-ml.so.1", getenv("TARE_CUDA_LIBRARIES"));
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    fclose(f);
}

Test(cuda_clocks, are_told, .timeout = 60) {
    tare_clocks c;
    have_nvml();
    setenv("TARE_FAKE_NVML_REASONS", "0x64", 1);
    cr_assert_eq(tare_device_clocks(device("cuda:0"), &c), TARE_OK, "%s", tare_last_error());
    cr_assert(c.core_mhz == 1200 && c.core_max_mhz == 1980);
    cr_assert(c.memory_mhz == 2600 && c.memory_max_mhz == 2619 && c.celsius == 63);
    cr_assert(c.watts == 698.5 && c.watts_limit == 700);
    cr_assert_str_eq(c.limits, "power-cap sw-thermal hw-thermal");
    setenv("TARE_FAKE_NVML_REASONS", "0", 1);
    cr_assert_eq(tare_device_clocks(device("cuda:0"), &c), TARE_OK);
    cr_assert_str_eq(c.limits, "");
    setenv("TARE_FAKE_NVML_REASONS", "0x1001", 1);
    cr_assert_eq(tare_device_clocks(device("cuda:0"), &c), TARE_OK);
    cr_assert_str_eq(c.limits, "idle 0x1000", "what has no name is a number");
}

Test(cuda_clocks, what_is_not_told_is_negative, .timeout = 60) {
    tare_clocks c;
    setenv("TARE_FAKE_NVML", "silent", 1);
    cr_assert_eq(tare_device_clocks(device("cuda:0"), &c), TARE_OK);
    cr_assert(c.core_mhz == 1200 && c.celsius == -1 && c.watts < 0 && c.watts_limit < 0);
    cr_assert_str_eq(c.limits, "");
}

static void no_clocks(const char *id, const char *why) {
    tare_clocks c;
    cr_assert_eq(tare_device_clocks(device(id), &c), TARE_E_UNSUPPORTED);
    cr_assert(strstr(tare_last_error(), why), "%s", tare_last_error());
    cr_assert(c.core_mhz < 0 && !c.limits[0]);
}

Test(cuda_clocks, a_library_that_does_not_start, .timeout = 60) {
    setenv("TARE_FAKE_NVML", "absent", 1);
    no_clocks("cuda:0", "Driver Not Loaded");
}

Test(cuda_clocks, no_library, .timeout = 60) {
    setenv("TARE_CUDA_LIBRARIES", "/nonexistent", 1);
    no_clocks("cuda:0", "libnvidia-ml.so.1 was not found");
}

Test(cuda_clocks, beside_the_driver, .timeout = 60) {
    char path[1000];
    tare_clocks c;
    have_nvml();
    snprintf(path, sizeof path, "%s/libcuda.so.1", getenv("TARE_CUDA_LIBRARIES"));
    cr_assert_not_null(dlopen(path, RTLD_NOW | RTLD_LOCAL), "%s", dlerror());
    unsetenv("TARE_CUDA_LIBRARIES");
    cr_assert_eq(tare_device_clocks(device("cuda:0"), &c), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(c.core_mhz, 1200);
}

Test(cuda_clocks, a_device_that_it_does_not_know, .timeout = 60) {
    setenv("TARE_EMU_DEVICES", "2", 1);
    no_clocks("cuda:1", "Not Found");
}

/* ---- packing ---- */

static void *blob_of(tare_device *d, const tare_kernel *row, const tare_tensor *t, int64_t m,
                     tare_type x, uint32_t flags, size_t *bytes) {
    tare_plan_options only = {.only = row->name};
    tare_plan plan;
    tare_packed *w = NULL;
    tare_stream *s = NULL;
    tare_problem p = tare_problem_matmul(t, m, x, x, flags);
    if (tare_plan_make(d, &p, &only, &plan) != TARE_OK) return NULL;
    cr_assert_eq(tare_pack(&plan, t, &w), TARE_OK, "%s: %s", row->name, tare_last_error());
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    void *blob = malloc(w->bytes);
    cr_assert_eq(d->backend->ops->read(d->state, s->state, w->mem, 0, blob, w->bytes), TARE_OK);
    cr_assert_eq(tare_stream_sync(s), TARE_OK);
    *bytes = w->bytes;
    tare_stream_destroy(s);
    tare_packed_destroy(w);
    return blob;
}

/* Rows that say so pack the same bytes for one row of x and for many. */
Test(cuda_graph, rows_for_any_m_pack_alike, .timeout = 120) {
    static const char *const formats[] = {"f32",     "f16",        "bf16",       "i8-row",
                                          "i4-g64",  "f8-row",     "bitmap/f16", "bitmap/i8-row",
                                          "2:4/f16", "2:4/i8-row", "csr/f32",    "bs16x16/f16"};
    tare_device *d = device("cuda:0");
    static float w[N * K];
    int compared = 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        tare_format f;
        tare_tensor t;
        uint64_t state = 5;
        cr_assert_eq(tare_format_parse(formats[i], &f), TARE_OK);
        fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
        cr_assert_eq(tare_encode(&f, N, K, w, &t), TARE_OK);
        for (const tare_kernel *const *row = d->backend->rows; *row; row++)
            for (int kind = 0; kind < 4; kind++) {
                size_t bytes[2] = {0, 0};
                tare_type x = kind % 2 ? TARE_F16 : TARE_F32;
                uint32_t flags = kind < 2 || !f.scaling ? 0 : tare_x_quantised(&f);
                if (!((*row)->flags & TARE_ROW_ANY_M)) continue;
                void *one = blob_of(d, *row, &t, 1, x, flags, &bytes[0]);
                void *many = blob_of(d, *row, &t, 300, x, flags, &bytes[1]);
                if (one && many) {
                    compared++;
                    cr_assert_eq(bytes[0], bytes[1], "%s, %s", (*row)->name, formats[i]);
                    cr_assert_eq(memcmp(one, many, bytes[0]), 0, "%s, %s", (*row)->name,
                                 formats[i]);
                }
                free(one);
                free(many);
            }
        tare_tensor_clear(&t);
    }
    cr_assert_gt(compared, 15, "%d", compared);
}
