/* Packing of block-sparse int8 weights into pairs of squares, and back. */
#include "cuda/layout/blocks_int8_pack.h"

#include "cuda/layout/blocks_pack.h"
#include "cuda/small.h"
#include "src/format/format.h"

#include <string.h>

enum { PAIR_BYTES = 2 * CU_SQUARE * CU_SQUARE };

cu_pairs_shape cu_pairs_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz) {
    cu_blocks_shape b = cu_blocks_shape_of(f, n, k, nnz);
    int64_t across = (k + CU_SQUARE - 1) / CU_SQUARE;
    cu_pairs_shape s = {.tiles = b.tiles, .most_pairs = b.tiles * ((across + 1) / 2)};
    int64_t odd = b.most_squares < b.tiles ? b.most_squares : b.tiles; /* tiles that are padded */
    if ((b.most_squares + odd) / 2 < s.most_pairs) s.most_pairs = (b.most_squares + odd) / 2;
    s.columns_at = cu_up16((size_t)(s.tiles + 1) * sizeof(uint32_t));
    s.scales_at = s.columns_at + cu_up16((size_t)s.most_pairs * 2 * sizeof(uint32_t));
    s.values_at = s.scales_at + (size_t)s.tiles * CU_SQUARE * sizeof(float);
    s.most = s.values_at + (size_t)s.most_pairs * PAIR_BYTES;
    return s;
}

/* What packing needs beside: the same tensor with scales of 1, which decodes to its codes; a row of
 * those; the squares of a tile, counted from 1 in place[], 0 where there is none. */
typedef struct bench {
    tare_tensor codes;
    float *ones;
    double *row;
    uint8_t *map;
    uint32_t *place;
} bench;

static void clear(bench *b) {
    tare_free(b->ones);
    tare_free(b->row);
    tare_free(b->map);
    tare_free(b->place);
}

static int make(bench *b, const tare_tensor *t, int64_t across) {
    size_t scales = t->part[TARE_SCALES].bytes / sizeof(float);
    b->ones = tare_alloc(scales * sizeof *b->ones);
    b->row = tare_alloc((size_t)t->k * sizeof *b->row);
    b->map = tare_alloc((size_t)across);
    b->place = tare_alloc((size_t)across * sizeof *b->place);
    if (!b->ones || !b->row || !b->map || !b->place) return 0;
    for (size_t i = 0; i < scales; i++) b->ones[i] = 1;
    b->codes = *t;
    b->codes.part[TARE_SCALES].data = b->ones;
    return 1;
}

/* The rows of a tile into its squares, which begin at `values`. */
static void put_tile(const bench *b, int64_t tile, char *values) {
    const tare_tensor *t = &b->codes;
    for (int64_t i = tile * CU_SQUARE; i < (tile + 1) * CU_SQUARE && i < t->n; i++) {
        memset(b->row, 0, (size_t)t->k * sizeof *b->row);
        format_layout(&t->format)->decode_row(t, format_coding(&t->format), i, b->row);
        for (int64_t j = 0; j < t->k; j++) {
            int64_t square = (int64_t)b->place[j / CU_SQUARE] - 1;
            if (square < 0) continue;
            int at = cu_pair_find((int)(square % 2), (int)(i % CU_SQUARE), (int)(j % CU_SQUARE));
            values[square / 2 * PAIR_BYTES + at] = (char)(int8_t)b->row[j];
        }
    }
}

static uint32_t pack_with(const tare_tensor *t, const cu_pairs_shape *s, const bench *b,
                          int64_t across, char *blob) {
    uint32_t *offsets = (uint32_t *)(void *)blob, pairs = 0;
    uint32_t *columns = (uint32_t *)(void *)(blob + s->columns_at);
    float *scales = (float *)(void *)(blob + s->scales_at);
    for (int64_t tile = 0; tile < s->tiles; tile++) {
        uint32_t squares = 0;
        memset(b->map, 0, (size_t)across);
        cu_blocks_mark_tile(t, tile, b->map);
        for (int64_t q = 0; q < across; q++) {
            b->place[q] = b->map[q] ? squares + 1 : 0;
            if (b->map[q]) columns[2 * pairs + squares++] = (uint32_t)q;
        }
        put_tile(b, tile, blob + s->values_at + (size_t)pairs * PAIR_BYTES);
        pairs += (squares + 1) / 2;
        offsets[tile + 1] = pairs;
    }
    for (int64_t row = 0; row < t->n; row++) scales[row] = format_scale(t, row, 0);
    return pairs;
}

tare_status cu_pairs_pack(const tare_tensor *t, void *blob, size_t *used) {
    cu_pairs_shape s = cu_pairs_shape_of(&t->format, t->n, t->k, t->nnz);
    int64_t across = (t->k + CU_SQUARE - 1) / CU_SQUARE;
    bench b = {.ones = NULL};
    int ok = make(&b, t, across);
    if (ok) *used = s.values_at + (size_t)pack_with(t, &s, &b, across, blob) * PAIR_BYTES;
    clear(&b);
    if (!ok) TARE_FAIL(TARE_E_NOMEM, "pack: no memory for a row of %lld values", (long long)t->k);
    return TARE_OK;
}

void cu_pairs_decode_row(const tare_format *f, int64_t n, int64_t k, int64_t nnz, const void *blob,
                         int64_t row, float *out) {
    cu_pairs_shape s = cu_pairs_shape_of(f, n, k, nnz);
    const char *begin = blob;
    const uint32_t *offsets = blob;
    const uint32_t *columns = (const uint32_t *)(const void *)(begin + s.columns_at);
    float scale = ((const float *)(const void *)(begin + s.scales_at))[row];
    memset(out, 0, (size_t)k * sizeof *out);
    for (int64_t i = 2 * (int64_t)offsets[row / CU_SQUARE];
         i < 2 * (int64_t)offsets[row / CU_SQUARE + 1]; i++)
        for (int c = 0; c < CU_SQUARE; c++) {
            int64_t column = (int64_t)columns[i] * CU_SQUARE + c;
            int at = cu_pair_find((int)(i % 2), (int)(row % CU_SQUARE), c);
            int8_t v = (int8_t)begin[s.values_at + (size_t)(i / 2) * PAIR_BYTES + (size_t)at];
            if (column < k && v) out[column] = scale * (float)v;
        }
}
