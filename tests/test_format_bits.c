/* The bits of every part, written out by hand from docs/formats.md: encoder and decoder could agree
 * on a wrong layout, files and other backends would not. Then each rule of validation, broken
 * alone. */
#include "src/format/format.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tare_tensor encode(const char *name, int64_t n, int64_t k, const float *w) {
    tare_format f;
    tare_tensor t;
    cr_assert_eq(tare_format_parse(name, &f), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK, "%s: %s", name, tare_last_error());
    cr_assert_eq(tare_validate(&t), TARE_OK, "%s: %s", name, tare_last_error());
    return t;
}

static void expect_part(const tare_tensor *t, int part, const void *want, size_t bytes) {
    cr_assert_eq(t->part[part].bytes, bytes, "%s: %zu bytes, not %zu", tare_part_name(part),
                 t->part[part].bytes, bytes);
    cr_assert_eq(memcmp(t->part[part].data, want, bytes), 0, "%s differs", tare_part_name(part));
}

Test(format_bits, i8_with_and_without_zero_points) {
    /* Row 0: scale 1. Row 1: ties go to the even code. */
    const float w[] = {127, -127, 3, 254, 1, 3}; /* row 1: scale 2, codes 127, 0.5, 1.5 */
    const int8_t q[] = {127, -127, 3, 127, 0, 2};
    const float scales[] = {1, 2};
    tare_tensor t = encode("i8-row", 2, 3, w);
    expect_part(&t, TARE_VALUES, q, sizeof q);
    expect_part(&t, TARE_SCALES, scales, sizeof scales);
    tare_tensor_clear(&t);

    /* -55..200 in 255 steps of 1: zero = -128 + 55. All positive: the range starts at 0. */
    const float z[] = {-55, 0, 200, 51, 255, 102};
    const int8_t zq[] = {-128, -73, 127, -77, 127, -26}, zeros[] = {-73, -128};
    const float one[] = {1, 1};
    t = encode("i8-row-z", 2, 3, z);
    expect_part(&t, TARE_VALUES, zq, sizeof zq);
    expect_part(&t, TARE_SCALES, one, sizeof one);
    expect_part(&t, TARE_ZEROS, zeros, sizeof zeros);
    tare_tensor_clear(&t);
}

Test(format_bits, i4_nibbles) {
    float w[33] = {7, -7, 1, 0, -3}; /* group 0: scale 1 */
    w[32] = 3.5f;                    /* group 1, one value: scale 0.5 */
    uint8_t q[17];
    memset(q, 0x88, sizeof q);
    q[0] = 0x1f; /* 7 + 8 low, -7 + 8 high */
    q[1] = 0x89;
    q[2] = 0x85;
    q[16] = 0x8f; /* the high nibble is padding */
    const uint16_t scales[] = {0x3c00, 0x3800};
    tare_tensor t = encode("i4-g32", 1, 33, w);
    expect_part(&t, TARE_VALUES, q, sizeof q);
    expect_part(&t, TARE_SCALES, scales, sizeof scales);
    tare_tensor_clear(&t);

    const float z[] = {-5, 10, 0}; /* 15 steps of 1, zero 5 */
    const uint8_t zq[] = {0xf0, 0x55}, zero = 5;
    t = encode("i4-g32-z", 1, 3, z);
    expect_part(&t, TARE_VALUES, zq, sizeof zq);
    expect_part(&t, TARE_ZEROS, &zero, 1);
    tare_tensor_clear(&t);
}

Test(format_bits, nm_columns) {
    /* Columns 1,3 | 0,1 by the tie | 8 and the padding position 9 of a ragged group. */
    const float w[] = {1, 9, 2, -8, 5, 5, 5, 5, 4};
    const float values[] = {9, -8, 5, 5, 4, 0};
    const uint8_t columns[] = {1 | 3 << 2 | 0 << 4 | 1 << 6, 0 | 1 << 2};
    tare_tensor t = encode("2:4/f32", 1, 9, w);
    expect_part(&t, TARE_VALUES, values, sizeof values);
    expect_part(&t, TARE_INDICES, columns, sizeof columns);
    tare_tensor_clear(&t);

    const float wide[] = {0, 0, 3, 0, 0, 0, 0, 7}; /* 4-bit columns 0 1 (zeros by the tie) 2 7 */
    const float kept[] = {0, 0, 3, 7};
    const uint8_t wide_columns[] = {0x10, 0x72};
    t = encode("4:8/f32", 1, 8, wide);
    expect_part(&t, TARE_VALUES, kept, sizeof kept);
    expect_part(&t, TARE_INDICES, wide_columns, sizeof wide_columns);
    tare_tensor_clear(&t);
}

Test(format_bits, csr_and_bitmap) {
    float w[3 * 66] = {0};
    w[2] = 1, w[65] = 2, w[2 * 66] = 3, w[2 * 66 + 1] = -0.0f; /* -0 is zero */
    const float values[] = {1, 2, 3};
    const uint16_t columns[] = {2, 65, 0};
    const uint32_t offsets[] = {0, 2, 2, 3};
    const uint64_t words[] = {4, 2, 0, 0, 1, 0};
    tare_tensor t = encode("csr/f32", 3, 66, w);
    expect_part(&t, TARE_VALUES, values, sizeof values);
    expect_part(&t, TARE_INDICES, columns, sizeof columns);
    expect_part(&t, TARE_OFFSETS, offsets, sizeof offsets);
    tare_tensor_clear(&t);
    t = encode("bitmap/f32", 3, 66, w);
    expect_part(&t, TARE_VALUES, values, sizeof values);
    expect_part(&t, TARE_INDICES, words, sizeof words);
    expect_part(&t, TARE_OFFSETS, offsets, sizeof offsets);
    tare_tensor_clear(&t);
}

Test(format_bits, blocks) {
    /* 3 x 5 in 2 x 3 blocks: 2 x 2 of them, the right and lower ones over the edge. */
    const float w[] = {0, 0, 0, 1, 2, 0, 0, 0, 3, 4, 5, 0, 6, 0, 0};
    const float values[] = {1, 2, 0, 3, 4, 0, 5, 0, 6, 0, 0, 0};
    const uint16_t columns[] = {1, 0};
    const uint32_t offsets[] = {0, 1, 2};
    tare_tensor t = encode("bs2x3/f32", 3, 5, w);
    expect_part(&t, TARE_VALUES, values, sizeof values);
    expect_part(&t, TARE_INDICES, columns, sizeof columns);
    expect_part(&t, TARE_OFFSETS, offsets, sizeof offsets);
    tare_tensor_clear(&t);
}

/* No value, so no values part: nothing may be copied into it. */
Test(format_bits, a_sparse_tensor_of_zeros) {
    static const char *const names[] = {"csr/f32",    "csr/f16",    "csr/i8-row",      "bs4x4/f32",
                                        "bs4x4/bf16", "bitmap/f32", "bitmap/i8-tensor"};
    const float w[8 * 9] = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        float row[9];
        tare_tensor t = encode(names[i], 8, 9, w);
        cr_assert_eq(t.nnz, 0);
        cr_assert_eq(t.part[TARE_VALUES].bytes, 0);
        cr_assert_eq(tare_decode_row(&t, 7, row), TARE_OK);
        for (int j = 0; j < 9; j++) cr_assert_eq(row[j], 0);
        tare_tensor_clear(&t);
    }
}

/* A header from outside may ask for anything. */
Test(format_bits, sizes_of_nonsense_are_refused) {
    const tare_format wild = {.value = TARE_F32, .layout = TARE_NM, .nm_n = INT32_MAX, .nm_m = 1};
    const tare_format none = {.value = TARE_F32, .layout = TARE_NM, .nm_n = 1};
    const tare_format csr = {.value = TARE_F32, .layout = TARE_CSR};
    size_t bytes[TARE_PARTS];
    cr_assert_eq(tare_tensor_size(&wild, INT32_MAX, INT32_MAX, 0, bytes), TARE_E_ARG);
    cr_assert_eq(tare_tensor_size(&none, 4, 4, 0, bytes), TARE_E_ARG);
    cr_assert_eq(tare_tensor_size(&csr, INT64_MAX, INT64_MAX, 0, bytes), TARE_E_SHAPE);
    cr_assert_eq(tare_tensor_size(&csr, 1 << 20, 1 << 20, 0, bytes), TARE_E_SHAPE);
    cr_assert_eq(tare_tensor_size(&csr, 4, 4, 17, bytes), TARE_E_FORMAT);
    cr_assert_eq(tare_tensor_size(&csr, 1 << 17, 1 << 17, (int64_t)1 << 32, bytes), TARE_E_FORMAT);
}

/* One rule broken: `bytes` at `at` of a part replaced, refused, and put back. */
static void refused(tare_tensor *t, int part, size_t at, const void *bad, size_t bytes,
                    const char *why) {
    uint8_t was[8], *p = (uint8_t *)t->part[part].data + at;
    cr_assert(bytes <= sizeof was && at + bytes <= t->part[part].bytes);
    memcpy(was, p, bytes);
    memcpy(p, bad, bytes);
    cr_assert_eq(tare_validate(t), TARE_E_FORMAT, "%s was taken", why);
    memcpy(p, was, bytes);
    cr_assert_eq(tare_validate(t), TARE_OK, "%s", tare_last_error());
}

Test(format_bits, bad_scales_zeros_and_codes_are_refused) {
    float w[2 * 33];
    for (int i = 0; i < 66; i++) w[i] = (float)(i % 13) - 5;
    const float scales[] = {0, -1, NAN, INFINITY};
    const uint16_t halves[] = {0, 0x8000, 0xbc00, 0x7e00, 0x7c00};
    const int8_t low = -128;
    tare_tensor t = encode("i8-row", 2, 33, w);
    for (int i = 0; i < 4; i++) refused(&t, TARE_SCALES, 4, &scales[i], 4, "an f32 scale");
    refused(&t, TARE_VALUES, 65, &low, 1, "-128 without zero points");
    tare_tensor_clear(&t);
    t = encode("i4-g32", 2, 33, w);
    for (int i = 0; i < 5; i++) refused(&t, TARE_SCALES, 6, &halves[i], 2, "an f16 scale");
    refused(&t, TARE_VALUES, 0, &(uint8_t){0x80}, 1, "nibble 0 without zero points");
    refused(&t, TARE_VALUES, 33, &(uint8_t){0x98}, 1, "a padding nibble");
    tare_tensor_clear(&t);
    t = encode("i4-g32-z", 2, 33, w);
    refused(&t, TARE_ZEROS, 3, &(uint8_t){16}, 1, "a zero point past 15");
    tare_tensor_clear(&t);
}

Test(format_bits, bad_positions_and_padding_are_refused) {
    float w[2 * 9];
    const float one = 1, nan = NAN;
    for (int i = 0; i < 18; i++) w[i] = (float)(i + 1);
    tare_tensor t = encode("2:4/f32", 2, 9, w); /* columns 2,3 2,3 0,1; values 6 a row */
    refused(&t, TARE_INDICES, 0, &(uint8_t){0xea}, 1, "a column twice in a group");
    refused(&t, TARE_INDICES, 0, &(uint8_t){0xeb}, 1, "columns that go back");
    refused(&t, TARE_INDICES, 1, &(uint8_t){0x14}, 1, "bits behind the last column");
    refused(&t, TARE_VALUES, 5 * 4, &one, 4, "a value past k");
    refused(&t, TARE_VALUES, 5 * 4, &nan, 4, "a NaN past k");
    tare_tensor_clear(&t);
    t = encode("bs2x4/f32", 2, 9, w); /* 3 blocks, the last one column wide */
    refused(&t, TARE_VALUES, (2 * 8 + 1) * 4, &one, 4, "a value right of the edge");
    refused(&t, TARE_INDICES, 4, &(uint16_t){3}, 2, "a block column past the end");
    refused(&t, TARE_INDICES, 2, &(uint16_t){0}, 2, "a block twice");
    refused(&t, TARE_OFFSETS, 0, &(uint32_t){1}, 4, "offsets that start late");
    tare_tensor_clear(&t);
    t = encode("bs4x4/i8-row", 2, 9, w); /* rows 2 and 3 lie below W */
    refused(&t, TARE_VALUES, 2 * 4, &(int8_t){1}, 1, "a value below the edge");
    tare_tensor_clear(&t);
    t = encode("bitmap/f32", 2, 9, w);
    refused(&t, TARE_INDICES, 0, &(uint16_t){0x02ff}, 2, "a bit past k, the count kept");
    refused(&t, TARE_INDICES, 0, &(uint8_t){0x7f}, 1, "a bit less than values");
    refused(&t, TARE_OFFSETS, 4, &(uint32_t){8}, 4, "an offset that the bits deny");
    refused(&t, TARE_OFFSETS, 8, &(uint32_t){UINT32_MAX}, 4, "an end past the values");
    tare_tensor_clear(&t);
}

/* Ranges whose ends fall between two codes are where clamping could cost more than half a step. */
Test(format_bits, zero_points_keep_half_a_scale) {
    static const char *const names[] = {"i8-row-z", "i8-tensor-z", "i8-g32-z", "i4-g32-z"};
    for (int f = 0; f < 4; f++)
        for (int i = 0; i < 4000; i++) {
            float low = -(float)i / 16, high = 255 - (float)i / 16 + (float)(i % 7) * 1e-5f;
            const float w[] = {low, high, low / 3, high / 7, 0.5f, -0.5f, 1.5f, high - 0.5f};
            double row[8];
            tare_tensor t = encode(names[f], 1, 8, w);
            double s = (double)format_scale(&t, 0, 0), reach = 0;
            for (int j = 0; j < 8; j++) reach = fmax(reach, fabs((double)w[j]));
            cr_assert_eq(tare_decode_row_f64(&t, 0, row), TARE_OK);
            for (int j = 0; j < 8; j++)
                cr_assert_leq(fabs(row[j] - (double)w[j]), s / 2 + 4 * reach * 0x1p-24,
                              "%s: %.9g came back as %.9g, scale %.9g", names[f], (double)w[j],
                              row[j], s);
            tare_tensor_clear(&t);
        }
}

Test(format_bits, the_nth_allocation_fails) {
    static const char *const names[] = {"f32",     "i8-g32-z",  "i4-g64",       "2:4/f16",
                                        "csr/f32", "bs4x4/f32", "bitmap/i8-row"};
    float w[6 * 9], row[9];
    for (int i = 0; i < 54; i++) w[i] = (float)(i % 3);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tare_format f;
        tare_tensor t;
        long n = 1;
        cr_assert_eq(tare_format_parse(names[i], &f), TARE_OK);
        for (;; n++) {
            memset(&t, 0xff, sizeof t);
            tare_alloc_fail_at(n);
            tare_status s = tare_encode(&f, 6, 9, w, &t);
            tare_alloc_fail_at(0);
            if (s == TARE_OK) break;
            cr_assert_eq(s, TARE_E_NOMEM);
            for (int p = 0; p < TARE_PARTS; p++) cr_assert_null(t.part[p].data);
            cr_assert_eq(t.n, 0);
        }
        cr_assert_gt(n, 1, "%s: no allocation failed", names[i]);
        tare_alloc_fail_at(1);
        cr_assert_eq(tare_decode_row(&t, 0, row), TARE_E_NOMEM);
        tare_alloc_fail_at(0);
        tare_tensor_clear(&t);
        tare_tensor_clear(&t); /* twice is fine */
    }
    tare_tensor_clear(NULL);
}

/* The compiler's own half type, where there is one, over every half and its rounding neighbours. */
#ifdef __FLT16_MANT_DIG__
Test(format_bits, f16_agrees_with_the_compiler) {
    for (uint32_t u = 0; u < UINT32_MAX - 4099; u += 4099) { /* a prime: all exponents, all ends */
        float v;
        uint16_t h;
        memcpy(&v, &u, 4);
        if (isnan(v)) continue;
        _Float16 c = (_Float16)v;
        memcpy(&h, &c, 2);
        cr_assert_eq(tare_f32_to_f16(v), h, "%a", (double)v);
    }
}
#endif

/* Large enough to be shared: the bytes are the same, and so is the error about the first bad row.
 */
Test(format_bits, threads_do_not_show) {
    static const char *const names[] = {"f32",        "bf16",        "i8-tensor",    "i8-row-z",
                                        "i4-g64",     "f8-row",      "2:4/f16",      "csr/f16",
                                        "csr/i8-row", "bs16x4/bf16", "bitmap/f8-row"};
    enum { ROWS = 601, COLS = 517 };
    float *w = malloc(sizeof(float) * ROWS * COLS);
    for (int i = 0; i < ROWS * COLS; i++)
        w[i] = i / 64 % 3 == 1 ? 0 : (float)((int64_t)i * 7919 % 1013 - 506) / 300;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tare_format f;
        tare_tensor t[3];
        cr_assert_eq(tare_format_parse(names[i], &f), TARE_OK);
        for (int n = 0; n < 3; n++) {
            tare_set_threads(n == 0 ? 1 : n == 1 ? 3 : 7);
            cr_assert_eq(tare_encode(&f, ROWS, COLS, w, &t[n]), TARE_OK, "%s", names[i]);
        }
        cr_assert_eq(tare_validate(&t[1]), TARE_OK, "%s: %s", names[i], tare_last_error());
        for (int p = 0; p < TARE_PARTS; p++)
            for (int n = 1; n < 3; n++) {
                cr_assert_eq(t[n].part[p].bytes, t[0].part[p].bytes);
                cr_assert(t[0].part[p].bytes == 0 ||
                              memcmp(t[n].part[p].data, t[0].part[p].data, t[0].part[p].bytes) == 0,
                          "%s, %s: other bytes by more threads", names[i], tare_part_name(p));
            }
        for (int n = 0; n < 3; n++) tare_tensor_clear(&t[n]);
    }
    tare_format f16;
    tare_tensor t;
    cr_assert_eq(tare_format_parse("f16", &f16), TARE_OK);
    w[500 * COLS + 1] = w[300 * COLS + 2] = w[599 * COLS] = 1e6f;
    cr_assert_eq(tare_encode(&f16, ROWS, COLS, w, &t), TARE_E_VALUE);
    cr_assert(strstr(tare_last_error(), "row 300 "), "%s", tare_last_error());
    w[400 * COLS + 2] = w[410 * COLS] = INFINITY;
    cr_assert_eq(tare_encode(&f16, ROWS, COLS, w, &t), TARE_E_VALUE);
    cr_assert(strstr(tare_last_error(), "weights[400,2]"), "%s", tare_last_error());
    free(w);
}
