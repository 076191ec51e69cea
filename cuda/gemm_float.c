/* Dense float weights by cuBLASLt: the host's side. */
#include "cuda/gemm_float.h"

#include "cuda/gemm_finish.h"
#include "cuda/x_rows.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 8 };

static cudaDataType_t cuda_type(tare_type t) {
    return t == TARE_F32 ? CUDA_R_32F : t == TARE_F16 ? CUDA_R_16F : CUDA_R_16BF;
}

static int64_t up(int64_t v, int64_t to) {
    return (v + to - 1) / to * to;
}

/* Whether the library writes y itself. */
static int is_direct(const tare_problem *p) {
    size_t row = (size_t)p->n * tare_type_bytes(p->y);
    int exact = p->y == TARE_F32 || (p->y == p->x && !(p->flags & TARE_BIAS));
    return exact && row % 16 == 0;
}

static cu_gemm_spec spec_of(cu_gemm_sums sums, const tare_problem *p, int64_t m) {
    int64_t k = up(p->k, PIECE);
    cu_gemm_spec s = {.m = m,
                      .n = p->n,
                      .k = k,
                      .ldw = k,
                      .ldx = k,
                      .ldy = up(p->n, 4),
                      .in = cuda_type(p->x),
                      .out = CUDA_R_32F,
                      .sums = sums};
    if (!is_direct(p)) return s;
    s.ldy = p->n;
    s.out = cuda_type(p->y);
    s.bias = (p->flags & TARE_BIAS) != 0;
    s.relu = (p->flags & TARE_RELU) != 0;
    return s;
}

/* Scratch: rows of x where they are copied, sums where y is not direct, workspace. */
typedef struct place {
    size_t sums, workspace, bytes;
} place;

static place place_of(const tare_problem *p) {
    cu_gemm_spec s = spec_of(CU_GEMM_F32, p, p->m);
    place at = {.sums = cu_x_rows_bytes(p, p->x)};
    size_t sums = (size_t)(p->m * s.ldy) * sizeof(float);
    at.workspace = at.sums + (is_direct(p) ? 0 : (sums + 255) / 256 * 256);
    at.bytes = at.workspace + cu_gemm_scratch(&s);
    return at;
}

/* Of the ceiling: f32 and 16 bits run against their own; tf32 has half the rate of bf16, and no
 * probe. Predicted, not yet measured on a device. */
static void cost(cu_gemm_sums sums, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    int tensor = p->x != TARE_F32 || sums == CU_GEMM_TF32;
    double x_bytes = (double)cu_x_rows_bytes(p, p->x);
    f->unit = tensor ? TARE_PROBE_BF16 : TARE_PROBE_F32;
    tare_fit_cost(f, r, 0.8, sums == CU_GEMM_TF32 ? 0.4 : 0.8);
    if (x_bytes > 0) f->cost_ns += r->launch_ns + 2 * x_bytes / (0.8 * r->read_gbs);
    if (!is_direct(p)) cu_gemm_finish_cost(r, p, f);
}

int cu_gemm_float_fit(tare_type type, cu_gemm_sums sums, const tare_rates *r, const tare_problem *p,
                      tare_fit *f) {
    if (p->w.layout != TARE_DENSE || p->w.value != type || p->x != type) {
        snprintf(f->why, sizeof f->why, "multiplies dense %s weights by %s activations only",
                 tare_type_name(type), tare_type_name(type));
        return 0;
    }
    if (sums == CU_GEMM_TF32 && !(p->flags & TARE_TF32)) {
        snprintf(f->why, sizeof f->why, "cuts factors to tf32, which the problem does not allow");
        return 0;
    }
    if (!cu_gemm_counts(p, f)) return 0;
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = (size_t)(p->n * up(p->k, PIECE)) * tare_type_bytes(type);
    f->scratch_bytes = place_of(p).bytes;
    f->bytes = (double)f->packed_bytes + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    cost(sums, r, p, f);
    return 1;
}

tare_status cu_gemm_float_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                               size_t *used) {
    size_t element = tare_type_bytes(p->w.value), row = (size_t)p->k * element,
           to = (size_t)up(p->k, PIECE) * element;
    const char *from = t->part[TARE_VALUES].data;
    (void)used;
    for (int64_t i = 0; i < p->n; i++)
        memcpy((char *)blob + (size_t)i * to, from + (size_t)i * row, row);
    return TARE_OK;
}

tare_status cu_gemm_float_prepare(cu_gemm_sums sums, void *stream, const tare_problem *p) {
    cu_gemm_spec s = spec_of(sums, p, p->m);
    return cu_gemm_prepare(stream, &s);
}

tare_status cu_gemm_float_run(cu_gemm_sums sums, const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_gemm_spec s = spec_of(sums, p, a->m);
    place at = place_of(p);
    char *scratch = a->scratch;
    int32_t ld;
    cu_gemm_operands o = {.w = a->packed,
                          .y = is_direct(p) ? a->y : scratch + at.sums,
                          .bias = s.bias ? a->bias : NULL,
                          .workspace = scratch + at.workspace};
    TARE_TRY(cu_x_rows_of(a, p->x, &o.x, &ld));
    TARE_TRY(cu_gemm_run(a->stream, &s, &o));
    if (is_direct(p)) return TARE_OK;
    cu_gemm_sums_at sums_at = {.sums = o.y, .ld = s.ldy};
    return cu_gemm_finish_of(a, &sums_at);
}
