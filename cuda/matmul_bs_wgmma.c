/* Block-sparse 16-bit weights by many rows of x of their type on Hopper's warpgroup products:
 * blocks of whole 64 x 64 tiles, compute capability 9.0. No device has run it yet. */
#include "cuda/layout/slabs_pack.h"
#include "cuda/rows.h"
#include "cuda/tile_cut.h"
#include "cuda/x_rows.h"
#include "src/takes.h"

#include <stdio.h>

static cu_tile_kernel choose(const tare_problem *p, int64_t m, cu_tile_cut *cut) {
    cu_slabs_shape s = cu_slabs_shape_of(&p->w, p->n, p->k, p->nnz);
    cu_tile_kernel k = cu_blocks_wgmma(p->x == TARE_BF16, p->w.block_r % (2 * CU_SLAB) ? 1 : 2);
    *cut = cu_tile_cut_of(&k, s.groups, 1, m);
    return k;
}

static int refuse(tare_fit *f, const char *why) {
    snprintf(f->why, sizeof f->why, "%s", why);
    return 0;
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_BLOCK),
                                     .codings = TAKES_F16 | TAKES_BF16,
                                     .x = TAKES(TARE_F16) | TAKES(TARE_BF16),
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (p->w.block_r % CU_SLAB || p->w.block_c % CU_SLAB)
        return refuse(f, "takes blocks whose sides are multiples of 64");
    if (p->x != p->w.value) return refuse(f, "takes activations of the values' type, as they are");
    if (!cu_tile_counts(p, f)) return 0;
    cu_slabs_shape s = cu_slabs_shape_of(&p->w, p->n, p->k, p->nnz);
    if (s.most_tiles > UINT32_MAX) return refuse(f, "counts tiles in 32 bits: W is too large");
    cu_tile_cut cut;
    cu_tile_kernel kernel = choose(p, p->m, &cut);
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.most;
    f->scratch_bytes = cu_x_rows_bytes(p, p->x);
    f->bytes =
        (double)s.most + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    /* Whole tiles of x: with few rows other rows are predicted to win. */
    f->ops = 2.0 * CU_SLAB * CU_SLAB * (double)s.most_tiles * (double)(cut.m_blocks * kernel.rows);
    f->unit = TARE_PROBE_BF16;
    /* Predicted, not yet measured on a device: L2, which gives x, bounds it; twice the rows of W
     * take nearly half of it. */
    tare_fit_cost(f, r, 0.5, kernel.tiles == 2 ? 0.7 : 0.45);
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    (void)p;
    return cu_slabs_pack(t, blob, used);
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_slabs_shape s = cu_slabs_shape_of(&p->w, p->n, p->k, p->nnz);
    cu_tile_cut cut;
    cu_tile_kernel k = choose(p, a->m, &cut);
    const void *x;
    int32_t ld;
    TARE_TRY(cu_x_rows_of(a, p->x, &x, &ld));
    cu_args args = {
        .w = a->packed,
        .x = x,
        .bias = a->bias,
        .y = a->y,
        .at =
            {[CU_SLABS_COLUMNS] = (int64_t)s.columns_at, [CU_SLABS_VALUES] = (int64_t)s.values_at},
        .m = (int32_t)a->m,
        .n = (int32_t)p->n,
        .k = (int32_t)p->k,
        .y_type = (int32_t)p->y,
        .flags = (int32_t)p->flags,
        .i = {[CU_TILE_LDX] = ld}};
    return cu_tile_launch(a->stream, &k, &cut, &args);
}

const tare_kernel matmul_bs_wgmma = {
    .name = "matmul_bs_wgmma",
    .op = TARE_MATMUL,
    .needs = CU_SM90A,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = pack,
    .run = run,
};
