/* What a device says when none of its rows accepts: the word of the rows that come nearest,
 * whatever stands behind them in the table. */
#include "src/internal.h"
#include "tests/fake_backend.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static int say(tare_fit *f, const char *why) {
    snprintf(f->why, sizeof f->why, "%s", why);
    return 0;
}

static int fit_i8(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    (void)rates;
    if (p->w.value != TARE_I8 || p->w.layout != TARE_DENSE) return say(f, "takes dense i8 weights");
    if (!(p->flags & TARE_X_I8)) return say(f, "takes int8 activations");
    f->packed_bytes = f->scratch_bytes = 64;
    f->cost_ns = 1;
    return 1;
}

static int fit_csr(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    (void)rates, (void)p;
    return say(f, "takes CSR weights");
}

static int fit_many(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static int calls;
    char why[40];
    (void)rates, (void)p;
    snprintf(why, sizeof why, "reason number %d", calls++);
    return say(f, why);
}

static tare_kernel i8, csr, twin;
static tare_backend backend;

/* A device whose rows are these, up to a null. */
static tare_device *device(const tare_kernel *const *rows) {
    tare_device *d;
    i8 = csr = twin = *fake_backend.rows[0];
    i8.name = "matmul_i8_fake", i8.fit = fit_i8;
    csr.name = "matmul_csr_fake", csr.fit = fit_csr;
    twin.name = "matmul_twin_fake", twin.fit = fit_csr;
    backend = fake_backend;
    backend.rows = rows;
    cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    return d;
}

static const char *refusal(tare_device *d, const char *format, const char *only) {
    tare_tensor t = {.n = 8, .k = 32, .nnz = 256};
    tare_plan plan;
    tare_plan_options o = {.only = only};
    cr_assert_eq(tare_format_parse(format, &t.format), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, 1, TARE_F32, TARE_F32, 0);
    cr_assert_eq(tare_plan_make(d, &p, &o, &plan), TARE_E_UNSUPPORTED);
    return tare_last_error();
}

Test(refusal, quotes_the_row_for_these_weights) {
    static const tare_kernel *const rows[] = {&csr, &i8, &twin, NULL};
    const char *said = refusal(device(rows), "i8-row", NULL);
    cr_assert(strstr(said, "matmul_i8_fake takes int8 activations"), "%s", said);
    cr_assert_not(strstr(said, "CSR"), "%s", said);
}

Test(refusal, else_each_reason_once) {
    static const tare_kernel *const rows[] = {&csr, &i8, &twin, NULL};
    const char *said = refusal(device(rows), "f32", NULL), *first = strstr(said, "CSR");
    cr_assert(first && !strstr(first + 1, "CSR") && strstr(said, "takes dense i8"), "%s", said);
}

Test(refusal, a_named_row_speaks_for_itself) {
    static const tare_kernel *const rows[] = {&i8, &csr, NULL};
    tare_device *d = device(rows);
    cr_assert(
        strstr(refusal(d, "i8-row", "matmul_csr_fake"), "matmul_csr_fake refuses: takes CSR"));
    cr_assert(strstr(refusal(d, "i8-row", "matmul_no_fake"), "has no kernel 'matmul_no_fake'"));
}

Test(refusal, many_reasons_are_counted) {
    enum { ROWS = 7 };
    static tare_kernel many[ROWS];
    static const tare_kernel *rows[ROWS + 1];
    static char names[ROWS][16];
    for (int i = 0; i < ROWS; i++) {
        snprintf(names[i], sizeof names[i], "row_%d", i);
        many[i] = *fake_backend.rows[0];
        many[i].name = names[i], many[i].fit = fit_many;
        rows[i] = &many[i];
    }
    tare_device *d = device(rows);
    const char *said = refusal(d, "f32", NULL);
    cr_assert(strstr(said, "and 3 more reasons"), "%s", said);
}

Test(refusal, a_device_without_rows_says_so) {
    static const tare_kernel *const rows[] = {NULL};
    const char *said = refusal(device(rows), "f32", NULL);
    cr_assert(strstr(said, "it has no rows"), "%s", said);
}

static tare_status shrug(void *state, void *stream, const tare_problem *p) {
    (void)state, (void)stream, (void)p;
    return tare_fail(TARE_E_UNSUPPORTED, "the library has nothing for it");
}

/* A row that only finds out on the device is passed over from then on, with what it said. */
Test(refusal, declined_on_the_device) {
    static const tare_kernel *const rows[] = {&i8, &twin, NULL};
    tare_device *d = device(rows);
    tare_tensor t = {.n = 8, .k = 32, .nnz = 256};
    tare_plan plan;
    tare_stream *s;
    i8.prepare = shrug;
    twin.fit = fit_i8;
    cr_assert_eq(tare_format_parse("i8-row", &t.format), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, 1, TARE_F32, TARE_F32, TARE_X_I8);
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK);
    cr_assert_str_eq(plan.kernel, "matmul_i8_fake");
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cr_assert_eq(tare_stream_reserve(s, &plan), TARE_E_UNSUPPORTED);
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK);
    cr_assert_str_eq(plan.kernel, "matmul_twin_fake");
    cr_assert_eq(tare_stream_reserve(s, &plan), TARE_OK);
    tare_plan_options only = {.only = "matmul_i8_fake"};
    cr_assert_eq(tare_plan_make(d, &p, &only, &plan), TARE_E_UNSUPPORTED);
    cr_expect_not_null(strstr(tare_last_error(), "declined here: the library has nothing for it"),
                       "%s", tare_last_error());
    p.m = 2; /* another problem is another question */
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK);
    cr_assert_str_eq(plan.kernel, "matmul_i8_fake");
    tare_stream_destroy(s);
}
