/* Numbers that people write are read whole or not at all; what a scheme asks for is what its matrix
 * holds, or it is refused. */
#include "bench/data.h"
#include "bench/encoded.h"
#include "src/internal.h"
#include "src/parse.h"

#include <criterion/criterion.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

Test(parse, whole_numbers) {
    static const struct {
        const char *text;
        int good;
        uint64_t value;
    } is[] = {{"0", 1, 0},
              {"8", 1, 8},
              {"007", 1, 7},
              {"18446744073709551615", 1, UINT64_MAX},
              {"18446744073709551616", 0, 0},
              {"99999999999999999999999", 0, 0},
              {"", 0, 0},
              {" 8", 0, 0},
              {"8 ", 0, 0},
              {"8x", 0, 0},
              {"x8", 0, 0},
              {"-1", 0, 0},
              {"+1", 0, 0},
              {"1.0", 0, 0},
              {"1e3", 0, 0},
              {"0x10", 0, 0},
              {"1,2", 0, 0},
              {"8\n", 0, 0}};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        uint64_t v = 77;
        cr_expect_eq(tare_parse_whole(is[i].text, 0, UINT64_MAX, &v), is[i].good, "'%s'",
                     is[i].text);
        cr_expect_eq(v, is[i].good ? is[i].value : 77, "'%s'", is[i].text);
    }
    uint64_t v = 0;
    cr_expect(!tare_parse_whole("5", 6, 9, &v) && tare_parse_whole("6", 6, 9, &v));
    cr_expect(!tare_parse_whole("10", 6, 9, &v) && tare_parse_whole("9", 6, 9, &v));
}

Test(parse, real_numbers) {
    static const struct {
        const char *text;
        int good;
        double value;
    } is[] = {{"0", 1, 0},
              {"0.1", 1, 0.1},
              {".5", 1, 0.5},
              {"5.", 1, 5},
              {"-1.5e-3", 1, -1.5e-3},
              {"+2", 1, 2},
              {"1e3", 1, 1000},
              {"1E+3", 1, 1000},
              {"1e3junk", 0, 0},
              {"0.1s", 0, 0},
              {"", 0, 0},
              {".", 0, 0},
              {"-", 0, 0},
              {"e5", 0, 0},
              {".e5", 0, 0},
              {"1e", 0, 0},
              {"1e+", 0, 0},
              {" 1", 0, 0},
              {"1 ", 0, 0},
              {"\t1", 0, 0},
              {"nan", 0, 0},
              {"NAN(1)", 0, 0},
              {"inf", 0, 0},
              {"-infinity", 0, 0},
              {"0x1p3", 0, 0},
              {"1,5", 0, 0},
              {"1e999", 0, 0},
              {"--1", 0, 0},
              {"1..2", 0, 0},
              {"1.2.3", 0, 0}};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        double v = 77;
        cr_expect_eq(tare_parse_real(is[i].text, -DBL_MAX, DBL_MAX, &v), is[i].good, "'%s'",
                     is[i].text);
        cr_expect_eq(v, is[i].good ? is[i].value : 77, "'%s'", is[i].text);
    }
    double v = 0;
    cr_expect(!tare_parse_real("0", DBL_MIN, 1, &v) && !tare_parse_real("1.5", 0, 1, &v));
}

Test(parse, threads_from_the_environment) {
    static const struct {
        const char *text;
        int value;
    } is[] = {{"", 0},    {"1", 1},   {"1024", 1024}, {"1025", -1},
              {"0", -1},  {"-1", -1}, {"2x", -1},     {"abc", -1},
              {" 2", -1}, {"2 ", -1}, {"1e1", -1},    {"99999999999", -1}};
    unsetenv("TARE_THREADS");
    cr_expect(tare_threads_asked() == 0 && !tare_threads_error());
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        setenv("TARE_THREADS", is[i].text, 1);
        cr_expect_eq(tare_threads_asked(), is[i].value, "'%s'", is[i].text);
        cr_expect_eq(tare_threads_error() != NULL, is[i].value < 0, "'%s'", is[i].text);
    }
}

static int64_t zeros_of(const float *w, int64_t count) {
    int64_t zeros = 0;
    for (int64_t i = 0; i < count; i++) zeros += w[i] == 0;
    return zeros;
}

/* Every share is what the encoded matrix has, to one value; explain's nnz is the bench's. */
Test(parse, what_is_asked_is_what_is_measured) {
    static const char *const text[] = {"csr@99.99%", "csr@0.9996", "csr@0.0004", "csr@0.9",
                                       "bitmap@0.5", "csr@0",      "bsr4x4@0.8", "bsr4x16@0.9996"};
    enum { SIDE = 400 };
    bench_matrix m = {0};
    cr_assert_eq(bench_matrix_make(&m, SIDE, SIDE, 1), TARE_OK);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        bench_scheme s;
        bench_encoded *e;
        float *pruned;
        cr_assert_eq(bench_scheme_parse(text[i], &s), TARE_OK);
        cr_assert_eq(bench_matrix_encode(&m, &s, &e), TARE_OK, "%s", tare_last_error());
        cr_expect_eq(e->t.nnz, bench_scheme_nnz(&s, SIDE, SIDE), "%s", text[i]);
        double units = (double)bench_scheme_units(&s, SIDE, SIDE), area = SIDE * SIDE / units;
        cr_assert_eq(bench_data_pruned(&s, m.w, SIDE, SIDE, &pruned), TARE_OK);
        double share = (double)zeros_of(pruned, SIDE * SIDE) / area / units;
        cr_expect(share - s.sparsity <= 0.5 / units && s.sparsity - share <= 0.5 / units,
                  "%s: %.6f measured", text[i], share);
        tare_free(pruned);
    }
    bench_matrix_clear(&m);
}

Test(parse, a_share_that_a_matrix_can_not_have_is_refused) {
    static const char *const text[] = {"csr@0.9999", "bsr16x16@0.9", "bitmap@0.001"};
    bench_matrix m = {0};
    cr_assert_eq(bench_matrix_make(&m, 16, 16, 1), TARE_OK);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        bench_scheme s;
        bench_encoded *e;
        cr_assert_eq(bench_scheme_parse(text[i], &s), TARE_OK);
        cr_expect_eq(bench_matrix_encode(&m, &s, &e), TARE_E_VALUE, "%s", text[i]);
        cr_expect(strstr(tare_last_error(), "can't be had"), "%s", tare_last_error());
    }
    bench_matrix_clear(&m);
}
