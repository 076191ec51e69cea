/* i8 values: -127..127 without zero points, -128..127 with. */
#include "src/format/quant.h"

static const quant_range range = {-128, 127, 127};

static int value_bytes(const tare_tensor *t, size_t *bytes) {
    *bytes = (size_t)t->nnz;
    return 1;
}

static tare_status scale(tare_tensor *t, const float *w) {
    return quant_scales(t, w, range);
}

static int64_t group_width(const tare_tensor *t) {
    return t->format.scaling == TARE_SCALE_GROUP ? t->format.group : INT64_MAX;
}

static tare_status put(tare_tensor *t, int64_t row, int64_t col, const float *v, int64_t count,
                       int64_t at) {
    int8_t *q = (int8_t *)t->part[TARE_VALUES].data + at;
    int low = t->format.zero_points ? range.low : -range.limit;
    int64_t width = group_width(t);
    for (int64_t i = 0; i < count;) {
        int64_t g = (col + i) / width, left = width - (col + i) % width;
        int64_t end = left < count - i ? i + left : count;
        float s = format_scale(t, row, g);
        int z = format_zero(t, row, g);
        for (; i < end; i++) q[i] = (int8_t)quant_value(v[i], s, z, low, range.high);
    }
    return TARE_OK;
}

static void get(const tare_tensor *t, int64_t row, int64_t col, int64_t count, int64_t at,
                double *out) {
    const int8_t *q = (const int8_t *)t->part[TARE_VALUES].data + at;
    int64_t width = group_width(t);
    for (int64_t i = 0; i < count; i++) {
        int64_t g = (col + i) / width;
        out[i] = (double)format_scale(t, row, g) * (q[i] - format_zero(t, row, g));
    }
}

static tare_status validate(const tare_tensor *t) {
    const int8_t *q = t->part[TARE_VALUES].data;
    if (!t->format.zero_points)
        for (int64_t i = 0; i < t->nnz; i++)
            if (q[i] == -128)
                TARE_FAIL(TARE_E_FORMAT, "tensor: value %lld is -128 in a symmetric format",
                          (long long)i);
    return quant_validate(t, range);
}

const coding coding_i8 = {TARE_I8, value_bytes, scale, put, get, validate};
