/* f32, f16 and bf16 values: rounded to nearest even, no scales. */
#include "src/format/format.h"

#include <math.h>
#include <string.h>

static int value_bytes(const tare_tensor *t, size_t *bytes) {
    return tare_mul_size((size_t)t->nnz, tare_type_bytes(t->format.value), bytes);
}

static tare_status too_large(const tare_tensor *t, int64_t row, float v) {
    TARE_FAIL(TARE_E_VALUE, "weights: %g in row %lld is too large for %s", (double)v,
              (long long)row, tare_type_name(t->format.value));
}

static tare_status put(tare_tensor *t, int64_t row, int64_t col, const float *v, int64_t count,
                       int64_t at) {
    void *values = t->part[TARE_VALUES].data;
    (void)col;
    if (count == 0) return TARE_OK; /* a tensor of zeros has no values part to copy into */
    if (t->format.value == TARE_F32) {
        memcpy((float *)values + at, v, (size_t)count * sizeof *v);
        return TARE_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        tare_store(t->format.value, values, (size_t)(at + i), v[i]);
        if (!isfinite(tare_load(t->format.value, values, (size_t)(at + i))))
            return too_large(t, row, v[i]);
    }
    return TARE_OK;
}

static void get(const tare_tensor *t, int64_t row, int64_t col, int64_t count, int64_t at,
                double *out) {
    (void)row, (void)col;
    for (int64_t i = 0; i < count; i++)
        out[i] = tare_load(t->format.value, t->part[TARE_VALUES].data, (size_t)(at + i));
}

static tare_status validate(const tare_tensor *t) {
    for (int64_t i = 0; i < t->nnz; i++)
        if (!isfinite(tare_load(t->format.value, t->part[TARE_VALUES].data, (size_t)i)))
            TARE_FAIL(TARE_E_FORMAT, "tensor: value %lld is not finite", (long long)i);
    return TARE_OK;
}

const coding coding_f32 = {TARE_F32, value_bytes, NULL, put, get, validate};
const coding coding_f16 = {TARE_F16, value_bytes, NULL, put, get, validate};
const coding coding_bf16 = {TARE_BF16, value_bytes, NULL, put, get, validate};
