/* One row of a canonical int8 or int4 tensor as dense unsigned codes, whatever its layout. */
#include "cpu/i8pack.h"
#include "src/format/format.h"

#include <string.h>

static uint8_t biased(const tare_tensor *t, int64_t i) {
    return ((const uint8_t *)t->part[TARE_VALUES].data)[i] ^ I8_BIAS; /* int8 + 128 */
}

static void dense_row(const tare_tensor *t, int64_t row, uint8_t *u) {
    if (t->format.value == TARE_I4) {
        const uint8_t *v = t->part[TARE_VALUES].data;
        v += row * TARE_I4_ROW_BYTES(t->k);
        for (int64_t k = 0; k < t->k; k++) u[k] = (uint8_t)TARE_I4_GET(v[k / 2], k);
        return;
    }
    for (int64_t k = 0; k < t->k; k++) u[k] = biased(t, row * t->k + k);
}

static void nm_row(const tare_tensor *t, int64_t row, uint8_t *u) {
    int64_t values = format_nm_values(&t->format, t->k);
    for (int64_t i = 0; i < values; i++) {
        int64_t col = format_nm_column(t, row, i);
        if (col < t->k) u[col] = biased(t, row * values + i);
    }
}

static void csr_row(const tare_tensor *t, int64_t row, uint8_t *u) {
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    for (int64_t i = offsets[row]; i < offsets[row + 1]; i++)
        u[format_index(t, t->k, i)] = biased(t, i);
}

static void bitmap_row(const tare_tensor *t, int64_t row, uint8_t *u) {
    int64_t words = TARE_BITMAP_WORDS(t->k);
    const uint64_t *mask = (const uint64_t *)t->part[TARE_INDICES].data + row * words;
    int64_t at = ((const uint32_t *)t->part[TARE_OFFSETS].data)[row];
    for (int64_t w = 0; w < words; w++)
        for (uint64_t m = mask[w]; m; m &= m - 1) u[w * 64 + __builtin_ctzll(m)] = biased(t, at++);
}

static void block_row(const tare_tensor *t, int64_t row, uint8_t *u) {
    const tare_format *f = &t->format;
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    int64_t br = row / f->block_r, columns = cpu_ceil_div(t->k, f->block_c);
    for (int64_t b = offsets[br]; b < offsets[br + 1]; b++) {
        int64_t col = (int64_t)format_index(t, columns, b) * f->block_c;
        int64_t at = (b * f->block_r + row % f->block_r) * f->block_c;
        for (int64_t i = 0; i < f->block_c && col + i < t->k; i++) u[col + i] = biased(t, at + i);
    }
}

void i8_row_codes(const tare_tensor *t, int64_t row, uint8_t *u) {
    if (t->format.layout != TARE_DENSE) memset(u, I8_BIAS, (size_t)t->k);
    switch (t->format.layout) {
    case TARE_DENSE:
        dense_row(t, row, u);
        break;
    case TARE_NM:
        nm_row(t, row, u);
        break;
    case TARE_CSR:
        csr_row(t, row, u);
        break;
    case TARE_BLOCK:
        block_row(t, row, u);
        break;
    case TARE_BITMAP:
        bitmap_row(t, row, u);
        break;
    }
}

int32_t i8_zero_of(const tare_tensor *t, int64_t row, int64_t g) {
    return format_zero(t, row, g) + (t->format.value == TARE_I4 ? 0 : I8_BIAS);
}
