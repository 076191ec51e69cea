/* Packing of 2:4 into the sparse tensor cores' fragments, and back. */
#include "cuda/layout/nm24_pack.h"

#include "src/format/format.h"

#include <string.h>

cu_nm24_shape cu_nm24_shape_of(const tare_format *f, int64_t n, int64_t k) {
    cu_nm24_shape s = {.quads = f->value == TARE_I8 ? 1 : 2,
                       .tiles = (n + CU_TILE_ROWS - 1) / CU_TILE_ROWS,
                       .units = (k + CU_NM24_UNIT - 1) / CU_NM24_UNIT};
    s.scales_at = (size_t)cu_nm24_piece(s.units, s.quads, s.tiles, 0, 0, 0) * 16;
    s.bytes =
        s.scales_at + (f->value == TARE_I8 ? (size_t)s.tiles * CU_TILE_ROWS * sizeof(float) : 0);
    return s;
}

static void or_places(char *word, int shift, uint32_t places) {
    uint32_t v;
    memcpy(&v, word, sizeof v);
    v |= places << shift;
    memcpy(word, &v, sizeof v);
}

typedef struct job {
    const cu_nm24_shape *s;
    const tare_tensor *t;
    char *blob;
} job;

static void pack_row(const job *j, int64_t row) {
    const cu_nm24_shape *s = j->s;
    const tare_tensor *t = j->t;
    size_t size = tare_type_bytes(t->format.value);
    int64_t kept = format_nm_values(&t->format, t->k);
    float *scales = (float *)(void *)(j->blob + s->scales_at);
    for (int64_t group = 0; group < s->units * CU_NM24_UNIT / 4; group++) {
        cu_nm24_at at = cu_nm24_find(s->units, s->quads, row, 4 * group);
        uint32_t first = 0, second = 1;
        if (row < t->n && 2 * group < kept) {
            first = (uint32_t)(format_nm_column(t, row, 2 * group) & 3);
            second = (uint32_t)(format_nm_column(t, row, 2 * group + 1) & 3);
            memcpy(j->blob + at.values,
                   (const char *)t->part[TARE_VALUES].data +
                       (size_t)(row * kept + 2 * group) * size,
                   2 * size);
        }
        or_places(j->blob + at.places, at.shift, first | second << 2);
    }
    if (t->format.value == TARE_I8 && row < t->n) scales[row] = format_scale(t, row, 0);
}

/* All that a tile's rows write is the tile's own. */
static void pack_tiles(void *ctx, int64_t from, int64_t to, int part) {
    (void)part;
    for (int64_t row = from * CU_TILE_ROWS; row < to * CU_TILE_ROWS; row++) pack_row(ctx, row);
}

void cu_nm24_pack(const tare_tensor *t, void *blob) {
    cu_nm24_shape s = cu_nm24_shape_of(&t->format, t->n, t->k);
    job j = {&s, t, blob};
    parallel_ranges(s.tiles, format_threads(t->n, t->k), pack_tiles, &j);
}

static float value_of(tare_type type, const char *at, float scale) {
    return type == TARE_I8 ? scale * (float)*(const int8_t *)at : tare_load(type, at, 0);
}

void cu_nm24_decode_row(const tare_format *f, int64_t n, int64_t k, const void *blob, int64_t row,
                        float *out) {
    cu_nm24_shape s = cu_nm24_shape_of(f, n, k);
    const float *scales = (const float *)(const void *)((const char *)blob + s.scales_at);
    float scale = f->value == TARE_I8 ? scales[row] : 1;
    memset(out, 0, (size_t)k * sizeof *out);
    for (int64_t group = 0; 4 * group < k; group++) {
        cu_nm24_at at = cu_nm24_find(s.units, s.quads, row, 4 * group);
        uint32_t places;
        memcpy(&places, (const char *)blob + at.places, sizeof places);
        for (int i = 0; i < 2; i++) {
            int64_t column = 4 * group + (places >> (at.shift + 2 * i) & 3);
            const char *v = (const char *)blob + at.values + (size_t)i * tare_type_bytes(f->value);
            if (column < k) out[column] = value_of(f->value, v, scale);
        }
    }
}
