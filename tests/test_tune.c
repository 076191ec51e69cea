/* tare_tune does not believe a row: it looks at y on the caller's weights before it times. Rows
 * that lie with status ok, each in a way of its own, beside one that is right and slow. */
#include "src/internal.h"
#include "tests/fake_backend.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tare_status honest(const tare_run_args *a) {
    return fake_backend.rows[0]->run(a);
}

static tare_status slow(const tare_run_args *a) {
    usleep(2000);
    return honest(a);
}

/* Half of the work, as a library with fewer threads than planned does it. */
static tare_status half(const tare_run_args *a) {
    tare_run_args b = *a;
    b.m = a->m / 2;
    return honest(&b);
}

static tare_status nothing(const tare_run_args *a) {
    (void)a;
    return TARE_OK;
}

static tare_status sums_off(const tare_run_args *a) {
    float *y = fake_bytes(a->y);
    TARE_TRY(honest(a));
    for (int64_t i = 0; i < a->m * a->problem->n; i++) y[i] *= 1.001f;
    return TARE_OK;
}

static tare_status last_column_off(const tare_run_args *a) {
    float *y = fake_bytes(a->y);
    TARE_TRY(honest(a));
    for (int64_t i = 0; i < a->m; i++) y[(i + 1) * a->problem->n - 1] += 0.25f;
    return TARE_OK;
}

static tare_status bias_left_out(const tare_run_args *a) {
    tare_run_args b = *a;
    b.bias = NULL;
    return honest(&b);
}

static tare_kernel right, lies[5];
static const tare_kernel *rows[7];
static tare_backend backend;

/* The rows of a device: those that lie, then the right one where it is wanted. */
static tare_device *device(int with_right) {
    static const struct {
        const char *name;
        tare_status (*run)(const tare_run_args *a);
    } lie[] = {{"matmul_half_fake", half},
               {"matmul_nothing_fake", nothing},
               {"matmul_sums_fake", sums_off},
               {"matmul_column_fake", last_column_off},
               {"matmul_bias_fake", bias_left_out}};
    tare_device *d;
    for (int i = 0; i < 5; i++) {
        lies[i] = *fake_backend.rows[0];
        lies[i].name = lie[i].name, lies[i].run = lie[i].run;
        rows[i] = &lies[i];
    }
    right = *fake_backend.rows[0];
    right.name = "matmul_right_fake", right.run = slow;
    rows[5] = with_right ? &right : NULL;
    backend = fake_backend;
    backend.rows = rows;
    cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    return d;
}

static tare_tensor weights(const char *format, int64_t n, int64_t k) {
    tare_format f;
    tare_tensor t;
    uint64_t seed = 5;
    float *w = malloc((size_t)(n * k) * sizeof *w);
    cr_assert_eq(tare_format_parse(format, &f), TARE_OK);
    fill_weights(w, n, k, &f, PATTERN_SPARSE, &seed);
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK);
    free(w);
    return t;
}

typedef struct told {
    int wrong, declined, fit;
    char why[160];
} told;

static int count(void *ctx, const tare_row_report *r) {
    told *t = ctx;
    t->fit += r->fits;
    t->declined += strstr(r->reason, "declined here") != NULL;
    if (strstr(r->reason, "wrong: y[")) t->wrong++;
    if (strcmp(r->kernel, "matmul_column_fake") == 0)
        snprintf(t->why, sizeof t->why, "%s", r->reason);
    return 0;
}

static void rows_that_lie(int64_t m, int64_t n, int64_t k) {
    tare_tensor t = weights("f32", n, k);
    tare_problem p = tare_problem_matmul(&t, m, TARE_F32, TARE_F32, TARE_BIAS);
    tare_device *d = device(1);
    tare_plan plan;
    told said = {0};
    cr_assert_eq(tare_tune(d, &p, &t, NULL, 0.01), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK);
    cr_expect_str_eq(plan.kernel, "matmul_right_fake");
    cr_expect(plan.measured);
    cr_assert_eq(tare_explain(d, &p, NULL, count, &said), TARE_OK);
    cr_expect_eq(said.wrong, 5);
    cr_expect_eq(said.fit, 1);
    char want[40];
    snprintf(want, sizeof want, "wrong: y[0,%d] is ", (int)(n - 1));
    cr_expect(strstr(said.why, want) && strstr(said.why, "should be"), "%s", said.why);
    p.m++; /* another problem: nothing is known of it */
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK);
    cr_expect_str_eq(plan.kernel, "matmul_half_fake");
    cr_expect_eq(fake.live, 0, "%d blocks and streams were left", fake.live);
    tare_tensor_clear(&t);
}

Test(tune, rows_that_lie_are_declined_and_never_chosen) {
    rows_that_lie(4, 37, 64);
}

Test(tune, also_where_only_a_part_is_looked_at, .timeout = 120) {
    rows_that_lie(24, 1500, 500);
}

Test(tune, one_row_of_x) {
    tare_tensor t = weights("f32", 5, 3);
    tare_problem p = tare_problem_matmul(&t, 1, TARE_F32, TARE_F32, TARE_BIAS | TARE_RELU);
    tare_device *d = device(1);
    tare_plan plan;
    cr_assert_eq(tare_tune(d, &p, &t, NULL, 0.001), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_plan_make(d, &p, NULL, &plan), TARE_OK);
    cr_expect_str_eq(plan.kernel, "matmul_right_fake");
    tare_tensor_clear(&t);
}

Test(tune, nothing_but_lies_is_an_error) {
    tare_tensor t = weights("f32", 37, 64);
    tare_problem p = tare_problem_matmul(&t, 4, TARE_F32, TARE_F32, TARE_BIAS);
    tare_device *d = device(0);
    tare_plan plan;
    cr_expect_eq(tare_tune(d, &p, &t, NULL, 0.01), TARE_E_UNSUPPORTED);
    cr_expect(strstr(tare_last_error(), "wrong: y["), "%s", tare_last_error());
    cr_expect_eq(tare_plan_make(d, &p, NULL, &plan), TARE_E_UNSUPPORTED);
    cr_expect(strstr(tare_last_error(), "wrong: y["), "%s", tare_last_error());
    cr_expect_eq(fake.live, 0);
    tare_tensor_clear(&t);
}

/* Every call of the backend and every allocation fails once; nothing is left behind. */
Test(tune, failures_leave_nothing_behind) {
    tare_tensor t = weights("f32", 8, 16);
    tare_problem p = tare_problem_matmul(&t, 2, TARE_F32, TARE_F32, TARE_BIAS);
    tare_device *d = device(1);
    long live = tare_alloc_live();
    int struck = 0;
    for (int point = 0; point < FAKE_POINTS; point++)
        for (int at = 1; at < 40; at++) {
            tare_declined_forget();
            fake.fail_point = point, fake.fail_at = at;
            tare_status s = tare_tune(d, &p, &t, NULL, 1e-6);
            struck += s != TARE_OK;
            cr_expect_eq(fake.live, 0, "point %d at %d: %d left", point, at, fake.live);
            cr_expect_eq(tare_alloc_live(), live, "point %d at %d", point, at);
        }
    fake.fail_at = 0;
    for (long at = 1; at < 40; at++) {
        tare_declined_forget();
        tare_alloc_fail_at(at);
        tare_status s = tare_tune(d, &p, &t, NULL, 1e-6);
        struck += s == TARE_E_NOMEM;
        tare_alloc_fail_at(0);
        cr_expect_eq(fake.live, 0, "allocation %ld", at);
        cr_expect_eq(tare_alloc_live(), live, "allocation %ld", at);
    }
    cr_expect_gt(struck, 20);
    tare_tensor_clear(&t);
}

/* ---- what is looked at (src/verify.c) ---- */

typedef struct answer {
    tare_tensor t;
    tare_problem p;
    float *bias;
    void *x, *y;
    tare_verify *v;
} answer;

static answer answer_of(const char *format, int64_t m, int64_t n, int64_t k, tare_type x,
                        tare_type y, uint32_t flags) {
    answer a = {.t = weights(format, n, k)};
    uint64_t seed = 9;
    size_t count = (size_t)(m * n);
    a.p = tare_problem_matmul(&a.t, m, x, y, flags);
    a.x = malloc((size_t)(m * k) * 4), a.y = malloc(count * 4);
    a.bias = malloc((size_t)n * sizeof(float));
    fill_x(a.x, x, m, k, &seed);
    for (int64_t i = 0; i < n; i++) a.bias[i] = random_unit(&seed);
    const float *bias = flags & TARE_BIAS ? a.bias : NULL;
    double *ref = malloc(count * sizeof *ref);
    cr_assert_eq(tare_reference(&a.p, &a.t, a.x, bias, ref, NULL), TARE_OK);
    for (size_t i = 0; i < count; i++) tare_store(y, a.y, i, (float)ref[i]);
    cr_assert_eq(tare_verify_make(&a.p, &a.t, a.x, bias, &a.v), TARE_OK, "%s", tare_last_error());
    free(ref);
    return a;
}

static void answer_clear(answer *a) {
    tare_verify_free(a->v);
    tare_tensor_clear(&a->t);
    free(a->x), free(a->y), free(a->bias);
}

/* Adds to rows r0.. and columns c0.. of y; 1: it was seen. Put back afterwards. */
static int seen(answer *a, int64_t r0, int64_t rows_of, int64_t c0, int64_t columns, float add) {
    size_t size = (size_t)(a->p.m * a->p.n) * tare_type_bytes(a->p.y);
    void *y = malloc(size);
    memcpy(y, a->y, size);
    for (int64_t r = r0; r < r0 + rows_of && r < a->p.m; r++)
        for (int64_t c = c0; c < c0 + columns && c < a->p.n; c++) {
            size_t i = (size_t)(r * a->p.n + c);
            tare_store(a->p.y, y, i, tare_load(a->p.y, y, i) + add);
        }
    int wrong = tare_verify_check(a->v, y) == TARE_E_UNSUPPORTED;
    free(y);
    return wrong;
}

Test(tune, a_small_problem_is_looked_at_in_whole) {
    answer a = answer_of("i8-row", 9, 40, 70, TARE_F16, TARE_BF16, TARE_X_I8 | TARE_BIAS);
    cr_assert_eq(tare_verify_check(a.v, a.y), TARE_OK, "%s", tare_last_error());
    for (int64_t r = 0; r < 9; r++)
        for (int64_t c = 0; c < 40; c++)
            cr_expect(seen(&a, r, 1, c, 1, 64), "%d %d", (int)r, (int)c);
    answer_clear(&a);
}

/* Tiles of 16 x 64 anywhere in y, as a kernel has them, and single columns at the ends. */
Test(tune, of_a_large_one_every_tile_is, .timeout = 120) {
    static const int64_t ms[] = {3, 40, 700};
    const float OFF = 1e6f; /* far more than the sums of a row of large values may be off */
    for (int i = 0; i < 3; i++) {
        answer a = answer_of("f32", ms[i], 1000, 8300, TARE_F32, TARE_F32, TARE_RELU * (i == 0));
        cr_assert_eq(tare_verify_check(a.v, a.y), TARE_OK, "%s", tare_last_error());
        for (int64_t r = 0; r < ms[i]; r += 16)
            for (int64_t c = 0; c < 1000; c += 64)
                cr_expect(seen(&a, r, 16, c, 64, OFF), "m %d: a tile at %d, %d", (int)ms[i], (int)r,
                          (int)c);
        for (int64_t r = 0; r < ms[i] && ms[i] < 500; r++) /* of 700 not all are in the pool */
            cr_expect(seen(&a, r, 1, 0, 1000, OFF));
        for (int64_t c = 0; c < 1000; c++) cr_expect(seen(&a, 0, ms[i], c, 1, OFF));
        cr_expect(seen(&a, 0, 1, 0, 1, OFF) && seen(&a, ms[i] - 1, 1, 999, 1, OFF));
        /* What was not written is seen wherever it is. */
        for (int64_t at = 1; at < 40; at++)
            cr_expect(seen(&a, at * 7919 % ms[i], 1, at * 104729 % 1000, 1, NAN));
        answer_clear(&a);
    }
}

/* What a type can't hold is no lie: f16 ends at 65504, sums in f32 at 2^128. */
static void large_weights(float size, tare_type y) {
    enum { M = 3, N = 20, K = 100 };
    static float w[N * K];
    tare_format f;
    tare_tensor t;
    tare_device *cpu;
    told said = {0};
    uint64_t seed = 3;
    for (int i = 0; i < N * K; i++) w[i] = size * random_unit(&seed);
    cr_assert_eq(tare_device_find("cpu", &cpu), TARE_OK);
    cr_assert_eq(tare_format_parse("f32", &f), TARE_OK);
    cr_assert_eq(tare_encode(&f, N, K, w, &t), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, M, TARE_F32, y, 0);
    cr_assert_eq(tare_tune(cpu, &p, &t, NULL, 1e-6), TARE_OK, "%g: %s", (double)size,
                 tare_last_error());
    cr_assert_eq(tare_explain(cpu, &p, NULL, count, &said), TARE_OK);
    cr_expect_eq(said.declined, 0);
    static float x[M * K];
    static uint32_t nothing_written[M * N], last_missing[M * N];
    memset(nothing_written, 0xff, sizeof nothing_written);
    last_missing[y == TARE_F32 ? M * N - 1 : (M * N - 1) / 2] = ~0u;
    tare_verify *v;
    for (int i = 0; i < M * K; i++) x[i] = random_unit(&seed);
    cr_assert_eq(tare_verify_make(&p, &t, x, NULL, &v), TARE_OK);
    cr_expect_neq(tare_verify_check(v, nothing_written), TARE_OK);
    cr_expect_neq(tare_verify_check(v, last_missing), TARE_OK);
    tare_verify_free(v);
    tare_tensor_clear(&t);
}

Test(tune, what_overflows_is_no_lie) {
    large_weights(1e4f, TARE_F16);
    large_weights(1e6f, TARE_F16);
    large_weights(1e30f, TARE_BF16);
    large_weights(3e38f, TARE_F32); /* zeros beside the NaN are wrong all the same */
}

/* Right rows are not called liars: every format that the CPU takes, sums, bias and ReLU. */
Test(tune, the_rows_of_the_cpu_are_believed, .timeout = 120) {
    static const char *const names[] = {"f32",      "f16",       "bf16",         "i8-row",
                                        "i8-g64-z", "i4-g64",    "f8-row",       "2:4/i8-row",
                                        "csr/f32",  "bs4x4/f32", "bitmap/i8-row"};
    static const tare_type types[] = {TARE_F32, TARE_F16, TARE_BF16};
    tare_device *cpu;
    cr_assert_eq(tare_device_find("cpu", &cpu), TARE_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int j = 0; j < 6; j++) {
            tare_tensor t = weights(names[i], 131, 200);
            uint32_t flags = TARE_BIAS | (j % 2 ? TARE_RELU : 0);
            if (j >= 3) flags |= tare_x_quantised(&t.format);
            tare_problem p =
                tare_problem_matmul(&t, j == 0 ? 1 : 19, types[j % 3], types[j / 2], flags);
            told said = {0};
            cr_assert_eq(tare_tune(cpu, &p, &t, NULL, 1e-6), TARE_OK, "%s: %s", names[i],
                         tare_last_error());
            cr_assert_eq(tare_explain(cpu, &p, NULL, count, &said), TARE_OK);
            cr_expect_eq(said.declined, 0, "%s", names[i]);
            tare_tensor_clear(&t);
        }
}
