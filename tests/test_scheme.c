/* Scheme names: what each of them means, and that nonsense is refused. */
#include "bench/scheme.h"
#include "src/internal.h"
#include "tests/fake_backend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct meaning {
    const char *text, *name, *format;
    tare_type x, y;
    uint32_t flags;
    double sparsity;
    enum bench_family family;
} meaning;

static const meaning known[] = {
    {"f32", "f32", "f32", TARE_F32, TARE_F32, 0, 0, BENCH_FLOAT},
    {"bf16", "bf16", "bf16", TARE_BF16, TARE_BF16, 0, 0, BENCH_FLOAT},
    {"f16", "f16", "f16", TARE_F16, TARE_F16, 0, 0, BENCH_FLOAT},
    {"w8a8", "w8a8", "i8-row", TARE_F32, TARE_F32, TARE_X_I8, 0, BENCH_INT8},
    {"w8a16", "w8a16", "i8-row", TARE_BF16, TARE_BF16, TARE_W_ROUND, 0, BENCH_INT8},
    {"w8a8-bf16", "w8a8-bf16", "i8-row", TARE_BF16, TARE_BF16, TARE_X_I8, 0, BENCH_INT8},
    {"tf32", "tf32", "f32", TARE_F32, TARE_F32, TARE_TF32, 0, BENCH_FLOAT},
    {"fp8", "fp8", "f8-row", TARE_BF16, TARE_BF16, TARE_X_F8 | TARE_SUM_F8, 0, BENCH_INT8},
    {"2:4-fp8", "2:4-fp8", "2:4/f8-row", TARE_BF16, TARE_BF16, TARE_X_F8 | TARE_SUM_F8, 0.5,
     BENCH_SPARSE},
    {"w4a16-f16-g64", "w4a16-f16-g64", "i4-g64", TARE_F16, TARE_F16, TARE_W_ROUND, 0, BENCH_INT4},
    {"2:4-bf16", "2:4-bf16", "2:4/bf16", TARE_BF16, TARE_BF16, 0, 0.5, BENCH_SPARSE},
    {"csr-f16@0.9", "csr-f16@0.9", "csr/f16", TARE_F16, TARE_F16, 0, 0.9, BENCH_SPARSE},
    {"bsr64x64-f16@50%", "bsr64x64-f16@0.5", "bs64x64/f16", TARE_F16, TARE_F16, 0, 0.5,
     BENCH_SPARSE},
    {"w8a32", "w8a32", "i8-row", TARE_F32, TARE_F32, 0, 0, BENCH_INT8},
    {"w8a16-z", "w8a16-z", "i8-row-z", TARE_BF16, TARE_BF16, TARE_W_ROUND, 0, BENCH_INT8},
    {"w4a8", "w4a8-g128", "i4-g128", TARE_F32, TARE_F32, TARE_X_I8, 0, BENCH_INT4},
    {"w4a16-g64", "w4a16-g64", "i4-g64", TARE_BF16, TARE_BF16, TARE_W_ROUND, 0, BENCH_INT4},
    {"w4a32-g32-z", "w4a32-g32-z", "i4-g32-z", TARE_F32, TARE_F32, 0, 0, BENCH_INT4},
    {"2:4", "2:4", "2:4/f32", TARE_F32, TARE_F32, 0, 0.5, BENCH_SPARSE},
    {"2:4-i8", "2:4-i8", "2:4/i8-row", TARE_F32, TARE_F32, TARE_X_I8, 0.5, BENCH_SPARSE},
    {"csr@0.9", "csr@0.9", "csr/f32", TARE_F32, TARE_F32, 0, 0.9, BENCH_SPARSE},
    {"csr@95%", "csr@0.95", "csr/f32", TARE_F32, TARE_F32, 0, 0.95, BENCH_SPARSE},
    {"bsr4x16@0.8", "bsr4x16@0.8", "bs4x16/f32", TARE_F32, TARE_F32, 0, 0.8, BENCH_SPARSE},
    {"csr@99.99%", "csr@0.9999", "csr/f32", TARE_F32, TARE_F32, 0, 0.9999, BENCH_SPARSE},
    {"csr@0.9996", "csr@0.9996", "csr/f32", TARE_F32, TARE_F32, 0, 0.9996, BENCH_SPARSE},
    {"csr@0.04%", "csr@0.0004", "csr/f32", TARE_F32, TARE_F32, 0, 0.0004, BENCH_SPARSE},
    {"csr@0.000001", "csr@0.000001", "csr/f32", TARE_F32, TARE_F32, 0, 0.000001, BENCH_SPARSE},
    {"csr@0.999999", "csr@0.999999", "csr/f32", TARE_F32, TARE_F32, 0, 0.999999, BENCH_SPARSE},
    {"csr@00.90000000", "csr@0.9", "csr/f32", TARE_F32, TARE_F32, 0, 0.9, BENCH_SPARSE},
    {"csr@0.0%", "csr@0", "csr/f32", TARE_F32, TARE_F32, 0, 0, BENCH_SPARSE},
    {"bitmap@0", "bitmap@0", "bitmap/f32", TARE_F32, TARE_F32, 0, 0, BENCH_SPARSE},
    {"bitmap-i8@50%", "bitmap-i8@0.5", "bitmap/i8-row", TARE_F32, TARE_F32, TARE_X_I8, 0.5,
     BENCH_SPARSE},
};

Test(scheme, meanings) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const meaning *w = &known[i];
        bench_scheme s, again;
        char format[64];
        cr_assert_eq(bench_scheme_parse(w->text, &s), TARE_OK, "%s", tare_last_error());
        cr_assert_str_eq(s.name, w->name);
        tare_format_name(&s.w, format, sizeof format);
        cr_assert_str_eq(format, w->format, "%s gives %s", w->text, format);
        cr_assert_eq(tare_format_check(&s.w), TARE_OK, "%s", w->text);
        cr_assert(s.x == w->x && s.y == w->y && s.flags == w->flags && s.family == w->family);
        cr_assert_eq(s.sparsity, w->sparsity, "%s: %g", w->text, s.sparsity);
        cr_assert_eq(bench_scheme_parse(s.name, &again), TARE_OK, "%s reads back", s.name);
        cr_assert_eq(memcmp(&s, &again, sizeof s), 0);
    }
}

Test(scheme, refusals) {
    static const char *const bad[] = {"",
                                      "f64",
                                      "fp8-z",
                                      "bsr-f16@0.5",
                                      "bsr4x-f16@0.5",
                                      "w4",
                                      "w2a16",
                                      "w4a16-g48",
                                      "w4a16-",
                                      "w8a8-g64",
                                      "f32-z",
                                      "2:4-z",
                                      "2:4@0.5",
                                      "f32@0.5",
                                      "csr",
                                      "csr@",
                                      "csr@1",
                                      "csr@50",
                                      "csr@-0.1",
                                      "csr@nan",
                                      "csr@0.5x",
                                      "csr@0.9999999",
                                      "csr@0.90000000001",
                                      "csr@0.9e0",
                                      "csr@0x0p0",
                                      "csr@.9",
                                      "csr@0.",
                                      "csr@0..5",
                                      "csr@0.5.0",
                                      "csr@0.5%%",
                                      "csr@%",
                                      "csr@5 %",
                                      "csr@ 0.5",
                                      "csr@+0.5",
                                      "csr@99.99999%",
                                      "csr@18446744073709551616",
                                      "csr@100%",
                                      "bsr@0.5",
                                      "bsr4@0.5",
                                      "bsr4x@0.5",
                                      "bsr0x4@0.5",
                                      "bsr4x4",
                                      "bsr4x400@0.5",
                                      "csr-z@0.5",
                                      "bitmap-i4@0.5",
                                      "w4a16-z-g64",
                                      "bsr99999999999x1@0.5",
                                      "bsr4294967297x1@0.5"};
    bench_scheme s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(bench_scheme_parse(bad[i], &s), TARE_E_ARG, "took '%s' as %s", bad[i], s.name);
        cr_assert(strlen(tare_last_error()) > 0);
    }
}

Test(scheme, lists) {
    bench_scheme s[BENCH_SCHEMES_MAX];
    int count;
    cr_assert_eq(bench_scheme_list("f32,w4a16,w4a16-g128,csr@0.9,csr@90%", s, &count), TARE_OK);
    cr_assert_eq(count, 3, "the same scheme by another name is one scheme");
    cr_assert_eq(bench_scheme_list("f32,,w8a8", s, &count), TARE_E_ARG);
    cr_assert_eq(bench_scheme_list("csr@0.9996,csr@0.9999,csr@99.99%", s, &count), TARE_OK);
    cr_assert_eq(count, 2, "shares that differ are two schemes");
    /* 64 characters, of which the first 63 are a scheme. */
    cr_assert_eq(bench_scheme_list(
                     "csr@0.900000000000000000000000000000000000000000000000000000000x", s, &count),
                 TARE_E_ARG);
    cr_assert_eq(bench_scheme_list("f32,nope", s, &count), TARE_E_ARG);
    cr_assert(strstr(tare_last_error(), "nope"));
}

Test(scheme, baselines_are_dense_and_of_each_family) {
    int seen[4] = {0};
    for (int i = 0; bench_baseline(i); i++) {
        bench_scheme s;
        cr_assert_eq(bench_scheme_parse(bench_baseline(i), &s), TARE_OK);
        cr_assert_eq(s.w.layout, TARE_DENSE);
        seen[s.family - 1]++;
    }
    cr_assert(seen[0] == 3 && seen[1] == 3 && seen[2] == 3 && seen[3] == 0);
}

/* ---- tf32 as a baseline of its own ---- */

static int fit_tf32_only(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    if (p->flags & TARE_TF32) return fake_backend.rows[0]->fit(r, p, f);
    return 0;
}

Test(scheme, tf32_counts_where_a_row_makes_something_of_it) {
    static tare_backend backend;
    static tare_kernel row;
    static const tare_kernel *rows[3];
    tare_device *d;
    rows[0] = fake_backend.rows[0];
    backend = fake_backend;
    backend.rows = rows;
    cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    cr_assert_not(bench_tf32_counts(d), "it would only repeat f32");
    row = *fake_backend.rows[0];
    row.name = "fake_tf32";
    row.fit = fit_tf32_only;
    rows[1] = &row;
    cr_assert(bench_tf32_counts(d));
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK);
    cr_assert_not(bench_tf32_counts(d));
}
