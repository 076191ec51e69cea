/* The row over wgmma on the emulator, where it is meant to run: more rows of x than a block has,
 * more tiles than there are stages, in each shape of the kernel; when it is chosen, and why not. */
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROW "matmul_bs_wgmma"

static const struct kind {
    const char *format;
    tare_type x, y;
    int64_t m, n, k;
    uint32_t flags;
    pattern pattern;
} kinds[] = {
    {"bs64x64/f16", TARE_F16, TARE_F16, 520, 200, 1000, TARE_BIAS, PATTERN_SPARSE},
    {"bs128x128/bf16", TARE_BF16, TARE_F32, 300, 320, 1160, TARE_BIAS | TARE_RELU, PATTERN_SPARSE},
    {"bs128x64/f16", TARE_F16, TARE_F32, 257, 130, 2113, 0, PATTERN_FULL},
    {"bs192x64/bf16", TARE_BF16, TARE_BF16, 256, 400, 703, TARE_RELU, PATTERN_FULL}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static tare_device *device(void) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cuda:0", &d), TARE_OK, "%s", tare_last_error());
    return d;
}

#define OK(call) cr_assert_eq(call, TARE_OK, "%s", tare_last_error())

/* y of p, by the plan for it, of its first m rows. */
static void multiply(const tare_plan *plan, const tare_tensor *t, const void *x, const float *bias,
                     int64_t m, void *y) {
    const tare_problem *p = &plan->problem;
    size_t xn = (size_t)(p->m * p->k) * tare_type_bytes(p->x);
    size_t yn = (size_t)(m * p->n) * tare_type_bytes(p->y), bn = (size_t)p->n * sizeof(float);
    tare_packed *w = NULL;
    tare_stream *s = NULL;
    tare_buffer *xb = NULL, *yb = NULL, *bb = NULL;
    OK(tare_pack(plan, t, &w));
    OK(tare_stream_create(plan->device, &s));
    OK(tare_stream_reserve(s, plan));
    OK(tare_buffer_create(plan->device, xn, &xb));
    OK(tare_buffer_create(plan->device, yn, &yb));
    OK(tare_buffer_write(s, xb, 0, x, xn));
    if (bias) {
        OK(tare_buffer_create(plan->device, bn, &bb));
        OK(tare_buffer_write(s, bb, 0, bias, bn));
    }
    OK(tare_run(plan, w, s, xb, bb, yb, m));
    OK(tare_buffer_read(s, yb, 0, y, yn));
    OK(tare_stream_sync(s));
    tare_buffer_destroy(xb);
    tare_buffer_destroy(yb);
    tare_buffer_destroy(bb);
    tare_stream_destroy(s);
    tare_packed_destroy(w);
}

static void check(const struct kind *q) {
    uint64_t seed = 9;
    size_t count = (size_t)(q->m * q->n);
    float *w = malloc((size_t)(q->n * q->k) * sizeof *w), *bias = malloc((size_t)q->n * 4);
    void *x = malloc((size_t)(q->m * q->k) * 4), *y = malloc(count * 4);
    double *ref = malloc(count * sizeof *ref), *mag = malloc(count * sizeof *mag);
    tare_format f;
    tare_tensor t;
    tare_plan plan;
    OK(tare_format_parse(q->format, &f));
    fill_weights(w, q->n, q->k, &f, q->pattern, &seed);
    OK(tare_encode(&f, q->n, q->k, w, &t));
    fill_x(x, q->x, q->m, q->k, &seed);
    for (int64_t i = 0; i < q->n; i++) bias[i] = random_unit(&seed);
    const float *b = q->flags & TARE_BIAS ? bias : NULL;
    tare_problem p = tare_problem_matmul(&t, q->m, q->x, q->y, q->flags);
    OK(tare_plan_make(device(), &p, &(tare_plan_options){.only = ROW}, &plan));
    OK(tare_reference(&p, &t, x, b, ref, mag));
    for (int fewer = 0; fewer < 2; fewer++) {
        int64_t m = fewer ? q->m / 2 + 1 : q->m;
        memset(y, 0xff, count * 4);
        multiply(&plan, &t, x, b, m, y);
        for (size_t i = 0; i < (size_t)(m * q->n); i++)
            cr_assert(fabs((double)tare_load(q->y, y, i) - ref[i]) <=
                          tare_error_bound(&p, ref[i], mag[i]),
                      "%s: y[%zu, %zu] is %g, not %g", q->format, i / (size_t)q->n,
                      i % (size_t)q->n, (double)tare_load(q->y, y, i), ref[i]);
    }
    free(w), free(bias), free(x), free(y), free(ref), free(mag);
    tare_tensor_clear(&t);
}

Test(cuda_bs_wgmma, many_rows, .timeout = 300) {
    for (int i = 0; i < KINDS; i++) check(&kinds[i]);
}
/* In other orders a stage that is refilled too early, or read too early, gives other sums. */
Test(cuda_bs_wgmma, many_rows_in_reverse, .timeout = 300) {
    setenv("TARE_EMU_ORDER", "reverse", 1);
    for (int i = 0; i < KINDS; i++) check(&kinds[i]);
}
Test(cuda_bs_wgmma, many_rows_in_any_order, .timeout = 300) {
    setenv("TARE_EMU_ORDER", "random:3", 1);
    for (int i = 0; i < KINDS; i++) check(&kinds[i]);
}
/* Without the barrier a warpgroup multiplies what the other has not fetched. */
Test(cuda_bs_wgmma, a_warpgroup_ahead, .timeout = 300) {
    setenv("TARE_EMU_ORDER", "ahead", 1);
    for (int i = 0; i < KINDS; i++) check(&kinds[i]);
}

static tare_problem problem(const char *format, tare_type x, int64_t m, uint32_t flags) {
    tare_problem p = {.op = TARE_MATMUL, .m = m, .n = 4096, .k = 4096, .x = x, .y = x};
    OK(tare_format_parse(format, &p.w));
    p.flags = flags;
    p.nnz = p.n * p.k / 2;
    return p;
}

/* As predicted: many rows of x, not one. */
Test(cuda_bs_wgmma, chosen_for_many_rows) {
    static const int64_t ms[] = {1, 16, 512, 4096};
    for (int i = 0; i < 4; i++) {
        tare_problem p = problem("bs64x64/f16", TARE_F16, ms[i], 0);
        tare_plan plan;
        OK(tare_plan_make(device(), &p, NULL, &plan));
        cr_expect_eq(strcmp(plan.row->name, ROW) == 0, ms[i] >= 512, "m %d: %s", (int)ms[i],
                     plan.row->name);
    }
}

static void refused(const char *format, tare_type x, uint32_t flags, const char *why) {
    tare_problem p = problem(format, x, 512, flags);
    tare_plan plan;
    cr_assert_neq(tare_plan_make(device(), &p, &(tare_plan_options){.only = ROW}, &plan), TARE_OK);
    cr_expect_not_null(strstr(tare_last_error(), why), "'%s'", tare_last_error());
}
Test(cuda_bs_wgmma, refuses) {
    refused("csr/f16", TARE_F16, 0, "block-sparse");
    refused("bs32x64/f16", TARE_F16, 0, "multiples of 64");
    refused("bs64x64/f32", TARE_F32, 0, "takes f16, bf16 values");
    refused("bs64x64/f16", TARE_F32, 0, "takes x in f16, bf16");
    refused("bs64x64/bf16", TARE_F16, 0, "of the values' type");
}

/* Code for sm_90a runs on 9.0 alone. */
static void lacks(const char *sm) {
    setenv("TARE_EMU_SM", sm, 1);
    refused("bs64x64/f16", TARE_F16, 0, "sm90a");
}
Test(cuda_bs_wgmma, older_device) {
    lacks("89");
}
Test(cuda_bs_wgmma, newer_device) {
    lacks("100");
}
