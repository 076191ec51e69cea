/* Block-sparse int8 weights of any block by row or tensor, int8 activations: integer tensor cores.
 */
#include "cuda/layout/blocks_int8_pack.h"
#include "cuda/rows.h"
#include "cuda/small.h"
#include "cuda/tile_cut.h"
#include "cuda/x_codes.h"
#include "src/takes.h"

void cu_tile_int8_sum(cu_args a);

enum { SPLIT_PAIRS = 32 }; /* of a tile, that a block has at least where they are shared out */

static cu_tile_kernel choose(const tare_problem *p, int64_t m, cu_tile_cut *cut) {
    cu_pairs_shape s = cu_pairs_shape_of(&p->w, p->n, p->k, p->nnz);
    cu_tile_kernel k = cu_blocks_int8(m <= 8 ? 1 : m <= 16 ? 2 : 4);
    *cut = cu_tile_cut_of(&k, s.tiles, s.most_pairs / s.tiles / SPLIT_PAIRS, m);
    return k;
}

static size_t split_bytes(const tare_problem *p, int64_t m) {
    cu_tile_cut c;
    (void)choose(p, m, &c);
    return c.splits > 1 ? (size_t)(c.splits * m * p->n) * sizeof(int32_t) : 0;
}

static cu_x_codes codes_of(const tare_problem *p, int64_t m) {
    return cu_x_codes_of(m, (p->k + CU_TILE_CHUNK - 1) / CU_TILE_CHUNK * CU_TILE_CHUNK);
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_BLOCK),
                                     .codings = TAKES_I8_PLAIN,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_I8,
                                     .wants = TARE_X_I8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (p->k > 131072) return cu_refuse(f, "sums in i32: k up to 131072");
    if (!cu_tile_counts(p, f)) return 0;
    cu_pairs_shape s = cu_pairs_shape_of(&p->w, p->n, p->k, p->nnz);
    if (s.most_pairs > UINT32_MAX / 2)
        return cu_refuse(f, "counts squares in 32 bits: W is too large");
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.most;
    f->scratch_bytes = codes_of(p, p->m).bytes + cu_tile_most(p, split_bytes);
    f->bytes =
        (double)s.most + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 1024.0 * (double)p->m * (double)s.most_pairs;
    f->unit = TARE_PROBE_I8;
    tare_fit_cost(f, r, 0.7, 0.3); /* predicted, not yet measured on a device */
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    (void)p;
    return cu_pairs_pack(t, blob, used);
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_pairs_shape s = cu_pairs_shape_of(&p->w, p->n, p->k, p->nnz);
    cu_x_codes c = codes_of(p, a->m);
    cu_tile_cut cut;
    cu_tile_kernel k = choose(p, a->m, &cut);
    char *scratch = a->scratch;
    TARE_TRY(cu_x_codes_make(a, &c));
    cu_args args = {.w = a->packed,
                    .x = scratch,
                    .bias = a->bias,
                    .y = a->y,
                    .extra = scratch + c.bytes,
                    .aux = scratch + c.scales_at,
                    .at = {[CU_TILE_SCALES] = (int64_t)s.scales_at,
                           [CU_BLOCKS_COLUMNS] = (int64_t)s.columns_at,
                           [CU_BLOCKS_VALUES] = (int64_t)s.values_at},
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .k = (int32_t)p->k,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {[CU_TILE_GROUPS] = 1,
                          [CU_TILE_SPLITS] = (int32_t)cut.splits,
                          [CU_TILE_LDX] = (int32_t)c.stride,
                          [CU_TILE_HEADS] = CU_HAS_SCALES}};
    TARE_TRY(cu_tile_launch(a->stream, &k, &cut, &args));
    return cut.splits > 1 ? cu_tile_launch_sum(a->stream, (const void *)cu_tile_int8_sum, &args)
                          : TARE_OK;
}

const tare_kernel matmul_bsi8_cu = {
    .name = "matmul_bsi8_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = pack,
    .run = run,
};
