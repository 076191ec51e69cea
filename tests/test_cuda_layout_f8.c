/* e4m3 by bits (cuda/layout/f8.h): every code to a half, a bf16 and a float, and floats to codes,
 * held against the library's own conversions. */
#include "cuda/layout/f8.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static int is_nan(int code) {
    return (code & 0x7f) == 0x7f;
}

static float float_of(uint32_t bits) {
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

/* Each code in both places of a word, beside its complement. */
Test(cuda_layout_f8, every_code_to_16_bits) {
    float halves = tare_f16_to_f32((uint16_t)CU_F8_HALVES),
          bf16 = tare_bf16_to_f32((uint16_t)CU_F8_BF16);
    cr_assert_eq(CU_F8_HALVES >> 16, CU_F8_HALVES & 0xffff);
    cr_assert_eq(CU_F8_BF16 >> 16, CU_F8_BF16 & 0xffff);
    for (int code = 0; code < 256; code++) {
        uint32_t two = (uint32_t)code << 8 | (uint32_t)(code ^ 0xff) << 24;
        uint32_t h = cu_f8_to_halves(two), b = cu_f8_to_bf16(two);
        for (int high = 0; high < 2; high++, h >>= 16, b >>= 16) {
            int here = high ? code ^ 0xff : code;
            float want = tare_f8_to_f32((uint8_t)here);
            if (is_nan(here)) continue;
            cr_expect_eq(tare_f16_to_f32((uint16_t)h) * halves, want, "half of 0x%02x", here);
            cr_expect_eq(tare_bf16_to_f32((uint16_t)b) * bf16, want, "bf16 of 0x%02x", here);
            cr_expect_eq(tare_f16_to_f32(tare_f32_to_f16(want)), want, "no half is 0x%02x", here);
            cr_expect_eq(tare_bf16_to_f32(tare_f32_to_bf16(want)), want, "no bf16 is 0x%02x", here);
        }
    }
}

Test(cuda_layout_f8, every_code_to_a_float) {
    for (int code = 0; code < 256; code++) {
        float got = float_of(cu_f8_to_float((uint32_t)code << 24 | 0xa5c3f1)) * CU_F8_FLOAT;
        float want = tare_f8_to_f32((uint8_t)code);
        if (is_nan(code)) continue;
        cr_expect(got == want && !signbit(got) == !signbit(want), "0x%02x is %g, must be %g", code,
                  (double)got, (double)want);
    }
}

static void one(uint32_t bits) {
    for (uint32_t sign = 0; sign < 2; sign++) {
        uint32_t u = bits | sign << 31, got = cu_f8_of_float(u);
        uint32_t want = tare_f32_to_f8(float_of(u));
        cr_assert_eq(got, want, "%a to 0x%02x, must be 0x%02x", (double)float_of(u), got, want);
    }
}

/* Round every code and every tie between two, and floats from all over. */
Test(cuda_layout_f8, floats_to_codes) {
    for (int code = 0; code < 0x7f; code++) {
        float at = tare_f8_to_f32((uint8_t)code);
        float next = code < 0x7e ? tare_f8_to_f32((uint8_t)(code + 1)) : 480;
        float points[] = {at, (at + next) / 2};
        for (int i = 0; i < 2; i++) {
            uint32_t bits;
            memcpy(&bits, &points[i], 4);
            for (int off = -2; off <= 2; off++)
                if (off >= 0 || bits > 2) one((uint32_t)((int64_t)bits + off));
        }
    }
    for (uint32_t bits = 0; bits < 0x80000000u; bits += 4099) one(bits);
    one(0x7f800000u); /* infinity, NaN */
    one(0x7f800001u);
    one(0x7fffffffu);
}
