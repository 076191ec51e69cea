/* Scratch of a plan suffices for a run of fewer rows, whose k may be split more often. */
#include <criterion/criterion.h>
#include <tare/tare.h>

#include <stdio.h>

enum { M = 281 };

static size_t scratch(tare_device *d, const char *kernel, const tare_problem *p) {
    tare_plan plan;
    tare_plan_options o = {.only = kernel};
    cr_assert_eq(tare_plan_make(d, p, &o, &plan), TARE_OK, "%s", tare_last_error());
    return plan.scratch_bytes;
}

static void expect_enough(const char *kernel, const char *format, tare_type x, uint32_t flags) {
    size_t most = 0;
    tare_device *d;
    tare_problem p = {.op = TARE_MATMUL, .n = 112, .k = 4608, .x = x, .y = x, .flags = flags};
    cr_assert_eq(tare_device_find("cuda:0", &d), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_format_parse(format, &p.w), TARE_OK);
    p.nnz = p.n * p.k / (p.w.layout == TARE_DENSE ? 1 : 2);
    for (p.m = 1; p.m <= M; p.m++) {
        size_t bytes = scratch(d, kernel, &p);
        if (bytes > most) most = bytes;
        cr_assert_eq(bytes, most, "%s: %lld rows have %zu bytes, fewer need %zu", kernel,
                     (long long)p.m, bytes, most);
    }
}

Test(cuda_fewer_rows, scratch_is_enough, .timeout = 60) {
    expect_enough("matmul_f32_cu", "f32", TARE_F32, 0);
    expect_enough("matmul_w8_cu", "i8-row", TARE_F32, 0);
    expect_enough("matmul_f16_cu", "f16", TARE_F16, 0);
    expect_enough("matmul_w8a8_cu", "i8-row", TARE_F16, TARE_X_I8);
    expect_enough("matmul_bitmap_cu", "bitmap/f32", TARE_F32, 0);
    expect_enough("matmul_bitmapi8_cu", "bitmap/i8-row", TARE_F16, TARE_X_I8);
    expect_enough("matmul_nm24_cu", "2:4/f16", TARE_F16, 0);
    expect_enough("matmul_bs_cu", "bs16x16/f32", TARE_F32, 0);
    expect_enough("matmul_csr_cu", "csr/f32", TARE_F32, 0);
}
