/* Packing of bitmaps, and back. */
#include "cuda/layout/bitmap_pack.h"

#include "cuda/small.h"
#include "src/format/format.h"

#include <string.h>

cu_bitmap_shape cu_bitmap_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz) {
    cu_bitmap_shape s = {.tiles = (n + CU_TILE_ROWS - 1) / CU_TILE_ROWS,
                         .chunks = (k + CU_TILE_CHUNK - 1) / CU_TILE_CHUNK,
                         .value_bytes = tare_type_bytes(f->value)};
    size_t all = (size_t)(s.tiles * s.chunks), rows = (size_t)s.tiles * CU_TILE_ROWS;
    s.offsets_at = all * 32 * sizeof(uint32_t);
    s.scales_at = s.offsets_at + (size_t)s.tiles * (size_t)(s.chunks + 1) * sizeof(uint32_t);
    s.values_at = cu_up16(s.scales_at + (f->value == TARE_I8 ? rows * sizeof(float) : 0));
    /* Padding of a chunk: no more than a piece, and none where it holds nothing. */
    size_t padded = (size_t)nnz < all ? (size_t)nnz : all;
    s.most = s.values_at + cu_up16((size_t)nnz * s.value_bytes) + padded * CU_BITMAP_PIECE;
    return s;
}

static void set_bit(const cu_bitmap_shape *s, uint32_t *masks, int64_t row, int64_t column) {
    cu_bitmap_at at = cu_bitmap_find(s->chunks, row, column);
    masks[at.mask] |= 1u << at.bit;
}

static void put_masks(const tare_tensor *t, const cu_bitmap_shape *s, uint32_t *masks) {
    const uint64_t *words = t->part[TARE_INDICES].data;
    int64_t values = t->format.layout == TARE_NM ? format_nm_values(&t->format, t->k) : 0;
    for (int64_t row = 0; row < t->n; row++) {
        for (int64_t i = 0; i < values; i++) {
            int64_t column = format_nm_column(t, row, i);
            if (column < t->k) set_bit(s, masks, row, column); /* what lies past the end is 0 */
        }
        for (int64_t k = 0; !values && k < t->k; k++)
            if (TARE_BITMAP_GET(words + row * TARE_BITMAP_WORDS(t->k), k))
                set_bit(s, masks, row, k);
    }
}

/* Which of the tensor's values stands at a position that holds one. */
static size_t bitmap_index(const tare_tensor *t, int64_t row, int64_t column) {
    const uint64_t *words =
        (const uint64_t *)t->part[TARE_INDICES].data + row * TARE_BITMAP_WORDS(t->k);
    size_t at = ((const uint32_t *)t->part[TARE_OFFSETS].data)[row];
    for (int64_t w = 0; w < column / 64; w++) at += (size_t)__builtin_popcountll(words[w]);
    return at +
           (size_t)__builtin_popcountll(words[column / 64] & (((uint64_t)1 << column % 64) - 1));
}

static size_t nm_index(const tare_tensor *t, int64_t row, int64_t column) {
    const tare_format *f = &t->format;
    int64_t i = column / f->nm_m * f->nm_n;
    while (format_nm_column(t, row, i) != column) i++;
    return (size_t)(row * format_nm_values(f, t->k) + i);
}

static char *put_chunk(const tare_tensor *t, const cu_bitmap_shape *s, const uint32_t *masks,
                       int64_t tile, int64_t chunk, char *out) {
    const char *values = t->part[TARE_VALUES].data;
    for (int lane = 0; lane < 32; lane++)
        for (int bit = 0; bit < 32; bit++) {
            if (!(masks[(tile * s->chunks + chunk) * 32 + lane] >> bit & 1)) continue;
            int64_t row = tile * CU_TILE_ROWS + cu_bitmap_row(lane, bit);
            int64_t column = chunk * CU_TILE_CHUNK + cu_bitmap_column(lane, bit);
            size_t i = t->format.layout == TARE_NM ? nm_index(t, row, column)
                                                   : bitmap_index(t, row, column);
            memcpy(out, values + i * s->value_bytes, s->value_bytes);
            out += s->value_bytes;
        }
    return out;
}

size_t cu_bitmap_pack(const tare_tensor *t, void *blob) {
    cu_bitmap_shape s = cu_bitmap_shape_of(&t->format, t->n, t->k, t->nnz);
    uint32_t *masks = blob, *offsets = (uint32_t *)(void *)((char *)blob + s.offsets_at);
    float *scales = (float *)(void *)((char *)blob + s.scales_at);
    char *values = (char *)blob + s.values_at;
    size_t at = 0;
    put_masks(t, &s, masks);
    for (int64_t tile = 0; tile < s.tiles; tile++) {
        uint32_t *o = offsets + tile * (s.chunks + 1);
        for (int64_t chunk = 0; chunk < s.chunks; chunk++) {
            o[chunk] = (uint32_t)(at / CU_BITMAP_PIECE);
            at = cu_up16((size_t)(put_chunk(t, &s, masks, tile, chunk, values + at) - values));
        }
        o[s.chunks] = (uint32_t)(at / CU_BITMAP_PIECE);
    }
    for (int64_t row = 0; t->format.value == TARE_I8 && row < t->n; row++)
        scales[row] = format_scale(t, row, 0);
    return s.values_at + at;
}

static float value_of(tare_type type, const char *at, float scale) {
    return type == TARE_I8 ? scale * (float)*(const int8_t *)at : tare_load(type, at, 0);
}

void cu_bitmap_decode_row(const tare_format *f, int64_t n, int64_t k, int64_t nnz, const void *blob,
                          int64_t row, float *out) {
    cu_bitmap_shape s = cu_bitmap_shape_of(f, n, k, nnz);
    const uint32_t *masks = blob;
    const uint32_t *offsets = (const uint32_t *)(const void *)((const char *)blob + s.offsets_at);
    const float *scales = (const float *)(const void *)((const char *)blob + s.scales_at);
    int64_t tile = row / CU_TILE_ROWS;
    for (int64_t j = 0; j < k; j++) {
        cu_bitmap_at at = cu_bitmap_find(s.chunks, row, j);
        int64_t chunk = j / CU_TILE_CHUNK;
        size_t skip = 0;
        out[j] = 0;
        if (!(masks[at.mask] >> at.bit & 1)) continue;
        for (int64_t m = at.mask / 32 * 32; m < at.mask; m++)
            skip += (size_t)__builtin_popcount(masks[m]);
        skip += (size_t)__builtin_popcount(masks[at.mask] & ((1u << at.bit) - 1));
        const char *v = (const char *)blob + s.values_at +
                        (size_t)offsets[tile * (s.chunks + 1) + chunk] * CU_BITMAP_PIECE;
        out[j] =
            value_of(f->value, v + skip * s.value_bytes, f->value == TARE_I8 ? scales[row] : 1);
    }
}
