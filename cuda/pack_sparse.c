/* Packing of sparse layouts on the device. All that is queued is queued at once: where W has
 * another number of values than the plan, kernels behind the count find out and write nothing. */
#include "cuda/layout/bitmap_pack.h"
#include "cuda/layout/blocks_pack.h"
#include "cuda/layout/csr_pack.h"
#include "cuda/pack_job.h"

#include <tare/bits.h>

void cu_pack_bitmap(cu_args a);
void cu_pack_csr(cu_args a);
void cu_pack_squares(cu_args a);
void cu_pack_blocks(cu_args a);

/* ---- bitmaps and N:M ---- */

tare_status cu_pack_as_bitmap(cu_pack_job *j) {
    const tare_problem *p = j->p;
    cu_bitmap_shape q = cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz);
    int i8 = p->w.value == TARE_I8, nm = p->w.layout == TARE_NM;
    int64_t rows = q.tiles * CU_TILE_ROWS, sizes = q.tiles * (q.chunks + 1);
    int64_t expected = nm ? -1 : p->nnz; /* a ragged group of N:M has fewer bits than values */
    cu_pack_room room = {.scanned = sizes, .extremes = i8 ? p->n : 0};
    TARE_TRY(cu_pack_open(j, &room));
    uint32_t *offsets = (uint32_t *)(void *)((char *)j->blob + q.offsets_at);
    cu_args a = cu_pack_args(j);
    a.at[CU_TILE_SCALES] = (int64_t)q.scales_at;
    a.at[CU_BITMAP_OFFSETS] = (int64_t)q.offsets_at;
    a.at[CU_BITMAP_VALUES] = (int64_t)q.values_at;
    a.at[CU_PACK_EXPECT] = expected;
    a.i[CU_PACK_UNITS] = (int32_t)q.chunks;
    a.i[CU_PACK_WHAT] = i8 ? CU_SURVEY_EXTREMES : 0;
    TARE_TRY(cu_pack_warps(j->s, cu_pack_masks(nm ? p->w.nm_m : 0), q.tiles * q.chunks, &a));
    TARE_TRY(cu_scan_queue(j->s, offsets, sizes, (uint32_t *)(void *)(j->scratch + j->sums_at)));
    if (i8) TARE_TRY(cu_pack_scales_queue(j, j->blob, q.scales_at, 0, rows));
    TARE_TRY(cu_pack_gap(j, q.scales_at + (i8 ? (size_t)rows * sizeof(float) : 0), q.values_at));
    TARE_TRY(cu_pack_warps(j->s, (const void *)cu_pack_bitmap, q.tiles * q.chunks, &a));
    TARE_TRY(cu_pack_tail_queue(j, offsets + sizes - 1, q.values_at, CU_BITMAP_PIECE, q.most));
    return cu_pack_verdict(j, expected, "values");
}

/* ---- CSR ---- */

tare_status cu_pack_as_csr(cu_pack_job *j) {
    const tare_problem *p = j->p;
    cu_csr_shape q = cu_csr_shape_of(&p->w, p->n, p->k, p->nnz);
    int i8 = p->w.value == TARE_I8;
    int64_t segments = (p->k + CU_PACK_SEGMENT - 1) / CU_PACK_SEGMENT, units = p->n * segments;
    size_t nnz = (size_t)p->nnz, index = (size_t)TARE_INDEX_BYTES(p->k);
    cu_pack_room room = {.list = units + 1, .scanned = units + 1, .extremes = i8 ? p->n : 0};
    TARE_TRY(cu_pack_open(j, &room));
    uint32_t *list = (uint32_t *)(void *)(j->scratch + j->list_at);
    TARE_TRY(cu_pack_clear(j->s, list + units, sizeof *list));
    TARE_TRY(cu_pack_survey_queue(j, CU_SURVEY_COUNTS | (i8 ? CU_SURVEY_EXTREMES : 0)));
    TARE_TRY(cu_scan_queue(j->s, list, units + 1, (uint32_t *)(void *)(j->scratch + j->sums_at)));
    TARE_TRY(cu_pack_offsets_queue(j, p->n + 1, segments));
    TARE_TRY(cu_pack_gap(j, (size_t)(p->n + 1) * sizeof(uint32_t), q.scales_at));
    if (i8)
        TARE_TRY(cu_pack_scales_queue(j, j->blob, q.scales_at, 0,
                                      (int64_t)((q.columns_at - q.scales_at) / sizeof(float))));
    TARE_TRY(cu_pack_gap(j, q.columns_at + nnz * index, q.values_at));
    TARE_TRY(cu_pack_gap(j, q.values_at + nnz * tare_type_bytes(p->w.value), q.bytes));
    cu_args a = cu_pack_args(j);
    a.at[CU_TILE_SCALES] = (int64_t)q.scales_at;
    a.at[CU_CSR_COLUMNS] = (int64_t)q.columns_at;
    a.at[CU_CSR_VALUES] = (int64_t)q.values_at;
    a.at[CU_PACK_EXPECT] = p->nnz;
    a.i[CU_PACK_UNITS] = (int32_t)segments;
    a.i[CU_PACK_WIDE] = index == 4;
    TARE_TRY(cu_pack_warps(j->s, (const void *)cu_pack_csr, units, &a));
    return cu_pack_verdict(j, p->nnz, "values");
}

/* ---- blocks ---- */

static tare_status place_squares(cu_pack_job *j, int64_t squares, int64_t across) {
    uint32_t *list = (uint32_t *)(void *)(j->scratch + j->list_at);
    cu_args a = cu_pack_args(j);
    a.w = j->scratch + j->flags_at;
    a.y = list;
    a.i[CU_PACK_UNITS] = (int32_t)across;
    TARE_TRY(cu_pack_clear(j->s, list + squares, sizeof *list));
    TARE_TRY(cu_pack_threads(j->s, (const void *)cu_pack_squares, squares, &a));
    return cu_scan_queue(j->s, list, squares + 1, (uint32_t *)(void *)(j->scratch + j->sums_at));
}

tare_status cu_pack_as_blocks(cu_pack_job *j) {
    const tare_problem *p = j->p;
    cu_blocks_shape q = cu_blocks_shape_of(&p->w, p->n, p->k, p->nnz);
    int64_t r = p->w.block_r, c = p->w.block_c, blocks = p->nnz / (r * c);
    int64_t across = (p->k + CU_SQUARE - 1) / CU_SQUARE, squares = q.tiles * across;
    int i8 = p->w.value == TARE_I8;
    size_t values_at = cu_blocks_values_at(&q);
    cu_pack_room room = {.list = squares + 1,
                         .scanned = squares + 1,
                         .scales = i8 ? p->n : 0,
                         .extremes = i8 ? p->n : 0,
                         .flags = (p->n + r - 1) / r * ((p->k + c - 1) / c)};
    TARE_TRY(cu_pack_open(j, &room));
    TARE_TRY(cu_pack_survey_queue(j, CU_SURVEY_BLOCKS | (i8 ? CU_SURVEY_EXTREMES : 0)));
    if (i8) TARE_TRY(cu_pack_scales_queue(j, j->scratch, j->scales_at, 0, p->n));
    TARE_TRY(place_squares(j, squares, across));
    TARE_TRY(cu_pack_offsets_queue(j, q.tiles + 1, across));
    TARE_TRY(cu_pack_gap(j, (size_t)(q.tiles + 1) * sizeof(uint32_t), values_at));
    cu_args a = cu_pack_args(j);
    a.aux = j->scratch + j->scales_at;
    a.at[0] = (int64_t)(j->flags_at - j->list_at);
    a.at[CU_BLOCKS_COLUMNS] = (int64_t)q.columns_at;
    a.at[CU_BLOCKS_VALUES] = (int64_t)values_at;
    a.at[CU_PACK_EXPECT] = blocks;
    a.i[CU_PACK_UNITS] = (int32_t)across;
    TARE_TRY(cu_pack_warps(j->s, (const void *)cu_pack_blocks, squares, &a));
    TARE_TRY(cu_pack_tail_queue(j, (uint32_t *)(void *)(j->scratch + j->list_at) + squares,
                                values_at, 256 * q.value_bytes, q.most));
    return cu_pack_verdict(j, blocks, "blocks");
}
