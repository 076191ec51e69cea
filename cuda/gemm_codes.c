/* 8-bit weights and activations by cuBLASLt: the host's side. */
#include "cuda/gemm_codes.h"

#include "cuda/gemm_finish.h"
#include "cuda/small.h"
#include "cuda/x_codes.h"
#include "src/format/format.h"
#include "src/takes.h"

#include <string.h>

enum { PIECE = 16, K_MAX_I8 = 131072 }; /* 127 * 127 * K_MAX_I8 < 2^31 */

static int is_f8(const tare_problem *p) {
    return p->w.value == TARE_F8;
}

/* TARE_SUM_F8 allows runs of 128 columns in 13 bits, which is what the library does by itself; fast
 * sums stay there for all of k, and more than one run is more than the problem's bound counts. */
enum { SUM_RUN = 128 };
static int may_sum_fast(const tare_problem *p) {
    return (p->flags & TARE_SUM_F8) && p->k <= SUM_RUN;
}

/* Sums to scratch, in the type that loses nothing; any n, since W has rows of zeros behind. */
static cu_gemm_spec sums_spec(const tare_problem *p, int64_t m) {
    int64_t k = cu_up(p->k, PIECE), n = cu_up(p->n, PIECE);
    return (cu_gemm_spec){.m = m,
                          .n = n,
                          .k = k,
                          .ldw = k,
                          .ldx = k,
                          .ldy = n,
                          .in = is_f8(p) ? CUDA_R_8F_E4M3 : CUDA_R_8I,
                          .out = is_f8(p) ? CUDA_R_32F : CUDA_R_32I,
                          .sums = is_f8(p) ? CU_GEMM_F32 : CU_GEMM_I32,
                          .fast = is_f8(p) && may_sum_fast(p)};
}

/* The library scales and writes y. What its ReLU makes of a NaN is not documented. */
static int may_be_direct(const tare_problem *p) {
    return is_f8(p) && p->n % PIECE == 0 && !(p->flags & (TARE_BIAS | TARE_RELU));
}

static cu_gemm_spec direct_spec(const tare_problem *p, int64_t m) {
    cu_gemm_spec s = sums_spec(p, m);
    s.out = p->y == TARE_F32 ? CUDA_R_32F : p->y == TARE_F16 ? CUDA_R_16F : CUDA_R_16BF;
    s.scaled = 1;
    return s;
}

static size_t scales_at(const tare_problem *p) {
    return cu_up256((size_t)(cu_up(p->n, PIECE) * cu_up(p->k, PIECE)));
}

/* Scratch: codes of x, their scales, sums, workspace. */
typedef struct place {
    size_t scales, sums, workspace, bytes;
} place;

static place place_of(const tare_problem *p) {
    cu_gemm_spec s = sums_spec(p, p->m);
    place at = {.scales = cu_up256((size_t)(p->m * s.ldx))};
    at.sums = at.scales + cu_up256((size_t)p->m * sizeof(float));
    at.workspace = at.sums + cu_up256((size_t)(p->m * s.ldy) * 4);
    at.bytes = at.workspace + cu_gemm_scratch(&s);
    return at;
}

static int accepts(tare_type type, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                              .codings = type == TARE_F8 ? TAKES_F8 : TAKES_I8_PLAIN,
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = type == TARE_F8 ? TAKES_X_F8 : TAKES_X_I8,
                              .wants = type == TARE_F8 ? TARE_X_F8 : TARE_X_I8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (type == TARE_F8 && !(p->flags & TARE_SUM_F8))
        return cu_refuse(f,
                         "Hopper's f8 tensor cores sum in 13 bits; the problem does not allow it");
    if (type == TARE_I8 && p->k > K_MAX_I8) return cu_refuse(f, "sums in i32: k up to 131072");
    return cu_gemm_counts(p, f);
}

/* f8 and int8 have the same peak on Hopper. Predicted, not yet measured on a device: x is read and
 * its codes written, then the product, then the pass over sums. */
static void cost(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    f->unit = TARE_PROBE_I8;
    tare_fit_cost(f, r, 0.8, 0.75);
    f->cost_ns += r->launch_ns + 2.0 * (double)p->m * (double)p->k / (0.8 * r->read_gbs);
    if (!may_be_direct(p)) cu_gemm_finish_cost(r, p, f);
}

int cu_gemm_codes_fit(tare_type type, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    if (!accepts(type, p, f)) return 0;
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = scales_at(p) + (size_t)p->n * sizeof(float);
    f->scratch_bytes = place_of(p).bytes;
    f->bytes = (double)f->packed_bytes + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    cost(r, p, f);
    return 1;
}

tare_status cu_gemm_codes_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                               size_t *used) {
    const char *codes = t->part[TARE_VALUES].data;
    float *scale = (float *)(void *)((char *)blob + scales_at(p));
    (void)used;
    for (int64_t row = 0; row < p->n; row++) {
        memcpy((char *)blob + row * cu_up(p->k, PIECE), codes + row * p->k, (size_t)p->k);
        scale[row] = format_scale(t, row, 0);
    }
    return TARE_OK;
}

/* Not every version scales by rows, nor every device: then it is the pass over sums, which always
 * has its room in scratch. Where the library says so only once it runs, so does the run. */
tare_status cu_gemm_codes_prepare(void *state, void *stream, const tare_problem *p) {
    (void)state;
    if (may_be_direct(p)) {
        cu_gemm_spec direct = direct_spec(p, p->m);
        tare_status st = cu_gemm_prepare(stream, &direct);
        if (st != TARE_E_UNSUPPORTED) return st;
    }
    cu_gemm_spec s = sums_spec(p, p->m);
    return cu_gemm_prepare(stream, &s);
}

static tare_status quantise(const tare_run_args *a, const place *at) {
    return cu_x_quantise(a, is_f8(a->problem) ? CU_X_AS_F8 : CU_X_AS_INT8,
                         cu_up(a->problem->k, PIECE), a->scratch, (char *)a->scratch + at->scales);
}

/* Where the vectors and the rest of a run lie. */
static cu_gemm_operands operands_of(const tare_run_args *a, const place *at) {
    const tare_problem *p = a->problem;
    char *scratch = a->scratch;
    return (cu_gemm_operands){
        .w = a->packed,
        .x = scratch,
        .y = scratch + at->sums,
        .w_scale = (const float *)(const void *)((const char *)a->packed + scales_at(p)),
        .x_scale = (const float *)(const void *)(scratch + at->scales),
        .workspace = scratch + at->workspace};
}

static tare_status run_direct(const tare_run_args *a, cu_gemm_operands o) {
    const cu_stream *stream = a->stream;
    cu_gemm_spec s = direct_spec(a->problem, a->m);
    o.y = a->y;
    return cu_gemm_ready(stream->device, &s) ? cu_gemm_run(a->stream, &s, &o) : TARE_E_UNSUPPORTED;
}

tare_status cu_gemm_codes_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    place at = place_of(p);
    cu_gemm_operands o = operands_of(a, &at);
    cu_gemm_spec s = sums_spec(p, a->m);
    TARE_TRY(quantise(a, &at));
    if (may_be_direct(p)) {
        tare_status st = run_direct(a, o);
        if (st != TARE_E_UNSUPPORTED) return st;
    }
    TARE_TRY(cu_gemm_run(a->stream, &s, &o));
    cu_gemm_sums_at sums = {o.y, s.ldy, !is_f8(p), o.w_scale, o.x_scale};
    return cu_gemm_finish_of(a, &sums);
}
