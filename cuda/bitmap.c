/* Bitmap and N:M weights, float activations: the host's side. */
#include "cuda/bitmap.h"

#include "cuda/layout/bitmap_pack.h"
#include "cuda/small.h"
#include "cuda/tile_cut.h"
#include "cuda/x_rows.h"
#include "src/takes.h"

void cu_tile_sum(cu_args a);

enum { BLOCK_CHUNKS = 4 }; /* that a split has at least */

static int on_tensor_cores(const tare_problem *p) {
    return p->x != TARE_F32 && p->w.value == p->x;
}

/* Tiles of 8 rows of x that a walk over W serves on the tensor cores. */
static int walk_tiles(int64_t m) {
    return m <= 8 ? 1 : m <= 16 ? 2 : m <= 32 ? 4 : 8;
}

/* Of a run with m rows. */
static cu_tile_kernel choose(const tare_problem *p, int64_t m, cu_tile_cut *cut) {
    cu_bitmap_shape s = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz);
    int tensor = on_tensor_cores(p);
    cu_tile_kernel k;
    int64_t parts;
    if (tensor && walk_tiles(m) > 1) {
        k = cu_bitmap_block(p->x == TARE_BF16, walk_tiles(m));
        parts = s.chunks / BLOCK_CHUNKS;
    } else {
        k = cu_bitmap((int)p->w.value, tensor, m == 1 ? 1 : m <= 4 ? 4 : 8);
        parts = (s.chunks + k.threads / 32 - 1) / (k.threads / 32);
    }
    *cut = cu_tile_cut_of(&k, s.tiles, parts, m);
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

/* Predicted, not yet measured on a device: on the tensor cores each walk over W costs its decoding,
 * as much as DECODED rows of x, beside the rows that it has (docs/cuda-kernels.md). */
static void cost(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    enum { DECODED = 105 };
    double ops = f->ops;
    int64_t rows = 8 * walk_tiles(p->m), walks = (p->m + rows - 1) / rows;
    if (!on_tensor_cores(p)) {
        tare_fit_cost(f, r, 0.7, 0.3);
        return;
    }
    f->ops = 2.0 * (double)p->n * (double)p->k * (double)(walks * (DECODED + rows));
    tare_fit_cost(f, r, 0.7, 0.84);
    f->ops = ops;
}

int cu_bitmap_fit(tare_layout layout, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(layout),
                              .codings = TAKES_FLOATS | TAKES_I8_PLAIN,
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (!cu_tile_counts(p, f)) return 0;
    cu_bitmap_shape s = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz);
    if ((s.most - s.values_at) / CU_BITMAP_PIECE > UINT32_MAX)
        return cu_refuse(f, "counts values in 16 bytes and 32 bits: W is too large");
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.most;
    f->scratch_bytes = cu_x_rows_bytes(p, x_wanted(p)) + cu_tile_most(p, split_bytes);
    f->bytes =
        (double)s.most + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k; /* zeros are multiplied as well */
    f->unit = on_tensor_cores(p) ? TARE_PROBE_BF16 : TARE_PROBE_F32;
    cost(r, p, f);
    return 1;
}

tare_status cu_bitmap_pack_row(const tare_problem *p, const tare_tensor *t, void *blob,
                               size_t *used) {
    (void)p;
    *used = cu_bitmap_pack(t, blob);
    return TARE_OK;
}

tare_status cu_bitmap_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_bitmap_shape s = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz);
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
                    .at = {[CU_TILE_SCALES] = (int64_t)s.scales_at,
                           [CU_BITMAP_OFFSETS] = (int64_t)s.offsets_at,
                           [CU_BITMAP_VALUES] = (int64_t)s.values_at},
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .k = (int32_t)p->k,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {[CU_TILE_CHUNKS] = (int32_t)s.chunks,
                          [CU_TILE_SPLITS] = (int32_t)cut.splits,
                          [CU_TILE_LDX] = ld,
                          [CU_TILE_HEADS] = p->w.value == TARE_I8 ? CU_HAS_SCALES : 0}};
    TARE_TRY(cu_tile_launch(a->stream, &k, &cut, &args));
    int apart = cut.splits > 1 && !k.warps_k;
    return apart ? cu_tile_launch_sum(a->stream, (const void *)cu_tile_sum, &args) : TARE_OK;
}
