/* The integer arithmetic of OpenCL's kernels (opencl/kernels/exact.clh), compiled here as C,
 * against the host's: what a device computes with it is what IEEE says, doubles or not. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* What that text takes for granted in OpenCL C. */
typedef uint32_t cl_uint_type;
typedef uint64_t cl_ulong_type;
#define uint cl_uint_type
#define ulong cl_ulong_type
#define inline static inline
#define clz(x) (sizeof(x) == 8 ? clz64(x) : clz32((uint32_t)(x)))

static int clz32(uint32_t v) {
    return v ? __builtin_clz(v) : 32;
}
static int clz64(uint64_t v) {
    return v ? __builtin_clzll(v) : 64;
}
static uint32_t as_uint(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}
static float as_float(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}
#include "opencl/kernels/exact.clh"
#undef inline

static uint64_t seed = 0x9e3779b97f4a7c15u;
static uint64_t draw(void) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1du;
}

/* Any float that is finite and not 0; one in four has few bits, so that ties come. */
static float any_float(void) {
    for (;;) {
        uint64_t r = draw();
        uint32_t u = (uint32_t)r;
        if ((r >> 32 & 3) == 0) u &= 0xffff0000u << (r >> 34 & 7);
        if ((r >> 40 & 7) == 0) u &= 0x807fffffu; /* subnormal */
        if (isfinite(as_float(u)) && as_float(u) != 0) return as_float(u);
    }
}

/* The kernels' promise: the nearest float from 2^-126 up, 0 or 2^-126 below. */
static int right(float got, float a, float b) {
    float want = a / b;
    if (fabs((double)a / (double)b) >= 0x1p-126) return as_uint(got) == as_uint(want);
    return fabsf(got) <= 0x1p-126f && !signbit(got) == !signbit(want);
}

/* TARE_X_I8: 127 / a and a / 127 for every mantissa of a; exponents only shift the quotient, so a
 * few stand for all. */
Test(exact_quotients, quotients_of_quantised_rows, .timeout = 120) {
    static const int exponents[] = {27, 28, 127, 140, 253, 254}; /* from 2^-100 up */
    for (size_t e = 0; e < sizeof exponents / sizeof *exponents; e++)
        for (uint32_t m = 0; m < 1u << 23; m++) {
            float a = as_float((uint32_t)exponents[e] << 23 | m);
            if (as_uint(divided(a, 127)) != as_uint(a / 127) ||
                as_uint(divided(127, a)) != as_uint(127 / a))
                cr_assert_fail("127 and %a: %a, %a", (double)a, (double)divided(a, 127),
                               (double)divided(127, a));
        }
    for (uint32_t e = 27; e < 255; e++)
        for (int i = 0; i < 2000; i++) {
            float a = as_float(e << 23 | (uint32_t)(draw() >> 41));
            cr_assert_eq(as_uint(divided(a, 127)), as_uint(a / 127), "%a", (double)a);
            cr_assert_eq(as_uint(divided(127, a)), as_uint(127 / a), "%a", (double)a);
        }
}

Test(exact_quotients, quotients_of_any_floats, .timeout = 60) {
    for (long i = 0; i < 20000000; i++) {
        float a = any_float(), b = any_float(), q = divided(a, b);
        if (!right(q, a, b)) cr_assert_fail("%a / %a: %a", (double)a, (double)b, (double)q);
    }
    cr_expect_eq(as_uint(divided(0.0f, 3)), 0u);
    cr_expect_eq(as_uint(divided(-0.0f, 3)), 0x80000000u);
    cr_expect(isinf(divided(0x1p127f, 0x1p-126f)));
    cr_expect(isnan(divided(INFINITY, 127)) && isnan(divided(127, INFINITY)));
    cr_expect(isnan(divided(NAN, 127)) && isnan(divided(127, NAN)));
}

/* Halves of codes: v is a float next to scale (h + 1/2). */
Test(exact_quotients, quotients_near_the_middle_of_two_codes, .timeout = 60) {
    for (long i = 0; i < 4000000; i++) {
        float scale = fabsf(any_float());
        double middle = (double)scale * ((double)(draw() % 511) - 255 + 0.5);
        float v = as_float(as_uint((float)middle) + (uint32_t)(draw() % 5) - 2);
        if (!isfinite(v)) continue;
        float q = divided(v, scale);
        if (!right(q, v, scale)) cr_assert_fail("%a / %a: %a", (double)v, (double)scale, (double)q);
        cr_assert_eq(rintf(q), rintf(v / scale));
    }
}

/* src/format/quant.c, one_scale. */
static void check_step(float up, float down, int steps) {
    double s = ((double)up + (double)down) / steps;
    int over = 7;
    float got = step_of(up, down, (uint32_t)steps, &over), want = (float)s;
    int same = s >= 0x1p-126 ? as_uint(got) == as_uint(want) : got <= 0x1p-126f && got >= 0;
    if (!same || over != (s > 65504.0))
        cr_assert_fail("(%a + %a) / %d: %a, over %d, must be %a", (double)up, (double)down, steps,
                       (double)got, over, (double)want);
}

Test(exact_quotients, scales_with_zero_points, .timeout = 60) {
    static const int steps[] = {15, 255};
    for (long i = 0; i < 4000000; i++) {
        float up = fabsf(any_float()), down = i % 16 ? fabsf(any_float()) : 0;
        int by = steps[i & 1];
        check_step(up, down, by);
        check_step(down, up, by);
        /* Of one size, and such that the sum is by a hair no multiple of the steps. */
        down = ldexpf(fabsf(any_float()), -(int)(draw() % 70));
        up = as_float(127u << 23 | (uint32_t)(draw() >> 41)) * (float)by;
        down = fmodf(down, 1) * ldexpf(1, -(int)(draw() % 60));
        if (isfinite(down) && down >= 0) check_step(up, down, by);
    }
    for (int by = 0; by < 2; by++) /* about the largest half */
        for (int i = -300; i <= 300; i++) {
            float up = as_float(as_uint(65504.0f * (float)steps[by]) + (uint32_t)i);
            check_step(up, 0, steps[by]);
            check_step(up, 0x1p-30f, steps[by]);
        }
}

Test(exact_quotients, zero_points, .timeout = 60) {
    for (long i = 0; i < 4000000; i++) {
        float scale = fabsf(any_float());
        double at = (double)scale * (double)(draw() % 1024) / 2;
        float a = as_float(as_uint((float)at) + (uint32_t)(draw() % 3));
        if (!isfinite(a)) continue;
        double want = rint((double)a / (double)scale);
        int got = whole_of(a, scale);
        if (got != (want < 4096 ? want : 4096))
            cr_assert_fail("%a / %a: %d, must be %g", (double)a, (double)scale, got, want);
    }
    cr_expect_eq(whole_of(0, 1), 0);
    cr_expect_eq(whole_of(0x1p100f, 1), 4096);
    cr_expect_eq(whole_of(1, 0x1p100f), 0);
}
