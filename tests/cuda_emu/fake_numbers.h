/* Small floats for the fake libraries: exact widening, and rounding to nearest even. */
#ifndef TARE_FAKE_NUMBERS_H
#define TARE_FAKE_NUMBERS_H

#include <cmath>
#include <cstdint>
#include <cstring>

static inline float fake_bits(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
static inline uint32_t fake_word(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
static inline float fake_bf16(uint16_t h) {
    return fake_bits((uint32_t)h << 16);
}
static inline float fake_half(uint16_t h) {
    float v = fake_bits((uint32_t)(h & 0x7fff) << 13) * 0x1p112f;
    if ((h & 0x7c00) == 0x7c00) v = h & 0x3ff ? NAN : INFINITY;
    return h & 0x8000 ? -v : v;
}
/* OCP's e4m3. */
static inline float fake_e4m3(uint8_t v) {
    int exponent = v >> 3 & 15, mantissa = v & 7;
    float f = exponent ? ldexpf((float)(8 + mantissa), exponent - 10) : ldexpf((float)mantissa, -9);
    if ((v & 0x7f) == 0x7f) f = NAN;
    return v & 0x80 ? -f : f;
}
/* To the grid of the type's numbers near f, which is exact in double, then its bits. */
static inline uint16_t fake_to_half(float f) {
    uint16_t sign = (uint16_t)(fake_word(f) >> 16 & 0x8000);
    float a = fabsf(f);
    if (std::isnan(f)) return (uint16_t)(sign | 0x7fff);
    if (a >= 65520.0f) return (uint16_t)(sign | 0x7c00);
    int e = a < 0x1p-14f ? -24 : ilogbf(a) - 10;
    int q = (int)rint(ldexp((double)a, -e));
    return (uint16_t)(sign | (e == -24 ? q : ((e + 24) << 10) + q));
}
static inline uint16_t fake_to_bf16(float f) {
    uint32_t u = fake_word(f);
    if (std::isnan(f)) return (uint16_t)(u >> 16 | 64);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
/* Bits of mantissa behind the first `kept` cut off. */
static inline float fake_cut(float f, int kept) {
    return fake_bits(fake_word(f) & ~((1u << (23 - kept)) - 1));
}

#endif
