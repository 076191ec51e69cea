/* Dense float weights by cuBLASLt: the host's side. */
#include "cuda/gemm_float.h"

#include "cuda/gemm_finish.h"
#include "cuda/small.h"
#include "cuda/x_rows.h"
#include "src/takes.h"

#include <stdio.h>
#include <string.h>

/* Scratch: rows of x where they are copied, sums where y is not direct, workspace. */
typedef struct place {
    size_t sums, workspace, bytes;
} place;

static place place_of(const tare_problem *p) {
    cu_gemm_spec s = cu_gemm_spec_of(p, p->m, CU_GEMM_F32, cu_gemm_writes_y(p));
    place at = {.sums = cu_x_rows_bytes(p, p->x)};
    size_t sums = (size_t)(p->m * s.ldy) * sizeof(float);
    at.workspace = at.sums + (cu_gemm_writes_y(p) ? 0 : cu_up256(sums));
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
    if (!cu_gemm_writes_y(p)) cu_gemm_finish_cost(r, p, f);
}

int cu_gemm_float_fit(tare_type type, cu_gemm_sums sums, const tare_rates *r, const tare_problem *p,
                      tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                              .codings = tare_codings(type),
                              .x = TAKES(type),
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (sums == CU_GEMM_TF32 && !(p->flags & TARE_TF32)) {
        snprintf(f->why, sizeof f->why, "cuts factors to tf32, which the problem does not allow");
        return 0;
    }
    if (!cu_gemm_counts(p, f)) return 0;
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = (size_t)(p->n * cu_up(p->k, CU_GEMM_PIECE)) * tare_type_bytes(type);
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
           to = (size_t)cu_up(p->k, CU_GEMM_PIECE) * element;
    const char *from = t->part[TARE_VALUES].data;
    (void)used;
    for (int64_t i = 0; i < p->n; i++)
        memcpy((char *)blob + (size_t)i * to, from + (size_t)i * row, row);
    return TARE_OK;
}

tare_status cu_gemm_float_prepare(cu_gemm_sums sums, void *stream, const tare_problem *p) {
    cu_gemm_spec s = cu_gemm_spec_of(p, p->m, sums, cu_gemm_writes_y(p));
    return cu_gemm_prepare(stream, &s);
}

tare_status cu_gemm_float_run(cu_gemm_sums sums, const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_gemm_spec s = cu_gemm_spec_of(p, a->m, sums, cu_gemm_writes_y(p));
    place at = place_of(p);
    char *scratch = a->scratch;
    int32_t ld;
    cu_gemm_operands o = {.w = a->packed,
                          .y = cu_gemm_writes_y(p) ? a->y : scratch + at.sums,
                          .bias = s.bias ? a->bias : NULL,
                          .workspace = scratch + at.workspace};
    TARE_TRY(cu_x_rows_of(a, p->x, &o.x, &ld));
    TARE_TRY(cu_gemm_run(a->stream, &s, &o));
    if (cu_gemm_writes_y(p)) return TARE_OK;
    cu_gemm_sums_at sums_at = {.sums = o.y, .ld = s.ldy};
    return cu_gemm_finish_of(a, &sums_at);
}
