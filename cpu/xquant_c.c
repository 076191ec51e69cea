/* Quantising x without vector instructions of its own: blocks of floats first, so that the loops
 * over them vectorise whatever the type of x is. */
#include "cpu/xquant.h"

#include <string.h>

enum { BLOCK = 256 };

static const float *load(const xquant *j, size_t at, int64_t count, float buf[BLOCK]) {
    if (j->type == TARE_F32) return (const float *)j->x + at;
    const uint16_t *h = (const uint16_t *)j->x + at;
    if (j->type == TARE_BF16)
        for (int64_t i = 0; i < count; i++) buf[i] = tare_bf16_to_f32(h[i]);
    else
        for (int64_t i = 0; i < count; i++) buf[i] = tare_f16_to_f32(h[i]);
    return buf;
}

/* The largest magnitude by its bits: integers compare in vectors without further flags. */
static uint32_t row_max(const xquant *j, size_t base) {
    float buf[BLOCK];
    int32_t a = 0;
    for (int64_t k = 0; k < j->k; k += BLOCK) {
        int64_t count = j->k - k < BLOCK ? j->k - k : BLOCK;
        const float *v = load(j, base + (size_t)k, count, buf);
        for (int64_t i = 0; i < count; i++) {
            int32_t b;
            memcpy(&b, &v[i], 4);
            b &= 0x7fffffff;
            a = b > a ? b : a;
        }
    }
    return (uint32_t)a;
}

/* To nearest even by adding 1.5 * 2^23, whose last bits are then the integer. Codes of a row that
 * is not finite are clamped: any will do. */
static void codes(const float *v, int64_t count, float inverse, int16_t *out) {
    for (int64_t i = 0; i < count; i++) {
        float r = v[i] * inverse + 0x1.8p23f;
        int32_t q;
        memcpy(&q, &r, 4);
        q = (int32_t)((uint32_t)q - 0x4b400000u);
        q = q > 127 ? 127 : q;
        out[i] = (int16_t)(q < -127 ? -127 : q);
    }
}

static void put(const xquant *j, int64_t row, int64_t k, const int16_t *c, int64_t count) {
    if (j->wide) {
        memcpy((int16_t *)j->q + row * j->ldq + k, c, (size_t)count * 2);
    } else {
        int8_t *q = (int8_t *)j->q + row * j->ldq + k;
        for (int64_t i = 0; i < count; i++) q[i] = (int8_t)c[i];
    }
}

void xquant_c(const xquant *j, int64_t from, int64_t to) {
    float buf[BLOCK];
    int16_t c[BLOCK];
    size_t unit = j->wide ? 2 : 1;
    for (int64_t row = from; row < to; row++) {
        size_t base = (size_t)row * (size_t)j->k;
        float inverse;
        xquant_scale(row_max(j, base), &j->scale[row], &inverse);
        int32_t *minus = j->minus + row * j->segments;
        memset(minus, 0, (size_t)j->segments * sizeof *minus);
        for (int64_t k = 0; k < j->k; k += BLOCK) {
            int64_t count = j->k - k < BLOCK ? j->k - k : BLOCK;
            codes(load(j, base + (size_t)k, count, buf), count, inverse, c);
            put(j, row, k, c, count);
            for (int64_t i = 0; i < count;) {
                int64_t g = (k + i) / j->segment, end = (g + 1) * j->segment - k;
                int32_t sum = 0;
                for (end = end < count ? end : count; i < end; i++) sum += c[i];
                minus[g] -= sum * j->factor;
            }
        }
        memset((char *)j->q + (size_t)(row * j->ldq + j->k) * unit, 0,
               (size_t)(j->ldq - j->k) * unit);
    }
}
