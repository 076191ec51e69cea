/* The rows over cuSPARSE on the emulator and the strict library beside it: types, blocks and shapes
 * that checkall does not have; streams that share weights; runs in a graph; libraries that are old,
 * refuse or are not there; and each call of the library or the runtime failing once, with a problem
 * that is new every time, so that measuring is met too. */
#include "cuda/cu.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct kind {
    const char *format, *row;
    tare_type x, y;
    uint32_t flags;
    int lopsided; /* a block row holds all the blocks: no Blocked-ELL */
} kind;

#define CSR "matmul_csr_cusparse"
#define BS "matmul_bs_cusparse"

static const kind kinds[] = {{"csr/f32", CSR, TARE_F32, TARE_F32, 0, 0},
                             {"csr/f32", CSR, TARE_F32, TARE_F16, TARE_BIAS, 0},
                             {"csr/f32", CSR, TARE_F32, TARE_F32, TARE_RELU, 0},
                             {"csr/f16", CSR, TARE_F16, TARE_F16, 0, 0},
                             {"csr/f16", CSR, TARE_F16, TARE_BF16, 0, 0},
                             {"csr/bf16", CSR, TARE_BF16, TARE_BF16, 0, 0},
                             {"csr/bf16", CSR, TARE_BF16, TARE_F32, TARE_BIAS | TARE_RELU, 0},
                             {"bs16x16/f16", BS, TARE_F16, TARE_F16, 0, 0},
                             {"bs32x32/bf16", BS, TARE_BF16, TARE_BF16, TARE_RELU, 0},
                             {"bs64x64/f16", BS, TARE_F16, TARE_F32, TARE_BIAS, 0},
                             {"bs128x128/bf16", BS, TARE_BF16, TARE_F32, 0, 0},
                             {"bs16x16/f32", BS, TARE_F32, TARE_F32, 0, 0},
                             {"bs32x32/f32", BS, TARE_F32, TARE_F32, TARE_TF32, 0},
                             {"bs16x16/f16", BS, TARE_F16, TARE_F16, 0, 1},
                             {"bs16x16/f32", BS, TARE_F32, TARE_BF16, TARE_TF32 | TARE_BIAS, 1}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Weights, x, and what must come out. */
typedef struct job {
    const kind *kind;
    tare_problem p;
    tare_tensor t;
    tare_plan plan;
    void *x, *y;
    float *bias;
    double *ref, *mag;
} job;

typedef struct lane { /* a stream with its buffers */
    tare_stream *s;
    tare_buffer *x, *y, *bias;
} lane;

static tare_device *device(void) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cuda:0", &d), TARE_OK, "%s", tare_last_error());
    return d;
}

static float *make_weights(const tare_format *f, int64_t n, int64_t k, int lopsided) {
    uint64_t state = 5;
    float *w = malloc((size_t)(n * k) * sizeof *w);
    fill_weights(w, n, k, f, lopsided ? PATTERN_FULL : PATTERN_SPARSE, &state);
    for (int64_t i = f->block_r; lopsided && i < n; i++)
        memset(w + i * k, 0, (size_t)k * sizeof *w);
    w[0] = 0.5f; /* something is stored */
    return w;
}

static void job_open(job *j, const kind *q, int64_t m, int64_t n, int64_t k) {
    tare_format f;
    uint64_t state = 77;
    memset(j, 0, sizeof *j);
    cr_assert_eq(tare_format_parse(q->format, &f), TARE_OK);
    float *w = make_weights(&f, n, k, q->lopsided);
    cr_assert_eq(tare_encode(&f, n, k, w, &j->t), TARE_OK);
    free(w);
    j->kind = q;
    j->p = tare_problem_matmul(&j->t, m, q->x, q->y, q->flags);
    j->x = malloc((size_t)(m * k) * 4);
    j->y = malloc((size_t)(m * n) * 4);
    j->bias = malloc((size_t)n * sizeof(float));
    j->ref = malloc((size_t)(m * n) * sizeof(double));
    j->mag = malloc((size_t)(m * n) * sizeof(double));
    fill_x(j->x, q->x, m, k, &state);
    for (int64_t i = 0; i < n; i++) j->bias[i] = random_unit(&state);
    cr_assert_eq(
        tare_reference(&j->p, &j->t, j->x, q->flags & TARE_BIAS ? j->bias : NULL, j->ref, j->mag),
        TARE_OK);
}

static void job_close(job *j) {
    tare_tensor_clear(&j->t);
    free(j->x), free(j->y), free(j->bias), free(j->ref), free(j->mag);
}

static tare_status plan(job *j) {
    tare_plan_options only = {.only = j->kind->row};
    return tare_plan_make(device(), &j->p, &only, &j->plan);
}

static tare_status lane_open(lane *l, const job *j) {
    size_t x = (size_t)(j->p.m * j->p.k) * tare_type_bytes(j->p.x),
           bias = (size_t)j->p.n * sizeof(float);
    memset(l, 0, sizeof *l);
    TARE_TRY(tare_stream_create(j->plan.device, &l->s));
    TARE_TRY(tare_stream_reserve(l->s, &j->plan));
    TARE_TRY(tare_buffer_create(j->plan.device, x, &l->x));
    TARE_TRY(tare_buffer_create(j->plan.device, (size_t)(j->p.m * j->p.n) * 4, &l->y));
    TARE_TRY(tare_buffer_write(l->s, l->x, 0, j->x, x));
    if (!(j->p.flags & TARE_BIAS)) return TARE_OK;
    TARE_TRY(tare_buffer_create(j->plan.device, bias, &l->bias));
    return tare_buffer_write(l->s, l->bias, 0, j->bias, bias);
}

static void lane_close(lane *l) {
    tare_buffer_destroy(l->x);
    tare_buffer_destroy(l->y);
    tare_buffer_destroy(l->bias);
    tare_stream_destroy(l->s);
    memset(l, 0, sizeof *l);
}

static tare_status fetch(const lane *l, job *j, int64_t m) {
    size_t bytes = (size_t)(m * j->p.n) * tare_type_bytes(j->p.y);
    TARE_TRY(tare_buffer_read(l->s, l->y, 0, j->y, bytes));
    return tare_stream_sync(l->s);
}

static tare_status run(const lane *l, const tare_packed *w, job *j, int64_t m) {
    size_t bytes = (size_t)(j->p.m * j->p.n) * tare_type_bytes(j->p.y);
    memset(j->y, 0xff, bytes);
    TARE_TRY(tare_buffer_write(l->s, l->y, 0, j->y, bytes));
    TARE_TRY(tare_run(&j->plan, w, l->s, l->x, l->bias, l->y, m));
    return fetch(l, j, m);
}

static int is_right(const job *j, int64_t m) {
    for (int64_t i = 0; i < m * j->p.n; i++) {
        double got = (double)tare_load(j->p.y, j->y, (size_t)i);
        if (!(fabs(got - j->ref[i]) <= tare_error_bound(&j->p, j->ref[i], j->mag[i]))) return 0;
    }
    return 1;
}

static void must_run(const lane *l, const tare_packed *w, job *j, int64_t m) {
    cr_assert_eq(run(l, w, j, m), TARE_OK, "%s: %s", j->kind->format, tare_last_error());
    cr_assert(is_right(j, m), "%s, y %d, flags %u, %d rows: wrong", j->kind->format, (int)j->p.y,
              (unsigned)j->p.flags, (int)m);
}

static tare_status attempt(job *j, tare_packed **w, lane *l) {
    TARE_TRY(plan(j));
    TARE_TRY(tare_pack(&j->plan, &j->t, w));
    TARE_TRY(lane_open(l, j));
    return run(l, *w, j, j->p.m);
}

static tare_status whole_job(job *j) {
    tare_packed *w = NULL;
    lane l;
    memset(&l, 0, sizeof l);
    tare_status s = attempt(j, &w, &l);
    lane_close(&l);
    tare_packed_destroy(w);
    return s;
}

/* ---- what the emulator and the library count ---- */

static void *symbol(const char *folder, const char *file, const char *name) {
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", getenv(folder), file);
    void *module = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    cr_assert_not_null(module, "%s is not open", path);
    void *address = dlsym(module, name);
    cr_assert_not_null(address, "no %s", name);
    dlclose(module);
    return address;
}

static void *emulated(const char *name) {
    return symbol("TARE_BACKEND_DIR", "tare-backend-cuda.so", name);
}

static long count(void *address) {
    long (*f)(void);
    *(void **)&f = address;
    return f();
}

static long faked(const char *name) {
    return count(symbol("TARE_CUDA_LIBRARIES", "libcusparse.so.12", name));
}

/* The n-th call from now on; 0: none. */
static void strike(int library, long n, int code) {
    char order[60];
    long calls = library ? faked("tare_fake_cusparse_calls") : count(emulated("tare_emu_calls"));
    snprintf(order, sizeof order, "%ld:%d", calls + n, code);
    setenv(library ? "TARE_FAKE_CUSPARSE_FAIL" : "TARE_EMU_FAIL", n ? order : "", 1);
}

/* ---- right results ---- */

/* Every kind in shapes that are ragged, whole, and of one row. */
Test(cuda_cusparse, types_blocks_and_shapes, .timeout = 120) {
    static const int64_t shapes[][3] = {{5, 150, 131}, {1, 256, 384}, {9, 128, 128}};
    for (int i = 0; i < KINDS; i++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            job j;
            job_open(&j, &kinds[i], shapes[s][0], shapes[s][1], shapes[s][2]);
            cr_assert_eq(whole_job(&j), TARE_OK, "%s: %s", kinds[i].format, tare_last_error());
            cr_assert(is_right(&j, j.p.m), "%s, case %d, shape %zu: wrong", kinds[i].format, i, s);
            job_close(&j);
        }
}

/* What a settled blob says of its bytes is one of both forms, not both. */
Test(cuda_cusparse, one_form_of_the_blocks_stays, .timeout = 60) {
    job j;
    tare_packed *w = NULL;
    job_open(&j, &kinds[7], 4, 128, 128);
    cr_assert_eq(plan(&j), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_pack(&j.plan, &j.t, &w), TARE_OK, "%s", tare_last_error());
    cr_expect_lt(2 * tare_packed_bytes(w), 3 * j.plan.packed_bytes);
    cr_expect_geq(tare_packed_bytes(w), j.t.part[TARE_VALUES].bytes);
    cr_expect_leq(tare_packed_bytes(w), 2 * j.t.part[TARE_VALUES].bytes + 4096);
    tare_packed_destroy(w);
    job_close(&j);
}

/* ---- streams ---- */

/* No workspace is met by two streams, and each gets the right answer, all rows and fewer. When the
 * first stream goes the next one has the preprocessed descriptor. */
static void share_weights(int k, int has_buffer) {
    job j;
    lane a, b;
    tare_packed *w = NULL;
    job_open(&j, &kinds[k], 7, 70, 90);
    cr_assert_eq(plan(&j), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_pack(&j.plan, &j.t, &w), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(lane_open(&a, &j), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(lane_open(&b, &j), TARE_OK, "%s", tare_last_error());
    long before = faked("tare_fake_cusparse_shared");
    for (int i = 0; i < 3; i++) {
        static const int64_t rows[] = {7, 1, 4};
        must_run(&a, w, &j, rows[i]);
        must_run(&b, w, &j, rows[i]);
        must_run(&b, w, &j, 7);
        must_run(&a, w, &j, 7);
    }
    cr_expect_eq(faked("tare_fake_cusparse_shared"), before, "%s", kinds[k].format);
    lane_close(&a);
    must_run(&b, w, &j, 7);
    cr_expect_eq(faked("tare_fake_cusparse_shared"), before + has_buffer, "%s", kinds[k].format);
    lane_close(&b);
    tare_packed_destroy(w);
    job_close(&j);
}

Test(cuda_cusparse, two_streams_on_the_same_weights, .timeout = 60) {
    setenv("TARE_FAKE_CUSPARSE_REFUSE", "6", 1); /* the one of CSR that is not preprocessed */
    share_weights(0, 1);
    share_weights(3, 1);
    share_weights(7, 0);
    share_weights(11, 0);
}

typedef struct turn { /* one thread's */
    job j;
    lane l;
    const tare_packed *w;
    int wrong;
} turn;

static void *run_often(void *arg) {
    turn *t = arg;
    for (int i = 0; i < 60; i++) {
        int64_t m = i % 3 ? t->j.p.m : 1 + i % 4;
        t->wrong += run(&t->l, t->w, &t->j, m) != TARE_OK || !is_right(&t->j, m);
    }
    return NULL;
}

/* The handle's stream is set and used as one. */
Test(cuda_cusparse, two_threads_on_the_same_weights, .timeout = 60) {
    static turn turns[2];
    pthread_t thread[2];
    tare_packed *w = NULL;
    for (int i = 0; i < 2; i++) {
        job_open(&turns[i].j, &kinds[0], 7, 70, 90);
        cr_assert_eq(plan(&turns[i].j), TARE_OK, "%s", tare_last_error());
    }
    cr_assert_eq(tare_pack(&turns[0].j.plan, &turns[0].j.t, &w), TARE_OK, "%s", tare_last_error());
    for (int i = 0; i < 2; i++) {
        turns[i].w = w;
        cr_assert_eq(lane_open(&turns[i].l, &turns[i].j), TARE_OK, "%s", tare_last_error());
    }
    long before = faked("tare_fake_cusparse_shared");
    for (int i = 0; i < 2; i++) pthread_create(&thread[i], NULL, run_often, &turns[i]);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    cr_expect_eq(faked("tare_fake_cusparse_shared"), before);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(turns[i].wrong, 0, "thread %d: %d runs were wrong", i, turns[i].wrong);
        lane_close(&turns[i].l);
        job_close(&turns[i].j);
    }
    tare_packed_destroy(w);
}

/* The order of reserving and packing is the caller's. */
Test(cuda_cusparse, a_stream_that_was_reserved_first, .timeout = 60) {
    static const int some[] = {0, 3, 7, 11};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        job j;
        lane a, b;
        tare_packed *w = NULL;
        job_open(&j, &kinds[some[i]], 6, 50, 70);
        cr_assert_eq(plan(&j), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(lane_open(&a, &j), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(lane_open(&b, &j), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(tare_pack(&j.plan, &j.t, &w), TARE_OK, "%s", tare_last_error());
        must_run(&a, w, &j, 6);
        must_run(&b, w, &j, 6);
        must_run(&b, w, &j, 3);
        lane_close(&a);
        lane_close(&b);
        tare_packed_destroy(w);
        job_close(&j);
    }
}

/* ---- graphs ---- */

static void call(const char *name, void *a, void *b, uint64_t c) {
    cudaError_t (*f)(void *, void *, uint64_t);
    *(void **)&f = emulated(name);
    cr_assert_eq(f(a, b, c), cudaSuccess, "%s", name);
}

/* A run that is recorded allocates and waits for nothing, and is as right with another x. */
static void record(int k) {
    job j;
    lane l;
    tare_packed *w = NULL;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    job_open(&j, &kinds[k], 5, 70, 90);
    size_t x = (size_t)(j.p.m * j.p.k) * tare_type_bytes(j.p.x);
    cr_assert_eq(plan(&j), TARE_OK);
    cr_assert_eq(tare_pack(&j.plan, &j.t, &w), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(lane_open(&l, &j), TARE_OK, "%s", tare_last_error());
    must_run(&l, w, &j, 5);
    cu_stream *s = l.s->state;
    void *zeros = calloc(1, x);
    cr_assert_eq(tare_buffer_write(l.s, l.x, 0, zeros, x), TARE_OK);
    cr_assert_eq(tare_stream_sync(l.s), TARE_OK);
    free(zeros);
    s->capturing = 1;
    call("cudaStreamBeginCapture", s->stream, NULL, 0);
    long live = count(emulated("tare_emu_live"));
    cr_assert_eq(tare_run(&j.plan, w, l.s, l.x, l.bias, l.y, 0), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(count(emulated("tare_emu_live")), live);
    call("cudaStreamEndCapture", s->stream, &graph, 0);
    s->capturing = 0;
    call("cudaGraphInstantiate", &exec, graph, 0);
    cr_assert_eq(tare_buffer_write(l.s, l.x, 0, j.x, x), TARE_OK);
    for (int i = 0; i < 2; i++) {
        memset(j.y, 0xff, (size_t)(j.p.m * j.p.n) * 4);
        cr_assert_eq(tare_buffer_write(l.s, l.y, 0, j.y, (size_t)(j.p.m * j.p.n) * 4), TARE_OK);
        call("cudaGraphLaunch", exec, s->stream, 0);
        cr_assert_eq(fetch(&l, &j, 5), TARE_OK);
        cr_assert(is_right(&j, 5), "case %d, %s: wrong in a graph", k, j.kind->format);
    }
    call("cudaGraphExecDestroy", exec, NULL, 0);
    call("cudaGraphDestroy", graph, NULL, 0);
    lane_close(&l);
    tare_packed_destroy(w);
    job_close(&j);
}

Test(cuda_cusparse, runs_are_recorded, .timeout = 60) {
    for (int i = 0; i < KINDS; i++) record(i);
}

/* ---- other libraries ---- */

static void expect_refusal(const kind *q, tare_status status, const char *why) {
    job j;
    job_open(&j, q, 3, 128, 128);
    cr_assert_eq(whole_job(&j), status, "%s: %s", q->format, tare_last_error());
    cr_expect_not_null(strstr(tare_last_error(), why), "%s: %s", q->format, tare_last_error());
    job_close(&j);
}

static void expect_right(const kind *q) {
    job j;
    job_open(&j, q, 3, 100, 128);
    cr_assert_eq(whole_job(&j), TARE_OK, "%s: %s", q->format, tare_last_error());
    cr_assert(is_right(&j, 3), "%s: wrong", q->format);
    job_close(&j);
}

Test(cuda_cusparse, no_library, .timeout = 60) {
    tare_device_info info;
    setenv("TARE_CUDA_LIBRARIES", "/nonexistent", 1);
    expect_refusal(&kinds[0], TARE_E_UNSUPPORTED, "cusparse");
    expect_refusal(&kinds[7], TARE_E_UNSUPPORTED, "cusparse");
    cr_assert_eq(tare_device_describe(device(), &info), TARE_OK);
    cr_expect_not_null(strstr(info.runtime, "no cuSPARSE libcusparse.so.12 was not found"), "%s",
                       info.runtime);
}

Test(cuda_cusparse, a_library_without_bsr, .timeout = 60) {
    setenv("TARE_FAKE_CUSPARSE_VERSION", "3", 1);
    expect_right(&kinds[0]);
    expect_right(&kinds[7]);
    expect_right(&kinds[12]);
    expect_refusal(&kinds[11], TARE_E_UNSUPPORTED, "BSR (12.4)");
    expect_refusal(&kinds[13], TARE_E_UNSUPPORTED, "twice as large");
}

Test(cuda_cusparse, a_library_that_refuses_the_first_choice, .timeout = 60) {
    setenv("TARE_FAKE_CUSPARSE_REFUSE", "13", 1); /* Blocked-ELL */
    expect_right(&kinds[7]);
    setenv("TARE_FAKE_CUSPARSE_REFUSE", "12", 1); /* CSR_ALG3 */
    expect_right(&kinds[0]);
    expect_refusal(&kinds[3], TARE_E_UNSUPPORTED, "CUSPARSE_STATUS_NOT_SUPPORTED");
    setenv("TARE_FAKE_CUSPARSE_REFUSE", "14", 1); /* BSR */
    expect_right(&kinds[8]);
    expect_refusal(&kinds[13], TARE_E_UNSUPPORTED, "CUSPARSE_STATUS_NOT_SUPPORTED");
}

/* ---- failures ---- */

static void strike_all(const kind *q, int library, int code, tare_status expect) {
    enum { MOST = 2000 };
    job warm;
    int failed = 0, clean = 0;
    job_open(&warm, q, 2, 40, 33);
    cr_assert_eq(whole_job(&warm), TARE_OK, "%s: %s", q->format, tare_last_error());
    job_close(&warm);
    long there = count(emulated("tare_emu_live")), objects = faked("tare_fake_cusparse_live");
    long n = 1;
    /* Until a job meets no failure: a row of x more makes the problem new. */
    for (; n < MOST && clean < 12; n++) {
        job j;
        long blocks = tare_alloc_live();
        job_open(&j, q, 1 + n % 3, 35 + n / 3, 33);
        strike(library, n, code);
        tare_status s = whole_job(&j);
        strike(library, 0, 0);
        cr_expect_eq(count(emulated("tare_emu_live")), there, "%s, call %ld: memory", q->format, n);
        cr_expect_eq(faked("tare_fake_cusparse_live"), objects, "%s, call %ld: objects", q->format,
                     n);
        if (s == TARE_OK) {
            cr_expect(is_right(&j, j.p.m), "%s, call %ld: wrong", q->format, n);
        } else {
            failed++;
            cr_assert_eq(s, expect, "%s, call %ld: %s", q->format, n, tare_last_error());
            cr_assert_not_null(strstr(tare_last_error(), library ? "cuSPARSE's cusparse" : "cuda"),
                               "%s", tare_last_error());
        }
        clean = s == TARE_OK ? clean + 1 : 0;
        job_close(&j);
        cr_expect_eq(tare_alloc_live(), blocks, "%s, call %ld: leaks here", q->format, n);
    }
    cr_expect_lt(n, MOST);
    cr_expect_gt(failed, library ? 8 : 20, "%s: only %d failed", q->format, failed);
}

static const int struck[] = {0, 1, 5, 7, 9, 11, 13};

static void strike_kinds(int library, int code, tare_status expect) {
    for (size_t i = 0; i < sizeof struck / sizeof *struck; i++)
        strike_all(&kinds[struck[i]], library, code, expect);
}

/* CUSPARSE_STATUS_EXECUTION_FAILED and _ALLOC_FAILED; cudaErrorUnknown and _MemoryAllocation. */
Test(cuda_cusparse, every_call_of_the_library_fails_once, .timeout = 300) {
    strike_kinds(1, 6, TARE_E_DEVICE);
}
Test(cuda_cusparse, the_library_has_no_memory, .timeout = 300) {
    strike_kinds(1, 2, TARE_E_NOMEM);
}
Test(cuda_cusparse, every_call_of_the_runtime_fails_once, .timeout = 300) {
    strike_kinds(0, 999, TARE_E_DEVICE);
}
Test(cuda_cusparse, the_device_has_no_memory, .timeout = 300) {
    strike_kinds(0, 2, TARE_E_NOMEM);
}
