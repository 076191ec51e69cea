/* Unpacking on the device: which kernel, and where its sections lie. */
#include "cuda/unpack.h"

#include "cuda/layout/bitmap_pack.h"
#include "cuda/layout/blocks_pack.h"
#include "cuda/layout/csr_pack.h"
#include "cuda/layout/tile_pack.h"
#include "cuda/pack.h"
#include "cuda/pack_job.h"
#include "cuda/small.h"

#include <tare/bits.h>

const void *cu_unpack_tile(int to);
const void *cu_unpack_bitmap(int to);
const void *cu_unpack_csr(int to);
const void *cu_unpack_blocks(int to);

enum { LD = CU_PACK_EXPECT, SPAN = 8 * CU_SQUARE };

static tare_status unpack_tiles(cu_stream *s, const tare_problem *p, int to, cu_args *a) {
    cu_tile_shape q = cu_tile_shape_of(&p->w, p->n, p->k);
    a->at[CU_TILE_SCALES] = (int64_t)q.scales_at;
    a->at[CU_TILE_ZEROS] = (int64_t)q.zeros_at;
    a->i[CU_PACK_UNITS] = (int32_t)q.chunks;
    a->i[CU_PACK_GROUPS] = (int32_t)q.groups;
    a->i[CU_PACK_FLUSH] = q.flush;
    a->i[CU_PACK_WIDE] = p->w.zero_points;
    return cu_pack_warps(s, cu_unpack_tile(to), q.tiles * cu_pieces(a->at[LD], CU_TILE_CHUNK), a);
}

static tare_status unpack_bitmap(cu_stream *s, const tare_problem *p, int to, cu_args *a) {
    cu_bitmap_shape q = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz);
    a->at[CU_TILE_SCALES] = (int64_t)q.scales_at;
    a->at[CU_BITMAP_OFFSETS] = (int64_t)q.offsets_at;
    a->at[CU_BITMAP_VALUES] = (int64_t)q.values_at;
    a->i[CU_PACK_UNITS] = (int32_t)q.chunks;
    return cu_pack_warps(s, cu_unpack_bitmap(to), q.tiles * cu_pieces(a->at[LD], CU_TILE_CHUNK), a);
}

static tare_status unpack_csr(cu_stream *s, const tare_problem *p, int to, cu_args *a) {
    cu_csr_shape q = cu_csr_shape_of(&p->w, p->n, p->k, p->nnz);
    a->at[CU_TILE_SCALES] = (int64_t)q.scales_at;
    a->at[CU_CSR_COLUMNS] = (int64_t)q.columns_at;
    a->at[CU_CSR_VALUES] = (int64_t)q.values_at;
    a->i[CU_PACK_WIDE] = TARE_INDEX_BYTES(p->k) == 4;
    return cu_pack_warps(s, cu_unpack_csr(to), p->n * cu_pieces(a->at[LD], CU_PACK_SEGMENT), a);
}

static tare_status unpack_blocks(cu_stream *s, const tare_problem *p, int to, cu_args *a) {
    cu_blocks_shape q = cu_blocks_shape_of(&p->w, p->n, p->k, p->nnz);
    a->at[CU_BLOCKS_COLUMNS] = (int64_t)q.columns_at;
    a->at[CU_BLOCKS_VALUES] = (int64_t)cu_blocks_values_at(&q);
    return cu_pack_warps(s, cu_unpack_blocks(to), q.tiles * cu_pieces(a->at[LD], SPAN), a);
}

static tare_status check(const tare_problem *p, tare_type to, int64_t ld, int bare) {
    if (to != TARE_F32 && to != TARE_F16 && to != TARE_BF16)
        TARE_FAIL(TARE_E_ARG, "cuda: weights are unpacked to f32, f16 and bf16, not %s",
                  tare_type_name(to));
    if (ld < p->k)
        TARE_FAIL(TARE_E_ARG, "cuda: rows of %lld hold no %lld columns", (long long)ld,
                  (long long)p->k);
    if (p->w.value == TARE_F8)
        TARE_FAIL(TARE_E_UNSUPPORTED, "cuda: f8 weights are unpacked on the host");
    if (bare &&
        (p->w.value != TARE_I8 || p->w.scaling == TARE_SCALE_GROUP || p->w.layout == TARE_BLOCK))
        TARE_FAIL(TARE_E_UNSUPPORTED,
                  "cuda: scales are left out of i8 by row or tensor only, and not of blocks");
    return TARE_OK;
}

tare_status cu_unpack_queue(cu_stream *s, const tare_problem *p, const void *blob, tare_type to,
                            void *out, int64_t ld, const cu_unpack_how *how) {
    cu_args a = {.w = blob,
                 .y = out,
                 .aux = how ? how->factors : NULL,
                 .n = (int32_t)p->n,
                 .k = (int32_t)p->k,
                 .at = {[LD] = ld},
                 .i = {[CU_PACK_VALUE] = (int32_t)p->w.value, [CU_PACK_WHAT] = how && how->bare}};
    TARE_TRY(check(p, to, ld, how && how->bare));
    switch (p->w.layout) {
    case TARE_DENSE:
        return unpack_tiles(s, p, (int)to, &a);
    case TARE_CSR:
        return unpack_csr(s, p, (int)to, &a);
    case TARE_BLOCK:
        return unpack_blocks(s, p, (int)to, &a);
    default:
        return unpack_bitmap(s, p, (int)to, &a);
    }
}

tare_status cu_unpack_values(const tare_problem *p, void *state, void *stream, const void *blob,
                             void *w) {
    (void)state;
    return cu_unpack_queue(stream, p, blob, TARE_F32, w, p->k, NULL);
}
