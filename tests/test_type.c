/* Conversions between element types, exhaustively where the type is small. */
#include "src/internal.h"

#include <criterion/criterion.h>
#include <math.h>

static double f16_value(unsigned h) { /* IEEE 754 binary16, from its definition */
    int exp = (int)(h >> 10 & 31), man = (int)(h & 1023);
    double v = exp ? ldexp(1024 + man, exp - 25) : ldexp(man, -24);
    return h >> 15 ? -v : v;
}

Test(type, every_f16_comes_back) {
    for (unsigned h = 0; h < 65536; h++) {
        float f = tare_f16_to_f32((uint16_t)h);
        if ((h >> 10 & 31) == 31) {
            cr_assert((h & 1023) ? isnan(f) : isinf(f));
            continue;
        }
        cr_assert_eq((double)f, f16_value(h), "0x%04x", h);
        cr_assert_eq(tare_f32_to_f16(f), h, "0x%04x", h);
    }
}

/* Between two neighbours: the nearer one, the even one in the middle. */
Test(type, f16_rounds_to_nearest_even) {
    for (unsigned h = 0; h < 0x7bff; h++) {
        float lo = tare_f16_to_f32((uint16_t)h), hi = tare_f16_to_f32((uint16_t)(h + 1));
        float mid = (float)(((double)lo + (double)hi) / 2);
        cr_assert_eq(tare_f32_to_f16(mid), h & 1 ? h + 1 : h);
        cr_assert_eq(tare_f32_to_f16(nextafterf(mid, 0)), h);
        cr_assert_eq(tare_f32_to_f16(nextafterf(mid, INFINITY)), h + 1);
    }
    cr_assert_eq(tare_f32_to_f16(65519.996f), 0x7bff);
    cr_assert_eq(tare_f32_to_f16(65520.0f), 0x7c00);
}

Test(type, bf16_rounds_to_nearest_even) {
    for (unsigned h = 0; h < 0x7f7f; h++) {
        float lo = tare_bf16_to_f32((uint16_t)h), hi = tare_bf16_to_f32((uint16_t)(h + 1));
        cr_assert_eq(tare_f32_to_bf16(lo), h);
        float mid = lo / 2 + hi / 2;
        if (h > 0x100) cr_assert_eq(tare_f32_to_bf16(mid), h & 1 ? h + 1 : h, "0x%04x", h);
    }
    cr_assert(isnan(tare_bf16_to_f32(tare_f32_to_bf16(NAN))));
    cr_assert(isinf(tare_bf16_to_f32(tare_f32_to_bf16(3.4e38f))));
}

static double f8_value(unsigned v) { /* OCP 8-bit floating point, e4m3, from its definition */
    int exp = (int)(v >> 3 & 15), man = (int)(v & 7);
    double f = exp ? ldexp(8 + man, exp - 10) : ldexp(man, -9);
    return v >> 7 ? -f : f;
}

Test(type, every_f8_comes_back) {
    for (unsigned v = 0; v < 256; v++) {
        float f = tare_f8_to_f32((uint8_t)v);
        if ((v & 127) == 127) {
            cr_assert(isnan(f));
            continue;
        }
        cr_assert_eq((double)f, f8_value(v), "0x%02x", v);
        cr_assert_eq(tare_f32_to_f8(f), v, "0x%02x", v);
    }
    cr_assert_eq(tare_f32_to_f8(NAN), 0x7f);
}

Test(type, f8_rounds_to_nearest_even_and_saturates) {
    for (unsigned v = 0; v < 0x7e; v++) {
        float lo = tare_f8_to_f32((uint8_t)v), hi = tare_f8_to_f32((uint8_t)(v + 1));
        float mid = (lo + hi) / 2;
        cr_assert_eq(tare_f32_to_f8(mid), v & 1 ? v + 1 : v, "0x%02x", v);
        cr_assert_eq(tare_f32_to_f8(nextafterf(mid, 0)), v);
        cr_assert_eq(tare_f32_to_f8(-nextafterf(mid, INFINITY)), 0x80 | (v + 1));
    }
    cr_assert_eq(tare_f32_to_f8(464.1f), 0x7e);
    cr_assert_eq(tare_f32_to_f8(-INFINITY), 0xfe);
}
