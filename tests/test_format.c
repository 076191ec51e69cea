/* Formats: names, exact sizes, what encoding promises, and what validation must refuse. */
#include "src/format/format.h"
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tare_format parse(const char *name) {
    tare_format f;
    cr_assert_eq(tare_format_parse(name, &f), TARE_OK, "%s: %s", name, tare_last_error());
    return f;
}

static tare_tensor encode(const char *name, int64_t n, int64_t k, const float *w) {
    tare_format f = parse(name);
    tare_tensor t;
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK, "%s: %s", name, tare_last_error());
    cr_assert_eq(tare_validate(&t), TARE_OK, "%s: %s", name, tare_last_error());
    return t;
}

Test(format, names_go_there_and_back) {
    char name[64];
    for (int i = 0; rowcheck_format(i); i++) {
        tare_format f = parse(rowcheck_format(i)), g;
        tare_format_name(&f, name, sizeof name);
        cr_assert_str_eq(name, rowcheck_format(i));
        g = parse(name);
        cr_assert_eq(memcmp(&f, &g, sizeof f), 0);
    }
}

Test(format, nonsense_names_are_refused) {
    static const char *const bad[] = {"",
                                      "f33",
                                      "i8",
                                      "i4",
                                      "i4-row",
                                      "i8-g63",
                                      "f32-row",
                                      "2:4",
                                      "4:2/f32",
                                      "2:99/f32",
                                      "0:4/f32",
                                      "bs0x4/f32",
                                      "bs4/f32",
                                      "csr/i4-g32",
                                      "csr/i8-row-z",
                                      "bitmap/i8-g64",
                                      "i8-row-zz",
                                      "bs999x1/f32",
                                      "f32 ",
                                      "i4-g64-q",
                                      "bs99999999999x1/f32",
                                      "csr/bitmap/f32",
                                      "csr/2:4/f32",
                                      "bitmap/bs4x4/f32",
                                      "i8-tensor-row",
                                      "i8-row-g64",
                                      "i8-g064",
                                      "02:4/f32",
                                      "bs04x4/f32",
                                      "i8-g"};
    tare_format f;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(tare_format_parse(bad[i], &f), TARE_E_ARG, "'%s' was taken", bad[i]);
        cr_expect_gt(strlen(tare_last_error()), 10);
    }
}

/* Sizes worked out by hand from docs/formats.md. */
Test(format, sizes_are_exact) {
    static const struct {
        const char *name;
        int64_t n, k, nnz;
        size_t bytes[TARE_PARTS]; /* values scales zeros indices offsets */
    } cases[] = {
        {"f32", 3, 5, 15, {60, 0, 0, 0, 0}},          {"bf16", 3, 5, 15, {30, 0, 0, 0, 0}},
        {"i8-row", 3, 5, 15, {15, 12, 0, 0, 0}},      {"i8-tensor-z", 3, 5, 15, {15, 4, 1, 0, 0}},
        {"i8-g32-z", 2, 70, 140, {140, 12, 6, 0, 0}}, {"i4-g64", 2, 129, 258, {130, 12, 0, 0, 0}},
        {"i4-g64-z", 2, 128, 256, {128, 8, 4, 0, 0}}, {"2:4/f32", 3, 8, 12, {48, 0, 0, 3, 0}},
        {"2:4/i8-row", 3, 9, 18, {18, 12, 0, 6, 0}},  {"4:8/f16", 2, 16, 16, {32, 0, 0, 8, 0}},
        {"csr/f32", 4, 100, 7, {28, 0, 0, 14, 20}},   {"csr/f32", 1, 65537, 7, {28, 0, 0, 28, 8}},
        {"bs4x4/f32", 5, 9, 32, {128, 0, 0, 4, 12}},  {"bitmap/f16", 2, 65, 9, {18, 0, 0, 32, 12}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tare_format f = parse(cases[i].name);
        size_t bytes[TARE_PARTS];
        cr_assert_eq(tare_tensor_size(&f, cases[i].n, cases[i].k, cases[i].nnz, bytes), TARE_OK,
                     "%s", tare_last_error());
        for (int p = 0; p < TARE_PARTS; p++)
            cr_expect_eq(bytes[p], cases[i].bytes[p], "%s: %zu bytes of %s, not %zu", cases[i].name,
                         bytes[p], tare_part_name(p), cases[i].bytes[p]);
    }
}

/* How far decoding may be from w: nothing for kept f32, half a step of the type, half a scale. */
static double allowed(const tare_tensor *t, int64_t row, int64_t col, double v) {
    switch (t->format.value) {
    case TARE_F32:
        return 0;
    case TARE_F16:
        return fabs(v) * 0x1p-11 + 0x1p-25;
    case TARE_BF16:
        return fabs(v) * 0x1p-8;
    case TARE_F8: /* three bits of mantissa, and steps of 2^-9 near zero */
        return fabs(v) * (0x1p-4 + 1e-6) + (double)format_scale(t, row, 0) * 0x1.001p-10;
    case TARE_I8:
    case TARE_I4:
        break;
    }
    int64_t g = t->format.scaling == TARE_SCALE_GROUP ? col / t->format.group : 0;
    return (double)format_scale(t, row, g) * (0.5 + 1e-5);
}

Test(format, decoding_gives_back_what_was_encoded) {
    static const int64_t shapes[][2] = {{1, 1}, {7, 13}, {33, 131}, {64, 128}, {5, 257}};
    for (int i = 0; rowcheck_format(i); i++)
        for (int s = 0; s < 5; s++)
            for (int p = 0; p < PATTERNS; p++) {
                int64_t n = shapes[s][0], k = shapes[s][1];
                tare_format f = parse(rowcheck_format(i));
                uint64_t state = (uint64_t)(i * 100 + s * 10 + p);
                float *w = malloc((size_t)(n * k) * sizeof *w);
                double *row = malloc((size_t)k * sizeof *row);
                fill_weights(w, n, k, &f, (pattern)p, &state);
                tare_tensor t = encode(rowcheck_format(i), n, k, w);
                for (int64_t r = 0; r < n; r++) {
                    cr_assert_eq(tare_decode_row_f64(&t, r, row), TARE_OK);
                    for (int64_t j = 0; j < k; j++) {
                        double v = w[r * k + j];
                        if (f.layout == TARE_NM && row[j] == 0) continue; /* pruned, see below */
                        cr_assert_leq(fabs(row[j] - v), allowed(&t, r, j, v),
                                      "%s [%lld,%lld] %g: %g", rowcheck_format(i), (long long)r,
                                      (long long)j, v, row[j]);
                        if (f.layout != TARE_DENSE && v == 0) cr_assert_eq(row[j], 0);
                    }
                }
                tare_tensor_clear(&t);
                free(row);
                free(w);
            }
}

Test(format, nm_keeps_exactly_the_n_largest) {
    enum { K = 64 };
    float w[K], row[K];
    uint64_t state = 4;
    for (int i = 0; i < K; i++) w[i] = random_unit(&state);
    w[0] = w[1] = w[2] = w[3] = 0.5f; /* a tie: the lower columns stay */
    static const char *const names[] = {"2:4/f32", "1:4/f32", "4:8/f32"};
    static const int ns[] = {2, 1, 4}, ms[] = {4, 4, 8};
    for (int f = 0; f < 3; f++) {
        tare_tensor t = encode(names[f], 1, K, w);
        cr_assert_eq(t.nnz, K / ms[f] * ns[f]);
        cr_assert_eq(tare_decode_row(&t, 0, row), TARE_OK);
        for (int g = 0; g < K; g += ms[f]) {
            int kept = 0;
            float least = 2, most_dropped = 0;
            for (int j = g; j < g + ms[f]; j++) {
                if (row[j] != 0) {
                    cr_assert_eq(row[j], w[j]);
                    kept++;
                    least = fminf(least, fabsf(w[j]));
                } else
                    most_dropped = fmaxf(most_dropped, fabsf(w[j]));
            }
            cr_assert_eq(kept, ns[f]);
            cr_assert_geq(least, most_dropped);
        }
        for (int j = 0; j < ns[f] && ms[f] == 4; j++) cr_assert_eq(row[j], 0.5f);
        tare_tensor_clear(&t);
    }
}

Test(format, bad_weights_are_named) {
    float w[6] = {1, 2, NAN, 4, 5, 6};
    tare_format f = parse("f32");
    tare_tensor t;
    cr_assert_eq(tare_encode(&f, 2, 3, w, &t), TARE_E_VALUE);
    cr_assert_str_eq(tare_last_error(), "weights[0,2] is NaN");
    cr_assert_null(t.part[0].data);
    w[2] = -INFINITY;
    cr_assert_eq(tare_encode(&f, 2, 3, w, &t), TARE_E_VALUE);
    w[2] = 1e6f;
    f = parse("f16");
    cr_assert_eq(tare_encode(&f, 2, 3, w, &t), TARE_E_VALUE, "1e6 does not fit f16");
    f = parse("i4-g32");
    w[2] = 3e38f;
    cr_assert_eq(tare_encode(&f, 2, 3, w, &t), TARE_E_VALUE, "a scale of 4e37 does not fit f16");
    w[2] = 3;
    cr_assert_eq(tare_encode(&f, 0, 3, w, &t), TARE_E_SHAPE);
    cr_assert_eq(tare_encode(&f, INT32_MAX, INT32_MAX, w, &t), TARE_E_SHAPE);
    cr_assert_eq(tare_encode(&f, -1, 3, w, &t), TARE_E_SHAPE);
}

Test(format, tiny_and_huge_weights_keep_their_promise) {
    float w[64];
    static const char *const names[] = {"i8-row",   "i8-g32",   "i4-g32",
                                        "i4-g32-z", "i8-row-z", "i8-tensor"};
    static const float sizes[] = {1e-38f, 1e-30f, 1e-9f, 1e-7f, 1, 3e4f};
    for (int f = 0; f < 6; f++)
        for (int s = 0; s < 6; s++) {
            double row[64];
            uint64_t state = 8;
            for (int i = 0; i < 64; i++) w[i] = sizes[s] * random_unit(&state);
            tare_tensor t = encode(names[f], 1, 64, w);
            cr_assert_eq(tare_decode_row_f64(&t, 0, row), TARE_OK);
            for (int i = 0; i < 64; i++)
                cr_assert_leq(fabs(row[i] - (double)w[i]), allowed(&t, 0, i, w[i]), "%s at %g",
                              names[f], (double)sizes[s]);
            tare_tensor_clear(&t);
        }
}

/* Every byte of every part, changed: validation may accept (another value is still a value), but
 * then decoding stays within the parts. ASan watches in the sanitizer build. */
Test(format, corrupt_tensors_do_no_harm) {
    enum { N = 6, K = 37 };
    float w[N * K];
    double row[K];
    long refused = 0, taken = 0;
    for (int i = 0; rowcheck_format(i); i++) {
        tare_format f = parse(rowcheck_format(i));
        uint64_t state = 2;
        fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
        tare_tensor t = encode(rowcheck_format(i), N, K, w);
        for (int p = 0; p < TARE_PARTS; p++)
            for (size_t b = 0; b < t.part[p].bytes; b++)
                for (int bit = 0; bit < 8; bit++) {
                    uint8_t *at = (uint8_t *)t.part[p].data + b;
                    *at ^= (uint8_t)(1 << bit);
                    if (tare_validate(&t) == TARE_OK) {
                        taken++;
                        for (int r = 0; r < N; r++) tare_decode_row_f64(&t, r, row);
                    } else
                        refused++;
                    *at ^= (uint8_t)(1 << bit);
                }
        cr_assert_eq(tare_validate(&t), TARE_OK);
        for (int p = 0; p < TARE_PARTS; p++) {
            t.part[p].bytes++;
            cr_assert_neq(tare_validate(&t), TARE_OK, "%s: %s a byte too long", rowcheck_format(i),
                          tare_part_name(p));
            t.part[p].bytes--;
        }
        t.nnz++;
        cr_assert_neq(tare_validate(&t), TARE_OK, "%s: nnz off by one", rowcheck_format(i));
        t.nnz = -1;
        cr_assert_neq(tare_validate(&t), TARE_OK);
        t.nnz = INT64_MAX;
        cr_assert_neq(tare_validate(&t), TARE_OK);
        tare_tensor_clear(&t);
    }
    cr_assert_gt(refused, 10000);
    cr_assert_gt(taken, 10000);
}

Test(format, index_parts_are_bound) {
    float w[4 * 8] = {0};
    w[0] = w[3] = w[9] = w[31] = 1;
    tare_tensor t = encode("csr/f32", 4, 8, w);
    uint16_t *cols = t.part[TARE_INDICES].data;
    uint32_t *offsets = t.part[TARE_OFFSETS].data;
    cols[1] = 8;
    cr_assert_eq(tare_validate(&t), TARE_E_FORMAT, "a column past the end");
    cols[1] = 0;
    cr_assert_eq(tare_validate(&t), TARE_E_FORMAT, "a column twice");
    cols[1] = 3;
    offsets[2] = 1000000;
    cr_assert_eq(tare_validate(&t), TARE_E_FORMAT, "an offset past the end");
    offsets[2] = 1;
    cr_assert_eq(tare_validate(&t), TARE_E_FORMAT, "an offset that goes back");
    offsets[2] = 3;
    cr_assert_eq(tare_validate(&t), TARE_OK);
    ((float *)t.part[TARE_VALUES].data)[0] = INFINITY;
    cr_assert_eq(tare_validate(&t), TARE_E_FORMAT, "an infinite value");
    tare_tensor_clear(&t);
}

/* Scales so large that a code of theirs is infinite in f32 are neither made nor accepted. */
Test(format, what_decodes_is_finite) {
    const float w[4] = {3.40282347e38f, -3.40282347e38f, 1, 0};
    const char *const fine[] = {"i8-row", "i8-tensor", "csr/i8-row", "2:4/i8-row"};
    tare_format f;
    tare_tensor t;
    float out[4];
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        cr_assert_eq(tare_format_parse(fine[i], &f), TARE_OK);
        cr_assert_eq(tare_encode(&f, 1, 4, w, &t), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(tare_validate(&t), TARE_OK, "%s", tare_last_error());
        cr_assert_eq(tare_decode_row(&t, 0, out), TARE_OK);
        for (int j = 0; j < 4; j++) cr_expect(isfinite(out[j]), "%s, column %d", fine[i], j);
        *(float *)t.part[TARE_SCALES].data = 1e37f;
        cr_expect_eq(tare_validate(&t), TARE_E_FORMAT, "%s", fine[i]);
        tare_tensor_clear(&t);
    }
    cr_assert_eq(tare_format_parse("i8-row-z", &f), TARE_OK);
    cr_expect_eq(tare_encode(&f, 1, 4, w, &t), TARE_E_VALUE);
}
