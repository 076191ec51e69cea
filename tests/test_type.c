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
