/* Every f8 code through every row that takes f8 weights, of every device: x picks out columns of W,
 * so that each value of y is one code's value and must be exact, subnormals and both zeros
 * included. Random weights meet few subnormals, and the error bound would forgive the loss of one.
 */
#include "cpu/x_f8.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODES = 254, K = 70, M = 70 };

/* All but the two NaNs. */
static uint8_t code_of(int64_t row, int64_t column) {
    int i = (int)((row + column) % CODES);
    return (uint8_t)(i < 127 ? i : i + 1);
}

typedef struct rig {
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y;
} rig;

static tare_status multiply(const tare_plan *plan, const tare_tensor *t, const void *x, float *y,
                            rig *r) {
    const tare_problem *p = &plan->problem;
    size_t xs = (size_t)(p->m * p->k) * tare_type_bytes(p->x),
           ys = (size_t)(p->m * p->n) * sizeof *y;
    TARE_TRY(tare_pack(plan, t, &r->w));
    TARE_TRY(tare_stream_create(plan->device, &r->s));
    TARE_TRY(tare_stream_reserve(r->s, plan));
    TARE_TRY(tare_buffer_create(plan->device, xs, &r->x));
    TARE_TRY(tare_buffer_create(plan->device, ys, &r->y));
    TARE_TRY(tare_buffer_write(r->s, r->x, 0, x, xs));
    TARE_TRY(tare_run(plan, r->w, r->s, r->x, NULL, r->y, 0));
    TARE_TRY(tare_buffer_read(r->s, r->y, 0, y, ys));
    return tare_stream_sync(r->s);
}

/* m rows of x, of which row i is `one` at column at[i] and zero elsewhere. 1: the row took it. */
static int check(tare_device *d, const tare_kernel *row, const tare_tensor *t, tare_type type,
                 uint32_t flags, int m) {
    static float x[M * K], y[M * CODES];
    float one = flags & TARE_X_F8 ? 448 : 1; /* the scale is 1 */
    tare_problem p = tare_problem_matmul(t, m, type, TARE_F32, flags);
    tare_plan plan;
    char why[160];
    rig r;
    if (!tare_plan_row(d, row, &p, NULL, &plan, why)) return 0;
    memset(&r, 0, sizeof r);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < K; j++)
            tare_store(type, x, (size_t)(i * K + j), j == (m == M ? i : 23 * i) ? one : 0);
    tare_status s = multiply(&plan, t, x, y, &r);
    tare_packed_destroy(r.w);
    tare_stream_destroy(r.s);
    tare_buffer_destroy(r.x);
    tare_buffer_destroy(r.y);
    cr_assert_eq(s, TARE_OK, "%s: %s", row->name, tare_last_error());
    for (int i = 0; i < m; i++)
        for (int n = 0; n < CODES; n++) {
            uint8_t code = code_of(n, m == M ? i : 23 * i);
            float want = one * tare_f8_to_f32(code), got = y[i * CODES + n];
            cr_assert_eq(got, want, "%s, x %s, %d rows: 0x%02x is %g, must be %g", row->name,
                         tare_type_name(type), m, code, (double)got, (double)want);
        }
    return 1;
}

static void check_row(tare_device *d, const tare_kernel *row, int scaling, int *taken) {
    static const tare_type types[] = {TARE_F32, TARE_F16, TARE_BF16};
    static uint8_t codes[CODES * K];
    static float scales[CODES];
    tare_tensor t = {.n = CODES, .k = K, .nnz = CODES * K};
    t.format.value = TARE_F8;
    t.format.layout = TARE_DENSE;
    t.format.scaling = (tare_scaling)scaling;
    for (int n = 0; n < CODES; n++)
        for (int k = 0; k < K; k++) codes[n * K + k] = code_of(n, k);
    for (int n = 0; n < CODES; n++) scales[n] = 1;
    t.part[TARE_VALUES] = (tare_part){codes, sizeof codes};
    t.part[TARE_SCALES] = (tare_part){scales, (scaling == TARE_SCALE_ROW ? CODES : 1) * 4};
    cr_assert_eq(tare_validate(&t), TARE_OK, "%s", tare_last_error());
    for (int i = 0; i < 3; i++)
        for (int q = 0; q < 2; q++) {
            *taken += check(d, row, &t, types[i], q ? TARE_X_F8 : 0, M);
            *taken += check(d, row, &t, types[i], q ? TARE_X_F8 : 0, 3);
        }
}

Test(f8_codes, through_every_row, .timeout = 120) {
    for (int i = 0; i < tare_device_count(); i++) {
        tare_device *d = tare_device_get(i);
        int taken = 0;
        for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
            char why[160];
            if (!tare_plan_features(d, *row, why)) continue;
            check_row(d, *row, TARE_SCALE_ROW, &taken);
            check_row(d, *row, TARE_SCALE_TENSOR, &taken);
        }
        if (i == 0) cr_expect_gt(taken, 0, "nothing takes f8 on the CPU");
        printf("f8_codes %s: %d products\n", d->info.id, taken);
    }
}

/* What the CPU's rows round x with, to the bit. */
Test(f8_codes, rounding_of_x) {
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += bits < 0x3a000000u ? 65521 : 127) {
        float v = f8_float(bits), want = tare_f8_to_f32(tare_f32_to_f8(v));
        cr_assert_eq(f8_nearest(v), want, "%a: %g, must be %g", (double)v, (double)f8_nearest(v),
                     (double)want);
        cr_assert_eq(f8_nearest(-v), -want, "-%a", (double)v);
    }
    for (int code = 1; code < 0x7f; code++) { /* ties, and what lies beside them */
        float tie = (tare_f8_to_f32((uint8_t)code) + tare_f8_to_f32((uint8_t)(code - 1))) / 2;
        for (uint32_t off = 0; off < 3; off++) {
            float v = f8_float(f8_bits(tie) - 1 + off);
            cr_assert_eq(f8_nearest(v), tare_f8_to_f32(tare_f32_to_f8(v)), "%a", (double)v);
        }
    }
}
