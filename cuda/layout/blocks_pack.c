/* Packing of block-sparse weights into squares, and back. */
#include "cuda/layout/blocks_pack.h"

#include "cuda/small.h"
#include "src/format/format.h"

#include <string.h>

/* Squares that a side of a block meets at most. */
static int64_t met(int64_t side) {
    if (side % CU_SQUARE == 0) return side / CU_SQUARE;
    return CU_SQUARE % side == 0 ? 1 : (side + 2 * CU_SQUARE - 2) / CU_SQUARE;
}

cu_blocks_shape cu_blocks_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz) {
    int64_t r = f->block_r, c = f->block_c, columns = (k + CU_SQUARE - 1) / CU_SQUARE;
    cu_blocks_shape s = {.tiles = (n + CU_SQUARE - 1) / CU_SQUARE};
    int64_t blocks = nnz / (r * c), all = s.tiles * columns;
    s.most_squares = blocks > all / (met(r) * met(c)) ? all : blocks * met(r) * met(c);
    s.value_bytes = f->value == TARE_F16 || f->value == TARE_BF16 ? 2 : 4;
    s.columns_at = cu_up16((size_t)(s.tiles + 1) * sizeof(uint32_t));
    s.most = cu_blocks_values_at(&s) + (size_t)s.most_squares * 256 * s.value_bytes;
    return s;
}

size_t cu_blocks_values_at(const cu_blocks_shape *s) {
    return s->columns_at + cu_up16((size_t)s->most_squares * sizeof(uint32_t));
}

void cu_blocks_mark_tile(const tare_tensor *t, int64_t tile, uint8_t *map) {
    const tare_format *f = &t->format;
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    int64_t end = (tile + 1) * CU_SQUARE < t->n ? (tile + 1) * CU_SQUARE : t->n;
    int64_t columns = (t->k + f->block_c - 1) / f->block_c;
    for (int64_t br = tile * CU_SQUARE / f->block_r; br * f->block_r < end; br++)
        for (int64_t b = offsets[br]; b < offsets[br + 1]; b++) {
            int64_t from = (int64_t)format_index(t, columns, b) * f->block_c;
            int64_t to = from + f->block_c < t->k ? from + f->block_c : t->k;
            for (int64_t q = from / CU_SQUARE; q * CU_SQUARE < to; q++) map[q] = 1;
        }
}

static void store(const cu_blocks_shape *s, tare_type type, char *at, double v) {
    float f = (float)v;
    if (s->value_bytes == 2)
        tare_store(type, at, 0, f);
    else
        memcpy(at, &f, sizeof f);
}

/* The rows of a tile into its squares; place[q] counts from 1, 0 where there is none. */
static void put_tile(const tare_tensor *t, const cu_blocks_shape *s, int64_t tile,
                     const uint32_t *place, double *row, char *values) {
    for (int64_t i = tile * CU_SQUARE; i < (tile + 1) * CU_SQUARE && i < t->n; i++) {
        memset(row, 0, (size_t)t->k * sizeof *row);
        format_layout(&t->format)->decode_row(t, format_coding(&t->format), i, row);
        for (int64_t j = 0; j < t->k; j++) {
            uint32_t square = place[j / CU_SQUARE];
            int in = cu_square_find((int)(i % CU_SQUARE), (int)(j % CU_SQUARE));
            if (square)
                store(s, t->format.value,
                      values + ((size_t)(square - 1) * 256 + (size_t)in) * s->value_bytes, row[j]);
        }
    }
}

static void pack_with(const tare_tensor *t, const cu_blocks_shape *s, char *blob, double *row,
                      uint8_t *map, uint32_t *place, size_t *used) {
    uint32_t *offsets = (uint32_t *)(void *)blob, squares = 0;
    uint32_t *columns = (uint32_t *)(void *)(blob + s->columns_at);
    int64_t across = (t->k + CU_SQUARE - 1) / CU_SQUARE;
    char *values = blob + cu_blocks_values_at(s);
    for (int64_t tile = 0; tile < s->tiles; tile++) {
        memset(map, 0, (size_t)across);
        cu_blocks_mark_tile(t, tile, map);
        for (int64_t q = 0; q < across; q++) {
            place[q] = map[q] ? squares + 1 : 0;
            if (map[q]) columns[squares++] = (uint32_t)q;
        }
        put_tile(t, s, tile, place, row, values);
        offsets[tile + 1] = squares;
    }
    *used = cu_blocks_values_at(s) + (size_t)squares * 256 * s->value_bytes;
}

tare_status cu_blocks_pack(const tare_tensor *t, void *blob, size_t *used) {
    cu_blocks_shape s = cu_blocks_shape_of(&t->format, t->n, t->k, t->nnz);
    size_t across = (size_t)((t->k + CU_SQUARE - 1) / CU_SQUARE);
    double *row = tare_alloc((size_t)t->k * sizeof *row);
    uint8_t *map = tare_alloc(across);
    uint32_t *place = tare_alloc(across * sizeof *place);
    int ok = row && map && place;
    if (ok) pack_with(t, &s, blob, row, map, place, used);
    tare_free(row);
    tare_free(map);
    tare_free(place);
    if (!ok) TARE_FAIL(TARE_E_NOMEM, "pack: no memory for a row of %lld values", (long long)t->k);
    return TARE_OK;
}

void cu_blocks_decode_row(const tare_format *f, int64_t n, int64_t k, int64_t nnz, const void *blob,
                          int64_t row, float *out) {
    cu_blocks_shape s = cu_blocks_shape_of(f, n, k, nnz);
    const uint32_t *offsets = blob;
    const uint32_t *columns = (const uint32_t *)(const void *)((const char *)blob + s.columns_at);
    const char *values = (const char *)blob + cu_blocks_values_at(&s);
    memset(out, 0, (size_t)k * sizeof *out);
    for (uint32_t i = offsets[row / CU_SQUARE]; i < offsets[row / CU_SQUARE + 1]; i++)
        for (int c = 0; c < CU_SQUARE; c++) {
            int64_t column = (int64_t)columns[i] * CU_SQUARE + c;
            size_t at = (size_t)i * 256 + (size_t)cu_square_find((int)(row % CU_SQUARE), c);
            if (column < k)
                out[column] = tare_load(s.value_bytes == 2 ? f->value : TARE_F32, values, at);
        }
}
