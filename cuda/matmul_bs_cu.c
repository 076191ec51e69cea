/* Block-sparse weights of any block, float activations: 16-bit ones on tensor cores where the
 * values are of their type. */
#include "cuda/layout/blocks_pack.h"
#include "cuda/pack.h"
#include "cuda/rows.h"
#include "cuda/small.h"
#include "cuda/tile_cut.h"
#include "cuda/x_rows.h"
#include "src/format/format.h"
#include "src/takes.h"

void cu_tile_sum(cu_args a);

enum { WIDE_ROWS = 65 };     /* of x, from which the kernel of many rows runs */
enum { SPLIT_SQUARES = 32 }; /* of a tile, that a block has at least where they are shared out */

static int on_tensor_cores(const tare_problem *p) {
    return p->x != TARE_F32 && p->w.value == p->x;
}

static cu_tile_kernel choose(const tare_problem *p, int64_t m, cu_tile_cut *cut) {
    cu_blocks_shape s = cu_blocks_shape_of(&p->w, p->n, p->k, p->nnz);
    int tensor = on_tensor_cores(p);
    int mt = tensor ? (m <= 8 ? 1 : m <= 16 ? 2 : 4) : m == 1 ? 1 : m <= 4 ? 4 : 8;
    cu_tile_kernel k = cu_blocks((int)p->w.value, tensor, mt);
    if (tensor && m >= WIDE_ROWS && p->w.block_r % 64 == 0) {
        k = cu_blocks_wide(p->x == TARE_BF16);
        *cut = cu_tile_cut_of(&k, s.tiles, 1, m);
        return k;
    }
    *cut = cu_tile_cut_of(&k, s.tiles, s.most_squares / s.tiles / SPLIT_SQUARES, m);
    return k;
}

static size_t split_bytes(const tare_problem *p, int64_t m) {
    cu_tile_cut c;
    (void)choose(p, m, &c);
    return c.splits > 1 ? (size_t)(c.splits * m * p->n) * sizeof(float) : 0;
}

static tare_type x_wanted(const tare_problem *p) {
    return on_tensor_cores(p) ? p->x : TARE_F32;
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_BLOCK),
                                     .codings = TAKES_FLOATS | TAKES_I8_PLAIN,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (!cu_tile_counts(p, f)) return 0;
    cu_blocks_shape s = cu_blocks_shape_of(&p->w, p->n, p->k, p->nnz);
    if (s.most_squares > UINT32_MAX)
        return cu_refuse(f, "counts squares in 32 bits: W is too large");
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.most;
    f->scratch_bytes = cu_x_rows_bytes(p, x_wanted(p)) + cu_tile_most(p, split_bytes);
    f->bytes =
        (double)s.most + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 512.0 * (double)p->m * (double)s.most_squares;
    f->unit = on_tensor_cores(p) ? TARE_PROBE_BF16 : TARE_PROBE_F32;
    tare_fit_cost(f, r, 0.7, 0.4); /* predicted, not yet measured on a device */
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    (void)p;
    return cu_blocks_pack(t, blob, used);
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_blocks_shape s = cu_blocks_shape_of(&p->w, p->n, p->k, p->nnz);
    cu_tile_cut cut;
    cu_tile_kernel k = choose(p, a->m, &cut);
    const void *x;
    int32_t ld;
    TARE_TRY(cu_x_rows_of(a, x_wanted(p), &x, &ld));
    cu_args args = {.w = a->packed,
                    .x = x,
                    .bias = a->bias,
                    .y = a->y,
                    .extra = (char *)a->scratch + cu_x_rows_bytes(p, x_wanted(p)),
                    .at = {[CU_BLOCKS_COLUMNS] = (int64_t)s.columns_at,
                           [CU_BLOCKS_VALUES] = (int64_t)cu_blocks_values_at(&s)},
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .k = (int32_t)p->k,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {[CU_TILE_SPLITS] = (int32_t)cut.splits, [CU_TILE_LDX] = ld}};
    TARE_TRY(cu_tile_launch(a->stream, &k, &cut, &args));
    return cut.splits > 1 ? cu_tile_launch_sum(a->stream, (const void *)cu_tile_sum, &args)
                          : TARE_OK;
}

const tare_kernel matmul_bs_cu = {
    .name = "matmul_bs_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = pack,
    .run = run,
    .pack_values = cu_pack_values,
    .unpack_values = cu_unpack_values,
};
