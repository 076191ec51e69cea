/* The rows over cuSPARSELt, beyond their results (checkall has those), on the fake library of
 * tests/cuda_emu: every call of the library failing once while weights are packed, run and
 * destroyed; libraries that are missing or of versions that are not taken; what stays on the device
 * after packing; threads that share weights; what is refused and why. Each test has a process of
 * its own (Criterion), since the libraries are opened once. */
#include "cuda/lib/cusparselt_api.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 40, K = 72, M = 5 };

static const struct {
    const char *format, *row;
    tare_type x;
    uint32_t flags;
    size_t packed; /* n and k padded to 16 or 32: values, two bits each, scales */
} kinds[] = {
    {"2:4/f16", "matmul_nm24f16_cusparselt", TARE_F16, TARE_RELU, 48 * 80 * 9 / 8},
    {"2:4/bf16", "matmul_nm24bf16_cusparselt", TARE_BF16, 0, 48 * 80 * 9 / 8},
    {"2:4/i8-row", "matmul_nm24i8_cusparselt", TARE_F32, TARE_X_I8, 3840 + N * 4},
    {"2:4/f8-tensor", "matmul_nm24f8_cusparselt", TARE_F16, TARE_X_F8 | TARE_SUM_F8, 3840 + N * 4},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static long ask(const char *path, const char *what) {
    long (*count)(void);
    void *module = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    cr_assert_not_null(module, "%s is not open", path);
    *(void **)&count = dlsym(module, what);
    cr_assert_not_null(count, "no %s", what);
    dlclose(module);
    return count();
}
static const char *fake_path(void) {
    static char path[1000];
    snprintf(path, sizeof path, "%s/libcusparseLt.so.0", getenv("TARE_CUDA_LIBRARIES"));
    return path;
}
static long fake(const char *what) {
    return ask(fake_path(), what);
}
static long emulated(const char *what) {
    char path[1000];
    snprintf(path, sizeof path, "%s/tare-backend-cuda.so", getenv("TARE_BACKEND_DIR"));
    return ask(path, what);
}

static tare_device *device(void) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cuda:0", &d), TARE_OK, "%s", tare_last_error());
    return d;
}

typedef struct job {
    tare_tensor t;
    tare_plan plan;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y;
} job;

static void encode(tare_tensor *t, const char *format) {
    static float w[N * K];
    uint64_t state = 5;
    tare_format f;
    cr_assert_eq(tare_format_parse(format, &f), TARE_OK);
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    cr_assert_eq(tare_encode(&f, N, K, w, t), TARE_OK);
}

static tare_status prepare(job *j, tare_device *d, int kind) {
    tare_plan_options only = {.only = kinds[kind].row};
    encode(&j->t, kinds[kind].format);
    tare_problem p = tare_problem_matmul(&j->t, M, kinds[kind].x, kinds[kind].x, kinds[kind].flags);
    TARE_TRY(tare_plan_make(d, &p, &only, &j->plan));
    return tare_pack(&j->plan, &j->t, &j->w);
}

static tare_status run(job *j, tare_device *d, int kind, void *out) {
    tare_type type = kinds[kind].x;
    size_t element = tare_type_bytes(type);
    char x[M * K * 4];
    uint64_t state = 77;
    fill_x(x, type, M, K, &state);
    TARE_TRY(tare_stream_create(d, &j->s));
    TARE_TRY(tare_stream_reserve(j->s, &j->plan));
    TARE_TRY(tare_buffer_create(d, M * K * element, &j->x));
    TARE_TRY(tare_buffer_create(d, M * N * element, &j->y));
    TARE_TRY(tare_buffer_write(j->s, j->x, 0, x, M * K * element));
    TARE_TRY(tare_run(&j->plan, j->w, j->s, j->x, NULL, j->y, 0));
    TARE_TRY(tare_buffer_read(j->s, j->y, 0, out, M * N * element));
    return tare_stream_sync(j->s);
}

static void clear(job *j) {
    tare_buffer_destroy(j->x);
    tare_buffer_destroy(j->y);
    tare_stream_destroy(j->s);
    tare_packed_destroy(j->w);
    tare_tensor_clear(&j->t);
}

static tare_status whole_job(tare_device *d, int kind, void *out) {
    job j;
    tare_declined_forget();
    memset(&j, 0, sizeof j);
    tare_status s = prepare(&j, d, kind);
    if (s == TARE_OK) s = run(&j, d, kind, out);
    clear(&j);
    return s;
}

/* ---- failures ---- */

static void strike(long n, int status) {
    char order[60];
    snprintf(order, sizeof order, "%ld:%d", fake("tare_fake_cusparselt_calls") + n, status);
    setenv("TARE_FAKE_CUSPARSELT_FAIL", n ? order : "", 1);
}

/* The ends of things may fail without a word: they are gone all the same. */
static void strike_all(int kind, int status, tare_status expect, const char *name) {
    tare_device *d = device();
    float good[M * N] = {0}, again[M * N] = {0};
    cr_assert_eq(whole_job(d, kind, good), TARE_OK, "%s", tare_last_error());
    long live = emulated("tare_emu_live"), objects = fake("tare_fake_cusparselt_live");
    long begin = fake("tare_fake_cusparselt_calls"), failed = 0;
    cr_assert_eq(whole_job(d, kind, good), TARE_OK);
    long calls = fake("tare_fake_cusparselt_calls") - begin;
    for (long n = 1; n <= calls; n++) {
        strike(n, status);
        tare_status s = whole_job(d, kind, again);
        strike(0, 0);
        cr_expect_eq(emulated("tare_emu_live"), live, "%s, call %ld: memory leaks", kinds[kind].row,
                     n);
        cr_expect_eq(fake("tare_fake_cusparselt_live"), objects, "%s, call %ld: objects leak",
                     kinds[kind].row, n);
        if (s == TARE_OK) continue;
        failed++;
        cr_assert_eq(s, expect, "%s, call %ld: %s", kinds[kind].row, n, tare_last_error());
        cr_assert(strstr(tare_last_error(), "cuSPARSELt: cusparseLt") &&
                      strstr(tare_last_error(), name),
                  "%s", tare_last_error());
    }
    cr_expect_eq(failed, calls - 5, "%ld of %ld calls failed", failed, calls);
    cr_assert_eq(whole_job(d, kind, again), TARE_OK, "%s", tare_last_error());
    cr_assert_arr_eq(good, again, sizeof good, "%s after failures", kinds[kind].row);
}

Test(cusparselt, every_call_fails_once, .timeout = 120) {
    for (int i = 0; i < KINDS; i++) {
        strike_all(i, CUSPARSELT_EXECUTION_FAILED, TARE_E_DEVICE, "EXECUTION_FAILED");
        strike_all(i, CUSPARSELT_ALLOC_FAILED, TARE_E_NOMEM, "ALLOC_FAILED");
        strike_all(i, CUSPARSELT_NOT_SUPPORTED, TARE_E_UNSUPPORTED, "NOT_SUPPORTED");
    }
}

/* A handle that could not be made is made the next time. */
Test(cusparselt, no_handle_at_first, .timeout = 60) {
    float out[M * N];
    tare_device *d = device();
    strike(1, CUSPARSELT_ARCH_MISMATCH);
    cr_assert_eq(whole_job(d, 0, out), TARE_E_UNSUPPORTED);
    cr_expect_not_null(strstr(tare_last_error(), "cusparseLtInit"), "%s", tare_last_error());
    strike(0, 0);
    cr_assert_eq(whole_job(d, 0, out), TARE_OK, "%s", tare_last_error());
    cr_expect_eq(fake("tare_fake_cusparselt_live"), 1, "the handle, and nothing else");
}

Test(cusparselt, an_algorithm_with_too_large_a_workspace, .timeout = 60) {
    float out[M * N];
    tare_device *d = device();
    cr_assert_eq(whole_job(d, 0, out), TARE_OK, "%s", tare_last_error());
    long live = emulated("tare_emu_live"), objects = fake("tare_fake_cusparselt_live");
    setenv("TARE_FAKE_CUSPARSELT_WORKSPACE", "16777217", 1);
    cr_assert_eq(whole_job(d, 0, out), TARE_E_UNSUPPORTED);
    cr_expect_not_null(strstr(tare_last_error(), "workspace of 16777217 bytes"), "%s",
                       tare_last_error());
    cr_expect_eq(emulated("tare_emu_live"), live);
    cr_expect_eq(fake("tare_fake_cusparselt_live"), objects);
    setenv("TARE_FAKE_CUSPARSELT_WORKSPACE", "16777216", 1);
    cr_assert_eq(whole_job(d, 0, out), TARE_OK, "%s", tare_last_error());
}

/* ---- the library itself ---- */

static void expect_no_rows(const char *reason) {
    tare_device *d = device();
    tare_device_info info;
    float out[M * N];
    cr_assert_eq(tare_device_describe(d, &info), TARE_OK);
    cr_expect(strstr(info.runtime, "no cuSPARSELt") && strstr(info.runtime, reason), "%s",
              info.runtime);
    for (int i = 0; i < KINDS; i++) {
        cr_assert_eq(whole_job(d, i, out), TARE_E_UNSUPPORTED);
        cr_expect_not_null(strstr(tare_last_error(), "needs cusparselt"), "%s", tare_last_error());
    }
}

Test(cusparselt, is_missing, .timeout = 60) {
    setenv("TARE_CUDA_LIBRARIES", "/nowhere", 1);
    expect_no_rows("libcusparseLt.so.0 was not found");
}
static void of_version(const char *version, const char *reason) {
    setenv("TARE_FAKE_CUSPARSELT_VERSION", version, 1);
    expect_no_rows(reason);
}
static int expect_vendor(void *ctx, const tare_row_report *r) {
    if (r->fits && strstr(r->kernel, "_cusparselt")) cr_expect_str_eq(r->vendor, ctx);
    return 0;
}
/* Every row of the library, run, and what devices, explain and records call it. */
static void expect_rows(const char *version, char *text) {
    float out[M * N];
    tare_device_info info;
    setenv("TARE_FAKE_CUSPARSELT_VERSION", version, 1);
    for (int i = 0; i < KINDS; i++) {
        job j;
        cr_assert_eq(whole_job(device(), i, out), TARE_OK, "%s", tare_last_error());
        memset(&j, 0, sizeof j);
        cr_assert_eq(prepare(&j, device(), i), TARE_OK);
        cr_expect_str_eq(j.plan.vendor, text);
        cr_assert_eq(tare_explain(device(), &j.plan.problem, NULL, expect_vendor, text), TARE_OK);
        clear(&j);
    }
    cr_assert_eq(tare_device_describe(device(), &info), TARE_OK);
    cr_expect_not_null(strstr(info.runtime, text), "%s", info.runtime);
}
Test(cusparselt, is_slow_on_hopper, .timeout = 60) {
    expect_rows("0.8.0", "cuSPARSELt 0.8.0: slow on sm_90");
}
Test(cusparselt, says_its_version, .timeout = 60) {
    expect_rows("0.8.1", "cuSPARSELt 0.8.1");
}
Test(cusparselt, is_too_old, .timeout = 60) {
    of_version("0.5.2", "0.5.2: only 0.6.2 to 0.10 are known");
}
Test(cusparselt, is_too_new, .timeout = 60) {
    of_version("0.11.0", "0.11.0: only 0.6.2 to 0.10 are known");
}
Test(cusparselt, is_of_a_known_version, .timeout = 60) {
    expect_rows("0.6.2", "cuSPARSELt 0.6.2");
}

/* ---- what is there ---- */

/* Only the compressed bytes stay. */
Test(cusparselt, the_dense_matrix_goes, .timeout = 60) {
    tare_device *d = device();
    for (int i = 0; i < KINDS; i++) {
        job j;
        memset(&j, 0, sizeof j);
        long live = emulated("tare_emu_live");
        cr_assert_eq(prepare(&j, d, i), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(emulated("tare_emu_live"), live + 1, "%s", kinds[i].row);
        cr_expect_eq(tare_packed_bytes(j.w), kinds[i].packed, "%s: %zu", kinds[i].row,
                     tare_packed_bytes(j.w));
        cr_expect_eq(fake("tare_fake_cusparselt_live"), 6, "handle, matrices, choice, plan");
        clear(&j);
        cr_expect_eq(emulated("tare_emu_live"), live, "%s", kinds[i].row);
        cr_expect_eq(fake("tare_fake_cusparselt_live"), 1, "%s", kinds[i].row);
    }
}

typedef struct worker {
    pthread_t thread;
    job j; /* shares w */
    float out[M * N];
    tare_status status;
} worker;

static void *work(void *p) {
    worker *q = p;
    for (int i = 0; i < 8 && q->status == TARE_OK; i++) {
        q->status = run(&q->j, device(), 2, q->out);
        tare_buffer_destroy(q->j.x);
        tare_buffer_destroy(q->j.y);
        tare_stream_destroy(q->j.s);
        q->j.x = q->j.y = NULL;
        q->j.s = NULL;
    }
    return NULL;
}

Test(cusparselt, streams_share_weights, .timeout = 60) {
    static worker workers[4];
    float good[M * N];
    job j;
    memset(&j, 0, sizeof j);
    cr_assert_eq(prepare(&j, device(), 2), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(run(&j, device(), 2, good), TARE_OK, "%s", tare_last_error());
    for (int i = 0; i < 4; i++) {
        workers[i].j.plan = j.plan;
        workers[i].j.w = j.w;
        cr_assert_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, NULL);
        cr_expect_eq(workers[i].status, TARE_OK);
        cr_expect_arr_eq(workers[i].out, good, sizeof good);
    }
    clear(&j);
}

/* ---- what is refused ---- */

static void expect_refusal(const char *format, int kind, tare_type x, tare_type y, uint32_t flags,
                           const char *why) {
    tare_tensor t;
    tare_plan plan;
    tare_plan_options only = {.only = kinds[kind].row};
    encode(&t, format);
    tare_problem p = tare_problem_matmul(&t, M, x, y, flags);
    cr_expect_eq(tare_plan_make(device(), &p, &only, &plan), TARE_E_UNSUPPORTED, "%s", format);
    cr_expect_not_null(strstr(tare_last_error(), why), "%s: %s", format, tare_last_error());
    tare_tensor_clear(&t);
}

Test(cusparselt, refuses_with_reasons, .timeout = 60) {
    expect_refusal("2:4/f16", 0, TARE_F16, TARE_F16, TARE_BIAS, "before a bias");
    expect_refusal("2:4/f16", 0, TARE_F16, TARE_F32, 0, "gives y of it");
    expect_refusal("2:4/f16", 0, TARE_F32, TARE_F16, 0, "x of their type");
    expect_refusal("2:4/f16", 1, TARE_F16, TARE_F16, 0, "takes 2:4 weights in bf16");
    expect_refusal("1:4/f16", 0, TARE_F16, TARE_F16, 0, "takes 2:4 weights in f16");
    expect_refusal("4:8/f16", 0, TARE_F16, TARE_F16, 0, "takes 2:4 weights in f16");
    expect_refusal("2:4/i8-row", 2, TARE_F16, TARE_F16, 0, "takes int8 activations");
    expect_refusal("2:4/f8-row", 3, TARE_F16, TARE_F16, 0, "takes f8 activations");
    expect_refusal("2:4/f8-row", 3, TARE_F16, TARE_F16, TARE_X_F8, "13 bits");
}

/* ---- the fake is worth something: it refuses what the library would ---- */

static void *symbol(const char *name) {
    void *module = dlopen(fake_path(), RTLD_NOW | RTLD_LOCAL);
    void *found = module ? dlsym(module, name) : NULL;
    cr_assert_not_null(found, "%s", name);
    return found;
}

Test(cusparselt, the_fake_is_strict, .timeout = 60) {
    static cusparselt_handle h;
    static cusparselt_matrix a, b, d, none;
    static cusparselt_product p;
    static _Alignas(16) uint16_t w[16 * 16];
    cusparselt_calls c;
    int wrong = -1;
    *(void **)&c.Init = symbol("cusparseLtInit");
    *(void **)&c.StructuredDescriptorInit = symbol("cusparseLtStructuredDescriptorInit");
    *(void **)&c.DenseDescriptorInit = symbol("cusparseLtDenseDescriptorInit");
    *(void **)&c.MatmulDescriptorInit = symbol("cusparseLtMatmulDescriptorInit");
    *(void **)&c.SpMMAPruneCheck = symbol("cusparseLtSpMMAPruneCheck");
    cr_expect_neq(c.StructuredDescriptorInit(&h, &a, 16, 16, 16, 16, CUDA_R_16F, 2, 0), 0);
    cr_assert_eq(c.Init(&h), 0);
    cr_expect_neq(c.StructuredDescriptorInit(&h, &a, 16, 16, 16, 16, CUDA_R_8I, 2, 0), 0);
    cr_expect_neq(c.StructuredDescriptorInit(&h, &a, 16, 24, 24, 16, CUDA_R_16F, 2, 0), 0);
    cr_expect_neq(c.StructuredDescriptorInit(&h, &a, 16, 16, 16, 8, CUDA_R_16F, 2, 0), 0);
    cr_assert_eq(c.StructuredDescriptorInit(&h, &a, 16, 16, 16, 16, CUDA_R_16F, 2, 0), 0);
    cr_expect_neq(c.DenseDescriptorInit(&h, &b, 16, 4, 16, 16, CUDA_R_16F, 1), 0);
    cr_expect_neq(c.DenseDescriptorInit(&h, &b, 16, 8, 8, 16, CUDA_R_16F, 1), 0);
    cr_assert_eq(c.DenseDescriptorInit(&h, &b, 16, 8, 16, 16, CUDA_R_16F, 1), 0);
    cr_assert_eq(c.DenseDescriptorInit(&h, &d, 16, 8, 16, 16, CUDA_R_32F, 1), 0);
    cr_expect_eq(c.MatmulDescriptorInit(&h, &p, 0, 0, &a, &b, &d, &d, CUSPARSELT_SUM_F32),
                 CUSPARSELT_NOT_SUPPORTED, "f16 gives f16");
    cr_expect_neq(c.MatmulDescriptorInit(&h, &p, 0, 0, &a, &none, &b, &b, CUSPARSELT_SUM_F32), 0);
    cr_assert_eq(c.MatmulDescriptorInit(&h, &p, 0, 0, &a, &b, &b, &b, CUSPARSELT_SUM_F32), 0);
    cr_assert_eq(c.SpMMAPruneCheck(&h, &p, w, &wrong, NULL), 0);
    cr_expect_eq(wrong, 0);
    w[16 + 4] = w[16 + 5] = w[16 + 7] = 0x3c00; /* three of four */
    cr_assert_eq(c.SpMMAPruneCheck(&h, &p, w, &wrong, NULL), 0);
    cr_expect_eq(wrong, 1);
}
