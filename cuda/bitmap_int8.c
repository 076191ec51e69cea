/* Int8 bitmap and N:M weights, int8 activations: the host's side. */
#include "cuda/bitmap_int8.h"

#include "cuda/layout/bitmap_pack.h"
#include "cuda/small.h"
#include "cuda/tile_cut.h"
#include "cuda/x_codes.h"
#include "src/takes.h"

void cu_tile_int8_sum(cu_args a);

enum { PAIR = 2 }; /* chunks of a unit */

static cu_tile_kernel choose(const tare_problem *p, int64_t m, cu_tile_cut *cut) {
    cu_bitmap_shape s = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz);
    cu_tile_kernel k = cu_bitmap_int8(m <= 8 ? 1 : m <= 16 ? 2 : 4);
    int64_t units = (s.chunks + PAIR - 1) / PAIR, warps = k.threads / 32;
    *cut = cu_tile_cut_of(&k, s.tiles, (units + warps - 1) / warps, m);
    return k;
}

static size_t split_bytes(const tare_problem *p, int64_t m) {
    cu_tile_cut c;
    (void)choose(p, m, &c);
    return c.splits > 1 ? (size_t)(c.splits * m * p->n) * sizeof(int32_t) : 0;
}

static cu_x_codes codes_of(const tare_problem *p, int64_t m) {
    int64_t chunks = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz).chunks;
    return cu_x_codes_of(m, (chunks + PAIR - 1) / PAIR * PAIR * CU_TILE_CHUNK);
}

int cu_bitmap_int8_fit(tare_layout layout, const tare_rates *r, const tare_problem *p,
                       tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(layout),
                              .codings = TAKES_I8_PLAIN,
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_I8,
                              .wants = TARE_X_I8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (p->k > 131072) return cu_refuse(f, "sums in i32: k up to 131072");
    if (!cu_tile_counts(p, f)) return 0;
    cu_bitmap_shape s = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz);
    if ((s.most - s.values_at) / CU_BITMAP_PIECE > UINT32_MAX)
        return cu_refuse(f, "counts values in 16 bytes and 32 bits: W is too large");
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.most;
    f->scratch_bytes = codes_of(p, p->m).bytes + cu_tile_most(p, split_bytes);
    f->bytes =
        (double)s.most + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k; /* zeros are multiplied as well */
    f->unit = TARE_PROBE_I8;
    tare_fit_cost(f, r, 0.65, 0.2); /* predicted, not yet measured on a device */
    return 1;
}

tare_status cu_bitmap_int8_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_bitmap_shape s = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz);
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
                           [CU_BITMAP_OFFSETS] = (int64_t)s.offsets_at,
                           [CU_BITMAP_VALUES] = (int64_t)s.values_at},
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .k = (int32_t)p->k,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {[CU_TILE_CHUNKS] = (int32_t)s.chunks,
                          [CU_TILE_GROUPS] = 1,
                          [CU_TILE_SPLITS] = (int32_t)cut.splits,
                          [CU_TILE_LDX] = (int32_t)c.stride,
                          [CU_TILE_HEADS] = CU_HAS_SCALES}};
    TARE_TRY(cu_tile_launch(a->stream, &k, &cut, &args));
    return cut.splits > 1 ? cu_tile_launch_sum(a->stream, (const void *)cu_tile_int8_sum, &args)
                          : TARE_OK;
}
