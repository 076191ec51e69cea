/* A NaN or an infinity in x, through every row of every device (tests/rowxnan.c), and through the
 * reference itself, which those checks lean on for the other rows of y only. */
#include "tests/rowcheck.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct target {
    int device;
    char row[64];
} target;

/* TARE_TEST_WANTS: only devices whose id begins so, and at least one of them. */
static int is_asked(const tare_device *d) {
    const char *only = getenv("TARE_TEST_WANTS");
    return !only || strncmp(d->info.id, only, strlen(only)) == 0;
}

static int list_rows(target *out) {
    int n = 0;
    for (int i = 0; i < tare_device_count(); i++)
        for (const tare_kernel *const *r = tare_device_get(i)->backend->rows;
             is_asked(tare_device_get(i)) && *r; r++, n++)
            if (out) {
                out[n].device = i;
                snprintf(out[n].row, sizeof out[n].row, "%s", (*r)->name);
            }
    return n;
}

static void free_rows(struct criterion_test_params *p) {
    cr_free(p->params);
}

Test(xnan, has_rows) {
    cr_assert_gt(list_rows(NULL), 0);
}

ParameterizedTestParameters(xnan, every_row) {
    int n = list_rows(NULL);
    target *t = cr_malloc((size_t)n * sizeof *t + 1);
    list_rows(t);
    return cr_make_param_array(target, t, (size_t)n, free_rows);
}

ParameterizedTest(target *t, xnan, every_row, .timeout = 900) {
    tare_device *d = tare_device_get(t->device);
    rowcheck c = {.seed = 20261128};
    char why[160];
    for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
        if (strcmp((*row)->name, t->row) != 0) continue;
        if (!tare_plan_features(d, *row, why)) cr_skip_test("%s: %s", t->row, why);
        cr_expect(rowcheck_xnan(d, *row, &c), "%s %s", d->info.id, c.failure);
        cr_expect_gt(c.runs, 0, "%s: nothing ran", t->row);
    }
}

static void reference(const char *format, uint32_t flags, float bad) {
    enum { M = 3, N = 5, K = 70 };
    static float w[N * K], x[M * K], bias[N];
    static double y[M * N], mag[M * N];
    tare_format f;
    tare_tensor t;
    cr_assert_eq(tare_format_parse(format, &f), TARE_OK);
    for (int i = 0; i < N * K; i++) w[i] = i / K == 2 ? 0 : (float)(i % 7 - 3); /* a row of zeros */
    for (int i = 0; i < M * K; i++) x[i] = (float)(i % 5 - 2);
    for (int i = 0; i < N; i++) bias[i] = -1000;
    x[K + 69] = bad;
    cr_assert_eq(tare_encode(&f, N, K, w, &t), TARE_OK);
    tare_problem p = tare_problem_matmul(&t, M, TARE_F32, TARE_F32, flags);
    const float *b = flags & TARE_BIAS ? bias : NULL;
    cr_assert_eq(tare_reference(&p, &t, x, b, y, mag), TARE_OK, "%s", tare_last_error());
    for (int i = 0; i < M * N; i++)
        cr_expect_eq(isnan(y[i]) != 0, i / N == 1, "%s flags %u, x has %g: y[%d,%d] is %g", format,
                     (unsigned)flags, (double)bad, i / N, i % N, y[i]);
    tare_tensor_clear(&t);
}

Test(xnan, the_reference_says_nan_for_the_whole_row) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    static const uint32_t ends[] = {0, TARE_RELU, TARE_BIAS, TARE_BIAS | TARE_RELU};
    for (int i = 0; i < 12; i++) {
        reference("i8-row", TARE_X_I8 | ends[i / 3], bad[i % 3]);
        reference("i4-g64-z", TARE_X_I8 | ends[i / 3], bad[i % 3]);
        reference("csr/i8-row", TARE_X_I8 | ends[i / 3], bad[i % 3]);
        reference("f8-row", TARE_X_F8 | ends[i / 3], bad[i % 3]);
        reference("bitmap/f8-row", TARE_X_F8 | ends[i / 3], bad[i % 3]);
    }
}
