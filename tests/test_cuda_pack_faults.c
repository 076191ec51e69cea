/* Faults of packing, unpacking and pruning on CUDA: the n-th call of the emulated runtime fails,
 * for every n until none does, also while W is being refused; nothing leaks there or here, and the
 * next attempt works. */
#include "tests/cuda_emu/strike.h"
#include "tests/rowdata.h"

#include <math.h>
#include <string.h>

enum { N = 20, K = 70 };

typedef struct kind {
    const char *format, *row;
    tare_prune how; /* where there is no row */
    int bad;        /* W has a NaN */
} kind;

static const kind kinds[] = {
    {.format = "f16", .row = "matmul_f16_cu"},
    {.format = "i8-tensor", .row = "matmul_w8_cu"},
    {.format = "i4-g64-z", .row = "matmul_w4_cu"},
    {.format = "bitmap/i8-row", .row = "matmul_bitmap_cu"},
    {.format = "2:4/f16", .row = "matmul_nm_cu"},
    {.format = "csr/i8-row", .row = "matmul_csr_cu"},
    {.format = "bs4x4/i8-row", .row = "matmul_bs_cu"},
    {.format = "csr/f32", .row = "matmul_csr_cu", .bad = 1},
    {.format = "f32", .how = {.kind = TARE_PRUNE_MAGNITUDE, .share = 0.5}},
    {.format = "f32", .how = {.kind = TARE_PRUNE_NM, .nm_n = 2, .nm_m = 4}},
    {.format = "f32", .how = {.kind = TARE_PRUNE_BLOCK, .share = 0.5, .block_r = 4, .block_c = 4}},
    {.format = "f32", .how = {.kind = TARE_PRUNE_MAGNITUDE, .share = 0.5}, .bad = 1},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct job {
    tare_tensor t;
    tare_packed *packed;
    tare_stream *s;
    tare_buffer *w;
} job;

static tare_status pack_and_unpack(job *j, tare_device *d, const kind *q) {
    tare_plan_options only = {.only = q->row};
    tare_plan plan;
    tare_problem p = tare_problem_matmul(&j->t, 1, TARE_F32, TARE_F32, 0);
    TARE_TRY(tare_plan_make(d, &p, &only, &plan));
    TARE_TRY(tare_pack_values(&plan, j->s, j->w, &j->packed));
    return tare_unpack_values(j->packed, j->s, j->w);
}

static tare_status attempt(job *j, tare_device *d, const kind *q, float *out) {
    static float w[N * K];
    int64_t left;
    uint64_t state = 11;
    tare_format f;
    TARE_TRY(tare_format_parse(q->format, &f));
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    TARE_TRY(tare_encode(&f, N, K, w, &j->t));
    if (q->bad) w[5 * K + 3] = NAN;
    TARE_TRY(tare_stream_create(d, &j->s));
    TARE_TRY(tare_buffer_create(d, sizeof w, &j->w));
    TARE_TRY(tare_buffer_write(j->s, j->w, 0, w, sizeof w));
    TARE_TRY(q->row ? pack_and_unpack(j, d, q)
                    : tare_prune_values(d, j->s, j->w, N, K, &q->how, &left));
    TARE_TRY(tare_buffer_read(j->s, j->w, 0, out, sizeof w));
    return tare_stream_sync(j->s);
}

static tare_status whole_job(tare_device *d, const kind *q, float *out) {
    job j;
    memset(&j, 0, sizeof j);
    tare_status s = attempt(&j, d, q, out);
    tare_packed_destroy(j.packed);
    tare_buffer_destroy(j.w);
    tare_stream_destroy(j.s);
    tare_tensor_clear(&j.t);
    return s;
}

static void strike_all(const kind *q, int code, tare_status expect) {
    static float good[N * K], again[N * K];
    tare_device *d = device();
    tare_status right = q->bad ? TARE_E_VALUE : TARE_OK;
    cr_assert_eq(whole_job(d, q, good), right, "%s: %s", q->format, tare_last_error());
    long live = emulated("tare_emu_live"), blocks = tare_alloc_live();
    long begin = emulated("tare_emu_calls");
    cr_assert_eq(whole_job(d, q, good), right);
    long calls = emulated("tare_emu_calls") - begin;
    int failed = 0;
    for (long n = 1; n <= calls; n++) {
        strike(n, code);
        tare_status s = whole_job(d, q, again);
        strike(0, 0);
        cr_expect_eq(emulated("tare_emu_live"), live, "%s, call %ld: leaks there", q->format, n);
        cr_expect_eq(tare_alloc_live(), blocks, "%s, call %ld: leaks here", q->format, n);
        if (s == right) continue;
        failed++;
        cr_assert_eq(s, expect, "%s, call %ld: %s", q->format, n, tare_last_error());
        cr_assert_not_null(strstr(tare_last_error(), "cuda"), "'%s'", tare_last_error());
    }
    cr_expect_gt(failed, 15, "%s: %d of %ld calls failed", q->format, failed, calls);
    cr_assert_eq(whole_job(d, q, again), right, "%s: %s", q->format, tare_last_error());
    if (!q->bad) cr_assert_arr_eq(good, again, sizeof good, "%s after failures", q->format);
}

Test(cuda_pack_faults, the_nth_call_fails, .timeout = 100) {
    for (int i = 0; i < KINDS; i++) strike_all(&kinds[i], UNKNOWN, TARE_E_DEVICE);
}

Test(cuda_pack_faults, memory_runs_out_in_every_call, .timeout = 100) {
    for (int i = 0; i < KINDS; i++) strike_all(&kinds[i], NO_MEMORY, TARE_E_NOMEM);
}

/* The host asks for memory of its own where W is refused: without it, the verdict stands. */
Test(cuda_pack_faults, no_host_memory, .timeout = 60) {
    static float out[N * K];
    tare_device *d = device();
    cr_assert_eq(whole_job(d, &kinds[7], out), TARE_E_VALUE);
    long blocks = tare_alloc_live();
    for (int n = 1; n < 30; n++) {
        tare_alloc_fail_at(n);
        tare_status s = whole_job(d, &kinds[7], out);
        tare_alloc_fail_at(0);
        cr_expect(s == TARE_E_VALUE || s == TARE_E_NOMEM, "%d: %s", n, tare_last_error());
        cr_expect_eq(tare_alloc_live(), blocks, "allocation %d: leaks", n);
    }
}
