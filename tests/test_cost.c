/* What rows say of their cost: with many rows of x a narrower instruction set must promise less, or
 * the planner could take it where a wider one is there. */
#include "cpu/cpu.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { N = 512, K = 1024, M = 256 };

typedef struct costs {
    double wide, avx2, portable; /* 0: no such row here */
    char chosen[64];
} costs;

static int ends(const char *name, const char *suffix) {
    size_t n = strlen(name), s = strlen(suffix);
    return n >= s && strcmp(name + n - s, suffix) == 0;
}

static int collect(void *ctx, const tare_row_report *r) {
    costs *c = ctx;
    if (!r->fits || r->vendor) return 0;
    double ns = r->plan.cost_ns;
    if (ends(r->kernel, "_c")) c->portable = ns;
    if (ends(r->kernel, "_avx2")) c->avx2 = ns;
    if (ends(r->kernel, "_avx512") || ends(r->kernel, "_vnni") || ends(r->kernel, "_vbmi2"))
        if (c->wide == 0 || ns < c->wide) c->wide = ns;
    if (r->chosen) snprintf(c->chosen, sizeof c->chosen, "%s", r->kernel);
    return 0;
}

static costs costs_of(const char *format, uint32_t flags) {
    static float w[N * K];
    tare_plan_options own = {.own_only = 1};
    tare_format f;
    tare_tensor t;
    costs c = {0};
    uint64_t state = 5;
    cr_assert_eq(tare_format_parse(format, &f), TARE_OK);
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    cr_assert_eq(tare_encode(&f, N, K, w, &t), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, M, TARE_F32, TARE_F32, flags);
    cr_assert_eq(tare_explain(tare_device_get(0), &p, &own, collect, &c), TARE_OK);
    tare_tensor_clear(&t);
    return c;
}

Test(cost, a_narrower_row_promises_less) {
    static const struct {
        const char *format;
        uint32_t flags;
    } cases[] = {{"f32", 0},
                 {"f16", 0},
                 {"bf16", 0},
                 {"i8-row", 0},
                 {"i4-g64", 0},
                 {"f8-row", 0},
                 {"2:4/f32", 0},
                 {"csr/f32", 0},
                 {"bs4x4/f32", 0},
                 {"bitmap/f32", 0},
                 {"i8-row", TARE_X_I8},
                 {"i4-g64", TARE_X_I8},
                 {"f8-row", TARE_X_F8},
                 {"2:4/i8-row", TARE_X_I8},
                 {"bitmap/i8-row", TARE_X_I8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        costs c = costs_of(cases[i].format, cases[i].flags);
        cr_expect(c.portable > 0, "%s: no portable row", cases[i].format);
        if (c.avx2 > 0)
            cr_expect(c.portable > 1.2 * c.avx2, "%s: portable %g, avx2 %g", cases[i].format,
                      c.portable, c.avx2);
        if (c.wide > 0)
            cr_expect(c.avx2 > 1.2 * c.wide, "%s: avx2 %g, wide %g", cases[i].format, c.avx2,
                      c.wide);
    }
}

Test(cost, the_widest_row_is_chosen) {
    uint64_t f = cpu_features();
    costs c = costs_of("i8-row", 0);
    cr_expect_str_eq(c.chosen, f & CPU_AVX512 ? "matmul_w8_avx512"
                               : f & CPU_AVX2 ? "matmul_w8_avx2"
                                              : "matmul_w8_c");
}
