/* A row of x quantised to f8 as TARE_X_F8 defines it (tare.h), and decoded again: each value
 * becomes the nearest float of scale * code. Plain C without branches, for the compiler to make
 * vectors of. */
#ifndef TARE_CPU_X_F8_H
#define TARE_CPU_X_F8_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t f8_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}
static inline float f8_float(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* The nearest e4m3, ties to even; 448 past it. From 2^-6 on 20 bits of mantissa go; below, the
 * adder rounds to multiples of 2^-9. */
static inline float f8_nearest(float v) {
    uint32_t u = f8_bits(v), sign = u & 0x80000000u, a = u & 0x7fffffffu;
    uint32_t large = (a + 0x7ffffu + (a >> 20 & 1u)) & 0xfff00000u;
    uint32_t small = f8_bits(f8_float(a) + 16384.0f - 16384.0f);
    uint32_t r = a < 0x3c800000u ? small : large;
    return f8_float(sign | (r < 0x43e00000u ? r : 0x43e00000u));
}

/* A row that is not finite becomes NaN, all of it. */
static inline void x_f8_round(float *x, int64_t k) {
    uint32_t most = 0; /* magnitudes are ordered as their bits are */
    for (int64_t j = 0; j < k; j++) {
        uint32_t a = f8_bits(x[j]) & 0x7fffffffu;
        most = a > most ? a : most;
    }
    float a = f8_float(most);
    float scale = a < 0x1p-100f ? 0 : a / 448.0f, inverse = a < 0x1p-100f ? 0 : 448.0f / a;
    if (most >= 0x7f800000u) scale = NAN;
    for (int64_t j = 0; j < k; j++) x[j] = scale * f8_nearest(x[j] * inverse);
}

#endif
