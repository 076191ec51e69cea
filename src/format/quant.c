#include "src/format/quant.h"

#include <math.h>

typedef struct span { /* the values that share a scale */
    int64_t row, col, rows, cols;
} span;

static void extremes(const float *w, int64_t k, span s, float *low, float *high) {
    *low = *high = 0;
    for (int64_t i = s.row; i < s.row + s.rows; i++)
        for (int64_t j = s.col; j < s.col + s.cols; j++) {
            float v = w[i * k + j];
            *low = v < *low ? v : *low;
            *high = v > *high ? v : *high;
        }
}

/* The least f16 at or above s. */
static uint16_t f16_above(float s) {
    uint16_t h = tare_f32_to_f16(s);
    if (tare_f16_to_f32(h) < s) h++;
    return h ? h : 1;
}

/* Whether every value of these codes is finite in f32: kernels that decode to it would otherwise
 * make NaN of infinity times 0. */
static int decodes(const tare_format *f, quant_range r, float scale, int zero) {
    int reach = r.limit;
    if (f->zero_points) reach = zero - r.low > r.high - zero ? zero - r.low : r.high - zero;
    return isfinite((float)((double)scale * reach));
}

static tare_status put_scale(tare_tensor *t, int64_t at, double s, span where, float *stored) {
    int grouped = t->format.scaling == TARE_SCALE_GROUP;
    if (s > (grouped ? 65504.0 : 3.4028234663852886e38))
        TARE_FAIL(TARE_E_VALUE,
                  "weights: the scale at row %lld, column %lld is %g, too large for %s",
                  (long long)where.row, (long long)where.col, s, grouped ? "f16" : "f32");
    if (grouped) {
        uint16_t h = f16_above((float)s);
        ((uint16_t *)t->part[TARE_SCALES].data)[at] = h;
        *stored = tare_f16_to_f32(h);
    } else {
        float f = (float)s;
        if (!(f >= 0x1p-126f)) f = 0x1p-126f; /* a subnormal scale would lose its digits */
        ((float *)t->part[TARE_SCALES].data)[at] = f;
        *stored = f;
    }
    return TARE_OK;
}

static tare_status one_scale(tare_tensor *t, const float *w, quant_range r, span s, int64_t at) {
    float low, high, stored = 1;
    extremes(w, t->k, s, &low, &high);
    double scale = t->format.zero_points ? ((double)high - (double)low) / (r.high - r.low)
                                         : (double)fmaxf(high, -low) / r.limit;
    TARE_TRY(put_scale(t, at, scale > 0 ? scale : 1, s, &stored));
    if (!t->format.zero_points && !decodes(&t->format, r, stored, 0)) {
        stored = nextafterf(stored, 0); /* rounded up from the largest float / limit; not of f16 */
        ((float *)t->part[TARE_SCALES].data)[at] = stored;
    }
    if (!t->format.zero_points) return TARE_OK;
    int zero = r.low + (int)lrint(-(double)low / (double)stored);
    if (zero > r.high) zero = r.high;
    if (!decodes(&t->format, r, stored, zero))
        TARE_FAIL(TARE_E_VALUE,
                  "weights: from row %lld, column %lld on they span %g to %g, too far for f32",
                  (long long)s.row, (long long)s.col, (double)low, (double)high);
    if (t->format.value == TARE_I4)
        ((uint8_t *)t->part[TARE_ZEROS].data)[at] = (uint8_t)zero;
    else
        ((int8_t *)t->part[TARE_ZEROS].data)[at] = (int8_t)zero;
    return TARE_OK;
}

typedef struct scales {
    tare_tensor *t;
    const float *w;
    quant_range r;
} scales;

static tare_status row_scales(void *job, int64_t i, int part) {
    const scales *s = job;
    tare_tensor *t = s->t;
    int64_t width = t->format.scaling == TARE_SCALE_GROUP ? t->format.group : t->k;
    int64_t at = i * format_groups(&t->format, t->k);
    (void)part;
    for (int64_t j = 0; j < t->k; j += width) {
        span here = {i, j, 1, t->k - j < width ? t->k - j : width};
        TARE_TRY(one_scale(t, s->w, s->r, here, at++));
    }
    return TARE_OK;
}

tare_status quant_scales(tare_tensor *t, const float *w, quant_range r) {
    scales s = {t, w, r};
    if (t->format.scaling == TARE_SCALE_TENSOR)
        return one_scale(t, w, r, (span){0, 0, t->n, t->k}, 0);
    return format_rows(t->n, format_threads(t->n, t->k), row_scales, &s);
}

int quant_value(float v, float scale, int zero, int low, int high) {
    float q = rintf(v / scale) + (float)zero;
    return q < (float)low ? low : q > (float)high ? high : (int)q;
}

tare_status quant_validate(const tare_tensor *t, quant_range r) {
    int64_t rows = t->format.scaling == TARE_SCALE_TENSOR ? 1 : t->n;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t g = 0; g < format_groups(&t->format, t->k); g++) {
            float s = format_scale(t, i, g);
            int z = format_zero(t, i, g);
            if (!(s > 0) || !isfinite(s))
                TARE_FAIL(TARE_E_FORMAT, "tensor: the scale of row %lld, group %lld is %g",
                          (long long)i, (long long)g, (double)s);
            if (z < r.low || z > r.high)
                TARE_FAIL(TARE_E_FORMAT, "tensor: the zero point of row %lld, group %lld is %d",
                          (long long)i, (long long)g, z);
            if (!decodes(&t->format, r, s, z))
                TARE_FAIL(TARE_E_FORMAT,
                          "tensor: the scale of row %lld, group %lld is %g: values overflow f32",
                          (long long)i, (long long)g, (double)s);
        }
    return TARE_OK;
}
