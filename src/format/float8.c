/* f8 values: e4m3, scaled so that the largest magnitude of a row (or of all) becomes 448. */
#include "src/format/quant.h"

static const quant_range range = {-448, 448, 448};

static int value_bytes(const tare_tensor *t, size_t *bytes) {
    *bytes = (size_t)t->nnz;
    return 1;
}

static tare_status scale(tare_tensor *t, const float *w) {
    return quant_scales(t, w, range);
}

static tare_status put(tare_tensor *t, int64_t row, int64_t col, const float *v, int64_t count,
                       int64_t at) {
    uint8_t *q = (uint8_t *)t->part[TARE_VALUES].data + at;
    (void)col;
    if (count == 0) return TARE_OK;
    float s = format_scale(t, row, 0);
    for (int64_t i = 0; i < count; i++) q[i] = tare_f32_to_f8(v[i] / s);
    return TARE_OK;
}

static void get(const tare_tensor *t, int64_t row, int64_t col, int64_t count, int64_t at,
                double *out) {
    const uint8_t *q = (const uint8_t *)t->part[TARE_VALUES].data + at;
    double s = format_scale(t, row, 0);
    (void)col;
    for (int64_t i = 0; i < count; i++) out[i] = s * (double)tare_f8_to_f32(q[i]);
}

static tare_status validate(const tare_tensor *t) {
    const uint8_t *q = t->part[TARE_VALUES].data;
    for (int64_t i = 0; i < t->nnz; i++)
        if ((q[i] & 0x7f) == 0x7f)
            TARE_FAIL(TARE_E_FORMAT, "tensor: value %lld is NaN", (long long)i);
    return quant_validate(t, range);
}

const coding coding_f8 = {TARE_F8, value_bytes, scale, put, get, validate};
