/* Packing of block-sparse weights for cuSPARSE. */
#include "cuda/layout/bell.h"

#include "src/format/format.h"

#include <string.h>

enum { ALIGN = 256 };

static size_t up(size_t v) {
    return (v + ALIGN - 1) / ALIGN * ALIGN;
}

cu_bell_shape cu_bell_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz) {
    int64_t side = f->block_r;
    cu_bell_shape s = {.side = side,
                       .block_rows = (n + side - 1) / side,
                       .block_columns = (k + side - 1) / side,
                       .blocks = nnz / (side * side),
                       .value_bytes = tare_type_bytes(f->value)};
    s.offsets_at = ALIGN;
    s.columns_at = s.offsets_at + up((size_t)(s.block_rows + 1) * sizeof(int32_t));
    s.values_at = s.columns_at + up((size_t)s.blocks * sizeof(int32_t));
    s.end = s.values_at + up((size_t)nnz * s.value_bytes);
    return s;
}

int64_t cu_bell_most_width(const cu_bell_shape *s) {
    int64_t most = 2 * s->blocks / s->block_rows;
    return most < s->block_columns ? most : s->block_columns;
}

size_t cu_bell_ell_values_at(const cu_bell_shape *s, int64_t width) {
    return up((size_t)(s->block_rows * width) * sizeof(int32_t));
}

size_t cu_bell_ell_bytes(const cu_bell_shape *s, int64_t width) {
    return cu_bell_ell_values_at(s, width) +
           up((size_t)(s->block_rows * width * s->side * s->side) * s->value_bytes);
}

static int64_t width_of(const tare_tensor *t, const cu_bell_shape *s) {
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    int64_t longest = 0;
    for (int64_t i = 0; i < s->block_rows; i++)
        if (offsets[i + 1] - offsets[i] > longest) longest = offsets[i + 1] - offsets[i];
    return longest <= cu_bell_most_width(s) ? longest : 0;
}

static void pack_bsr(const tare_tensor *t, const cu_bell_shape *s, char *blob) {
    int32_t *columns = (int32_t *)(void *)(blob + s->columns_at);
    memcpy(blob + s->offsets_at, t->part[TARE_OFFSETS].data,
           (size_t)(s->block_rows + 1) * sizeof(int32_t));
    for (int64_t b = 0; b < s->blocks; b++)
        columns[b] = (int32_t)format_index(t, s->block_columns, b);
    memcpy(blob + s->values_at, t->part[TARE_VALUES].data, t->part[TARE_VALUES].bytes);
}

static void pack_ell(const tare_tensor *t, const cu_bell_shape *s, int64_t width, char *ell) {
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    const char *from = t->part[TARE_VALUES].data;
    int32_t *columns = (int32_t *)(void *)ell;
    char *values = ell + cu_bell_ell_values_at(s, width);
    size_t run = (size_t)s->side * s->value_bytes; /* a row of a block */
    for (int64_t row = 0; row < s->block_rows; row++)
        for (int64_t j = 0; j < width; j++) {
            int64_t b = offsets[row] + j, r = 0;
            int there = b < offsets[row + 1];
            columns[row * width + j] = there ? (int32_t)format_index(t, s->block_columns, b) : -1;
            for (; there && r < s->side; r++)
                memcpy(values + (size_t)((row * s->side + r) * width + j) * run,
                       from + (size_t)(b * s->side + r) * run, run);
        }
}

int64_t cu_bell_pack(const tare_tensor *t, int with_ell, void *blob, size_t *used) {
    cu_bell_shape s = cu_bell_shape_of(&t->format, t->n, t->k, t->nnz);
    int64_t width = with_ell ? width_of(t, &s) : 0;
    int32_t head = (int32_t)width;
    memcpy(blob, &head, sizeof head);
    pack_bsr(t, &s, blob);
    if (width) pack_ell(t, &s, width, (char *)blob + s.end);
    *used = s.end + (width ? cu_bell_ell_bytes(&s, width) : 0);
    return width;
}
