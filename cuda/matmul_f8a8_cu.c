/* f8 weights by row or tensor, activations quantised to f8 a row (cuda/kernels/x_f8.cu): to the
 * codes' values in halves, which meet the weights on the tensor cores as float activations do. Sums
 * are f32, also where they may be short. The scale of a row of x comes to its sums at the end.
 *
 * mma.sync on e4m3 would bring nothing: for 9.0 and 10.0 ptxas makes of it the same conversions to
 * halves and two products of halves (seen in the code it makes; only 8.9 and 12.0 have the
 * instruction). Twice the rate of halves there needs wgmma, which vendors' libraries use. */
#include "cuda/layout/tile_pack.h"
#include "cuda/rows.h"
#include "cuda/small.h"
#include "cuda/tile.h"
#include "cuda/tile_cut.h"
#include "cuda/x_codes.h"
#include "src/takes.h"

#include <stdio.h>

/* The product that is left once x is quantised. */
static tare_problem by_halves(const tare_problem *p) {
    tare_problem q = *p;
    q.x = TARE_F16;
    q.flags &= ~(uint32_t)(TARE_X_F8 | TARE_SUM_F8);
    return q;
}

/* Scratch: x in halves, scales of its rows, sums of splits. */
typedef struct place {
    int64_t ld;
    size_t scales_at, splits_at;
} place;

static place place_of(const tare_problem *p, int64_t m) {
    place at = {.ld = (p->k + 7) / 8 * 8};
    at.scales_at = cu_up256((size_t)(m * at.ld) * sizeof(uint16_t));
    at.splits_at = at.scales_at + cu_up256((size_t)m * sizeof(float));
    return at;
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                                     .codings = TAKES_F8,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_F8,
                                     .wants = TARE_X_F8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (!cu_tile_counts(p, f)) return 0;
    if (p->k > INT32_MAX / 4) {
        snprintf(f->why, sizeof f->why, "counts the bytes of a row in 31 bits: k is too large");
        return 0;
    }
    tare_problem q = by_halves(p);
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = cu_tile_shape_of(&p->w, p->n, p->k).bytes;
    f->scratch_bytes = place_of(p, p->m).splits_at + cu_tile_splits_bytes(&q);
    f->bytes = (double)f->packed_bytes + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    f->unit = TARE_PROBE_BF16;
    tare_fit_cost(f, r, 0.8, 0.6); /* predicted, not yet measured on a device */
    return 1;
}

static tare_status run(const tare_run_args *a) {
    tare_problem q = by_halves(a->problem);
    place at = place_of(a->problem, a->m);
    char *scratch = a->scratch;
    cu_tile_x x = {scratch, (int32_t)at.ld, (const float *)(void *)(scratch + at.scales_at)};
    TARE_TRY(cu_x_quantise(a, CU_X_AS_HALVES, at.ld * (int64_t)sizeof(uint16_t), scratch,
                           scratch + at.scales_at));
    return cu_tile_product(a, &q, &x, scratch + at.splits_at);
}

const tare_kernel matmul_f8a8_cu = {
    .name = "matmul_f8a8_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_tile_pack_row,
    .run = run,
};
