/* Conversions between element types, to nearest even, without any instruction set's help. */
#include "internal.h"

#include <string.h>

size_t tare_type_bytes(tare_type t) {
    switch (t) {
    case TARE_F32:
        return 4;
    case TARE_F16:
    case TARE_BF16:
        return 2;
    case TARE_I8:
    case TARE_F8:
        return 1;
    case TARE_I4:
        return 0;
    }
    return 0;
}

const char *tare_type_name(tare_type t) {
    switch (t) {
    case TARE_F32:
        return "f32";
    case TARE_F16:
        return "f16";
    case TARE_BF16:
        return "bf16";
    case TARE_I8:
        return "i8";
    case TARE_I4:
        return "i4";
    case TARE_F8:
        return "f8";
    }
    return "?";
}

static uint32_t bits_of(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static float float_of(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}

float tare_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = (h >> 10) & 31, man = h & 1023;
    if (exp == 31) return float_of(sign | 0x7f800000 | man << 13);
    if (exp) return float_of(sign | (exp + 112) << 23 | man << 13);
    float v = (float)man * 0x1p-24f; /* subnormal or zero: exact */
    return sign ? -v : v;
}

uint16_t tare_f32_to_f16(float f) {
    uint32_t u = bits_of(f), sign = (u >> 16) & 0x8000, a = u & 0x7fffffff;
    if (a > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (a >= 0x47800000) return (uint16_t)(sign | 0x7c00);
    if (a < 0x38800000) { /* below 2^-14: let the adder round at 2^-24 */
        float r = float_of(a) + 0.5f;
        return (uint16_t)(sign | (bits_of(r) - 0x3f000000));
    }
    /* A carry out of the mantissa steps the exponent, up to infinity, as it should. */
    a += 0xfff + ((a >> 13) & 1);
    return (uint16_t)(sign | ((a - 0x38000000) >> 13));
}

uint16_t tare_f32_to_bf16(float f) {
    uint32_t u = bits_of(f);
    if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 64);
    return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

/* Four bits of exponent with bias 7, three of mantissa; all ones are NaN, there is no infinity. */
float tare_f8_to_f32(uint8_t v) {
    uint32_t sign = (uint32_t)(v & 0x80) << 24, exp = (v >> 3) & 15, man = v & 7;
    if ((v & 0x7f) == 0x7f) return float_of(sign | 0x7fc00000);
    if (exp) return float_of(sign | (exp + 120) << 23 | man << 20);
    float s = (float)man * 0x1p-9f;
    return sign ? -s : s;
}

uint8_t tare_f32_to_f8(float f) {
    uint32_t u = bits_of(f), sign = (u >> 24) & 0x80, a = u & 0x7fffffff;
    if (a > 0x7f800000) return (uint8_t)(sign | 0x7f);
    if (a >= 0x43e00000) return (uint8_t)(sign | 0x7e); /* 448 and more */
    if (a < 0x3c800000) { /* below 2^-6: let the adder round at 2^-9 */
        float r = float_of(a) + 16384.0f;
        return (uint8_t)(sign | (bits_of(r) - 0x46800000));
    }
    a += 0x7ffff + ((a >> 20) & 1);
    return (uint8_t)(sign | ((a - 0x3c000000) >> 20));
}

float tare_load(tare_type t, const void *p, size_t i) {
    switch (t) {
    case TARE_F32:
        return ((const float *)p)[i];
    case TARE_F16:
        return tare_f16_to_f32(((const uint16_t *)p)[i]);
    case TARE_BF16:
        return tare_bf16_to_f32(((const uint16_t *)p)[i]);
    case TARE_I8:
        return ((const int8_t *)p)[i];
    case TARE_F8:
        return tare_f8_to_f32(((const uint8_t *)p)[i]);
    case TARE_I4:
        break;
    }
    return 0;
}

void tare_store(tare_type t, void *p, size_t i, float v) {
    switch (t) {
    case TARE_F32:
        ((float *)p)[i] = v;
        break;
    case TARE_F16:
        ((uint16_t *)p)[i] = tare_f32_to_f16(v);
        break;
    case TARE_BF16:
        ((uint16_t *)p)[i] = tare_f32_to_bf16(v);
        break;
    case TARE_F8:
        ((uint8_t *)p)[i] = tare_f32_to_f8(v);
        break;
    case TARE_I8:
    case TARE_I4:
        break; /* no output type */
    }
}
