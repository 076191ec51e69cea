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

/* ---- packing: masks of each tile and how many values its chunks have; where each chunk begins;
 * values. A tile's masks, offsets and values are its own. ---- */

typedef struct job {
    const cu_bitmap_shape *s;
    const tare_tensor *t;
    uint32_t *masks, *offsets;
    float *scales;
    char *values;
} job;

static void nm_masks(const job *j, int64_t row) {
    int64_t values = format_nm_values(&j->t->format, j->t->k);
    for (int64_t i = 0; i < values; i++) {
        int64_t column = format_nm_column(j->t, row, i);
        if (column >= j->t->k) continue; /* what lies past the end is 0 */
        cu_bitmap_at at = cu_bitmap_find(j->s->chunks, row, column);
        j->masks[at.mask] |= 1u << at.bit;
    }
}

/* A row's chunk is a word of the format's bitmap. */
static uint64_t word_of(const tare_tensor *t, int64_t row, int64_t chunk) {
    uint64_t word =
        ((const uint64_t *)t->part[TARE_INDICES].data)[row * TARE_BITMAP_WORDS(t->k) + chunk];
    int64_t left = t->k - chunk * CU_TILE_CHUNK;
    return left < CU_TILE_CHUNK ? word & (((uint64_t)1 << left) - 1) : word;
}

/* Eight neighbours of a row are neighbours in a mask. */
static void bitmap_masks(const job *j, int64_t row) {
    for (int64_t chunk = 0; chunk < j->s->chunks; chunk++) {
        uint64_t word = word_of(j->t, row, chunk);
        for (int b = 0; b < CU_TILE_CHUNK; b += 8) {
            cu_bitmap_at at = cu_bitmap_find(j->s->chunks, row, chunk * CU_TILE_CHUNK + b);
            j->masks[at.mask] |= (uint32_t)(word >> b & 0xff) << at.bit;
        }
    }
}

/* Offsets from the tile's first chunk on, in pieces. */
static void count_tile(const job *j, int64_t tile) {
    const uint32_t *mask = j->masks + tile * j->s->chunks * 32;
    uint32_t *o = j->offsets + tile * (j->s->chunks + 1);
    for (int64_t chunk = 0; chunk < j->s->chunks; chunk++) {
        size_t count = 0;
        for (int lane = 0; lane < 32; lane++) count += (size_t)__builtin_popcount(*mask++);
        o[chunk + 1] = o[chunk] + (uint32_t)(cu_up16(count * j->s->value_bytes) / CU_BITMAP_PIECE);
    }
}

static void mark_tiles(void *ctx, int64_t from, int64_t to, int part) {
    const job *j = ctx;
    (void)part;
    for (int64_t tile = from; tile < to; tile++) {
        for (int64_t row = tile * CU_TILE_ROWS; row < (tile + 1) * CU_TILE_ROWS; row++) {
            if (row >= j->t->n) break;
            if (j->t->format.layout == TARE_NM)
                nm_masks(j, row);
            else
                bitmap_masks(j, row);
            if (j->t->format.value == TARE_I8) j->scales[row] = format_scale(j->t, row, 0);
        }
        count_tile(j, tile);
    }
}

/* Gives how many pieces there are. */
static uint32_t join_tiles(const job *j) {
    uint32_t base = 0;
    for (int64_t tile = 0; tile < j->s->tiles; tile++) {
        uint32_t *o = j->offsets + tile * (j->s->chunks + 1), end = base + o[j->s->chunks];
        for (int64_t chunk = 0; chunk <= j->s->chunks; chunk++) o[chunk] += base;
        base = end;
    }
    return base;
}

/* Which of the tensor's values stands at a position that holds one; before: how many of the row's
 * stand left of the chunk. */
static size_t bitmap_index(const tare_tensor *t, int64_t row, int64_t column, size_t before) {
    uint64_t left =
        word_of(t, row, column / CU_TILE_CHUNK) & (((uint64_t)1 << column % CU_TILE_CHUNK) - 1);
    return ((const uint32_t *)t->part[TARE_OFFSETS].data)[row] + before +
           (size_t)__builtin_popcountll(left);
}

static size_t nm_index(const tare_tensor *t, int64_t row, int64_t column) {
    const tare_format *f = &t->format;
    int64_t i = column / f->nm_m * f->nm_n;
    while (format_nm_column(t, row, i) != column) i++;
    return (size_t)(row * format_nm_values(f, t->k) + i);
}

static void put_chunk(const job *j, int64_t tile, int64_t chunk, const size_t *before, char *out) {
    const tare_tensor *t = j->t;
    const char *values = t->part[TARE_VALUES].data;
    const uint32_t *mask = j->masks + (tile * j->s->chunks + chunk) * 32;
    size_t bytes = j->s->value_bytes;
    for (int lane = 0; lane < 32; lane++)
        for (uint32_t left = mask[lane]; left; left &= left - 1, out += bytes) {
            int bit = __builtin_ctz(left), in = cu_bitmap_row(lane, bit);
            int64_t row = tile * CU_TILE_ROWS + in;
            int64_t column = chunk * CU_TILE_CHUNK + cu_bitmap_column(lane, bit);
            size_t i = t->format.layout == TARE_NM ? nm_index(t, row, column)
                                                   : bitmap_index(t, row, column, before[in]);
            memcpy(out, values + i * bytes, bytes);
        }
}

static void put_tiles(void *ctx, int64_t from, int64_t to, int part) {
    const job *j = ctx;
    int bitmap = j->t->format.layout != TARE_NM;
    (void)part;
    for (int64_t tile = from; tile < to; tile++) {
        const uint32_t *o = j->offsets + tile * (j->s->chunks + 1);
        size_t before[CU_TILE_ROWS] = {0};
        for (int64_t chunk = 0; chunk < j->s->chunks; chunk++) {
            put_chunk(j, tile, chunk, before, j->values + (size_t)o[chunk] * CU_BITMAP_PIECE);
            for (int in = 0; bitmap && in < CU_TILE_ROWS; in++)
                if (tile * CU_TILE_ROWS + in < j->t->n)
                    before[in] += (size_t)__builtin_popcountll(
                        word_of(j->t, tile * CU_TILE_ROWS + in, chunk));
        }
    }
}

size_t cu_bitmap_pack(const tare_tensor *t, void *blob) {
    cu_bitmap_shape s = cu_bitmap_shape_of(&t->format, t->n, t->k, t->nnz);
    int threads = format_threads(t->n, t->k);
    char *bytes = blob;
    job j = {.s = &s,
             .t = t,
             .masks = blob,
             .offsets = (uint32_t *)(void *)(bytes + s.offsets_at),
             .scales = (float *)(void *)(bytes + s.scales_at),
             .values = bytes + s.values_at};
    parallel_ranges(s.tiles, threads, mark_tiles, &j);
    uint32_t pieces = join_tiles(&j);
    parallel_ranges(s.tiles, threads, put_tiles, &j);
    return s.values_at + (size_t)pieces * CU_BITMAP_PIECE;
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
