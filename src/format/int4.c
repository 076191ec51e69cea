/* i4 values, dense only: nibbles 0..15, two a byte along k; symmetric ones hold q + 8, |q| <= 7. */
#include "src/format/quant.h"

static const quant_range range = {0, 15, 7};

static int value_bytes(const tare_tensor *t, size_t *bytes) {
    return tare_mul_size((size_t)t->n, (size_t)TARE_I4_ROW_BYTES(t->k), bytes);
}

static tare_status scale(tare_tensor *t, const float *w) {
    return quant_scales(t, w, range);
}

/* Runs are whole rows: `at` and `col` say nothing that `row` does not. */
static tare_status put(tare_tensor *t, int64_t row, int64_t col, const float *v, int64_t count,
                       int64_t at) {
    uint8_t *out = (uint8_t *)t->part[TARE_VALUES].data + row * TARE_I4_ROW_BYTES(t->k);
    int low = t->format.zero_points ? 0 : 1;
    (void)col, (void)at;
    for (int64_t j = 0; j < count; j += 2) {
        int64_t g = j / t->format.group;
        float s = format_scale(t, row, g);
        int z = format_zero(t, row, g); /* groups are even, so both nibbles share it */
        int even = quant_value(v[j], s, z, low, 15);
        int odd = j + 1 < count ? quant_value(v[j + 1], s, z, low, 15) : z;
        out[j / 2] = TARE_I4_PUT((unsigned)even, (unsigned)odd);
    }
    return TARE_OK;
}

static void get(const tare_tensor *t, int64_t row, int64_t col, int64_t count, int64_t at,
                double *out) {
    const uint8_t *in = (const uint8_t *)t->part[TARE_VALUES].data + row * TARE_I4_ROW_BYTES(t->k);
    (void)col, (void)at;
    for (int64_t j = 0; j < count; j++) {
        int64_t g = j / t->format.group;
        int q = (int)TARE_I4_GET(in[j / 2], j);
        out[j] = (double)format_scale(t, row, g) * (q - format_zero(t, row, g));
    }
}

static tare_status check_row(const tare_tensor *t, int64_t row) {
    const uint8_t *in = (const uint8_t *)t->part[TARE_VALUES].data + row * TARE_I4_ROW_BYTES(t->k);
    if (!t->format.zero_points)
        for (int64_t j = 0; j < t->k; j++)
            if (TARE_I4_GET(in[j / 2], j) == 0)
                TARE_FAIL(TARE_E_FORMAT,
                          "tensor: row %lld, column %lld is -8 in a symmetric format",
                          (long long)row, (long long)j);
    if (t->k % 2 && (int)(in[t->k / 2] >> 4) != format_zero(t, row, (t->k - 1) / t->format.group))
        TARE_FAIL(TARE_E_FORMAT, "tensor: the last nibble of row %lld is not its zero",
                  (long long)row);
    return TARE_OK;
}

static tare_status validate(const tare_tensor *t) {
    TARE_TRY(quant_validate(t, range));
    for (int64_t i = 0; i < t->n; i++) TARE_TRY(check_row(t, i));
    return TARE_OK;
}

const coding coding_i4 = {TARE_I4, value_bytes, scale, put, get, validate};
