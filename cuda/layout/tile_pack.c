/* Packing of tiles, and back. */
#include "cuda/layout/tile_pack.h"

#include "src/format/format.h"

#include <string.h>

static int bits_of(tare_type t) {
    return t == TARE_F32 ? 32 : t == TARE_I8 || t == TARE_F8 ? 8 : t == TARE_I4 ? 4 : 16;
}

cu_tile_shape cu_tile_shape_of(const tare_format *f, int64_t n, int64_t k) {
    cu_tile_shape s = {.bits = bits_of(f->value)};
    int grouped = f->scaling == TARE_SCALE_GROUP;
    s.tiles = (n + CU_TILE_ROWS - 1) / CU_TILE_ROWS;
    s.chunks = (k + CU_TILE_CHUNK - 1) / CU_TILE_CHUNK;
    s.groups = format_groups(f, k);
    s.flush = grouped ? f->group / CU_TILE_STEP : 0;
    s.heads = (f->scaling ? CU_HAS_SCALES : 0) | (f->zero_points ? CU_HAS_ZEROS : 0);
    size_t lanes = (size_t)(s.tiles * s.chunks) * 32, pairs = (size_t)(s.tiles * s.groups) * 8;
    s.scales_at = lanes * (size_t)s.bits * 4;
    s.zeros_at = s.scales_at + (grouped      ? pairs * 4
                                : f->scaling ? (size_t)s.tiles * CU_TILE_ROWS * 4
                                             : 0);
    s.bytes = s.zeros_at + (f->zero_points ? pairs * 2 : 0);
    return s;
}

/* The stored bits of a row's element, those of integers as unsigned. */
static uint32_t bits_at(const tare_tensor *t, int64_t row, int64_t column) {
    const char *v = t->part[TARE_VALUES].data;
    size_t at = (size_t)(row * t->k + column);
    uint32_t word;
    uint16_t half;
    switch (t->format.value) {
    case TARE_F32:
        memcpy(&word, v + at * 4, 4);
        return word;
    case TARE_I8:
        return (uint32_t)(((const int8_t *)v)[at] + 128);
    case TARE_F8:
        return ((const uint8_t *)v)[at];
    case TARE_I4:
        v += row * TARE_I4_ROW_BYTES(t->k);
        return TARE_I4_GET(((const uint8_t *)v)[column / 2], column);
    default:
        memcpy(&half, v + at * 2, 2);
        return half;
    }
}

typedef struct job {
    const cu_tile_shape *s;
    const tare_tensor *t;
    char *blob;
} job;

static void pack_heads(const job *j, int64_t row) {
    const cu_tile_shape *s = j->s;
    const tare_tensor *t = j->t;
    int grouped = t->format.scaling == TARE_SCALE_GROUP;
    int offset = t->format.value == TARE_I8 ? 128 : 0;
    uint16_t *pairs = (uint16_t *)(void *)(j->blob + s->scales_at);
    float *scale = (float *)(void *)(j->blob + s->scales_at);
    uint16_t *zeros = (uint16_t *)(void *)(j->blob + s->zeros_at);
    for (int64_t g = 0; g < s->groups; g++) {
        int64_t at = cu_tile_head(s->groups, row / CU_TILE_ROWS, g, (int)(row % 8));
        int high = row % CU_TILE_ROWS >= 8;
        if (grouped)
            memcpy(&pairs[2 * at + high],
                   (const char *)t->part[TARE_SCALES].data + (row * s->groups + g) * 2, 2);
        else if (s->heads & CU_HAS_SCALES)
            scale[row] = format_scale(t, row, 0);
        if (s->heads & CU_HAS_ZEROS)
            zeros[at] =
                (uint16_t)(zeros[at] | (unsigned)(format_zero(t, row, g) + offset) << 8 * high);
    }
}

/* All that a tile's rows write is the tile's own. */
static void pack_tiles(void *ctx, int64_t from, int64_t to, int part) {
    const job *j = ctx;
    const tare_tensor *t = j->t;
    uint32_t *words = (uint32_t *)(void *)j->blob;
    int64_t end = to * CU_TILE_ROWS < t->n ? to * CU_TILE_ROWS : t->n;
    (void)part;
    for (int64_t row = from * CU_TILE_ROWS; row < end; row++) {
        for (int64_t k = 0; k < t->k; k++) {
            cu_tile_at at = cu_tile_find(j->s->chunks, j->s->bits, row, k);
            words[at.word] |= bits_at(t, row, k) << at.shift;
        }
        pack_heads(j, row);
    }
}

void cu_tile_pack(const tare_tensor *t, void *blob) {
    cu_tile_shape s = cu_tile_shape_of(&t->format, t->n, t->k);
    job j = {&s, t, blob};
    parallel_ranges(s.tiles, format_threads(t->n, t->k), pack_tiles, &j);
}

static float scale_of(const cu_tile_shape *s, const char *blob, int64_t row, int64_t group) {
    int64_t at = cu_tile_head(s->groups, row / CU_TILE_ROWS, group, (int)(row % 8));
    if (!(s->heads & CU_HAS_SCALES)) return 1;
    if (!s->flush) return ((const float *)(const void *)(blob + s->scales_at))[row];
    uint32_t pair = ((const uint32_t *)(const void *)(blob + s->scales_at))[at];
    return tare_f16_to_f32((uint16_t)(row % CU_TILE_ROWS >= 8 ? pair >> 16 : pair));
}

static int zero_of(const cu_tile_shape *s, const char *blob, int64_t row, int64_t group) {
    int64_t at = cu_tile_head(s->groups, row / CU_TILE_ROWS, group, (int)(row % 8));
    if (!(s->heads & CU_HAS_ZEROS)) return s->bits == 4 ? TARE_I4_ZERO : 128;
    unsigned pair = ((const uint16_t *)(const void *)(blob + s->zeros_at))[at];
    return (int)(row % CU_TILE_ROWS >= 8 ? pair >> 8 : pair & 255);
}

void cu_tile_decode_row(const tare_format *f, int64_t n, int64_t k, const void *blob, int64_t row,
                        float *out) {
    cu_tile_shape s = cu_tile_shape_of(f, n, k);
    for (int64_t j = 0; j < k; j++) {
        cu_tile_at at = cu_tile_find(s.chunks, s.bits, row, j);
        uint32_t v = ((const uint32_t *)blob)[at.word] >> at.shift;
        int64_t group = s.flush ? j / CU_TILE_STEP / s.flush : 0;
        if (f->value == TARE_F32)
            memcpy(&out[j], &v, 4);
        else if (f->value == TARE_F16)
            out[j] = tare_f16_to_f32((uint16_t)v);
        else if (f->value == TARE_BF16)
            out[j] = tare_bf16_to_f32((uint16_t)v);
        else if (f->value == TARE_F8)
            out[j] = scale_of(&s, blob, row, group) * tare_f8_to_f32((uint8_t)v);
        else
            out[j] = scale_of(&s, blob, row, group) *
                     (float)((int)(v & ((1u << s.bits) - 1)) - zero_of(&s, blob, row, group));
    }
}
