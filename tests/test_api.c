/* The public calls at their edges: bad arguments have an answer and a text, plans force and refuse
 * rows, explain shows every row, routes name what they chose. */
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tare_tensor make(const char *name, int64_t n, int64_t k) {
    tare_format f;
    tare_tensor t;
    uint64_t state = 3;
    float *w = malloc((size_t)(n * k) * sizeof *w);
    cr_assert_eq(tare_format_parse(name, &f), TARE_OK);
    fill_weights(w, n, k, &f, PATTERN_SPARSE, &state);
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK, "%s", tare_last_error());
    free(w);
    return t;
}

static tare_device *cpu(void) {
    tare_device *d;
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK);
    return d;
}

Test(api, a_missing_device_is_named) {
    tare_device *d = cpu();
    cr_assert_eq(tare_device_find("quantum:7", &d), TARE_E_NODEVICE);
    cr_assert_null(d);
    cr_assert_not_null(strstr(tare_last_error(), "quantum:7"));
}

Test(api, problems_are_checked) {
    tare_tensor t = make("f32", 8, 8);
    tare_problem good = tare_problem_matmul(&t, 4, TARE_F32, TARE_F32, 0), p = good;
    cr_assert_eq(tare_problem_check(&p), TARE_OK);
    p.m = 0;
    cr_assert_eq(tare_problem_check(&p), TARE_E_SHAPE);
    p = good;
    p.n = p.k = INT32_MAX;
    cr_assert_eq(tare_problem_check(&p), TARE_E_SHAPE);
    p = good;
    p.m = INT64_MAX;
    cr_assert_eq(tare_problem_check(&p), TARE_E_SHAPE);
    p = good;
    p.x = TARE_I8;
    cr_assert_eq(tare_problem_check(&p), TARE_E_ARG);
    p = good;
    p.flags = TARE_X_I8;
    cr_assert_eq(tare_problem_check(&p), TARE_E_ARG, "int8 activations with float weights");
    p.flags = 1u << 30;
    cr_assert_eq(tare_problem_check(&p), TARE_E_ARG);
    tare_tensor_clear(&t);
}

Test(api, a_forced_row_is_taken_or_refused_by_name) {
    tare_tensor t = make("csr/f32", 16, 32);
    tare_problem p = tare_problem_matmul(&t, 2, TARE_F32, TARE_F32, 0);
    tare_plan plan;
    tare_plan_options o = {.only = "matmul_any_ref"};
    cr_assert_eq(tare_plan_make(cpu(), &p, &o, &plan), TARE_OK);
    cr_assert_str_eq(plan.kernel, "matmul_any_ref");
    o.only = "matmul_nothing";
    cr_assert_eq(tare_plan_make(cpu(), &p, &o, &plan), TARE_E_UNSUPPORTED);
    cr_assert_not_null(strstr(tare_last_error(), "matmul_nothing"));
    cr_assert_null(plan.row);
    tare_tensor_clear(&t);
}

Test(api, the_reference_is_the_last_choice) {
    tare_tensor t = make("i8-row", 64, 64);
    tare_problem p = tare_problem_matmul(&t, 4, TARE_F32, TARE_F32, TARE_X_I8);
    tare_plan plan;
    cr_assert_eq(tare_plan_make(cpu(), &p, NULL, &plan), TARE_OK);
    cr_assert_str_neq(plan.kernel, "matmul_any_ref");
    tare_tensor_clear(&t);
}

typedef struct seen {
    int rows, chosen, mute;
} seen;

static int look(void *ctx, const tare_row_report *r) {
    seen *s = ctx;
    s->rows++;
    s->chosen += r->chosen;
    s->mute += !r->fits && !r->reason[0];
    return 0;
}

Test(api, explain_shows_every_row_and_one_choice) {
    tare_tensor t = make("bitmap/f32", 33, 65);
    tare_problem p = tare_problem_matmul(&t, 4, TARE_F32, TARE_F32, TARE_BIAS);
    seen s = {0};
    int rows = 0;
    for (const tare_kernel *const *r = cpu()->backend->rows; *r; r++) rows++;
    cr_assert_eq(tare_explain(cpu(), &p, NULL, look, &s), TARE_OK);
    cr_assert_eq(s.rows, rows);
    cr_assert_eq(s.chosen, 1);
    cr_assert_eq(s.mute, 0, "a refusal without a reason");
    tare_tensor_clear(&t);
}

Test(api, route_names_its_device) {
    tare_tensor t = make("f32", 31, 17);
    tare_problem p = tare_problem_matmul(&t, 4, TARE_F32, TARE_F32, 0);
    tare_plan plan;
    cr_assert_eq(tare_route(&p, NULL, 0, NULL, &plan), TARE_OK);
    cr_assert_not_null(plan.device);
    cr_assert_not_null(plan.kernel);
    cr_assert_gt(plan.cost_ns, 0);
    tare_tensor_clear(&t);
}

Test(api, tuning_replaces_the_model) {
    tare_tensor t = make("f32", 64, 96);
    tare_problem p = tare_problem_matmul(&t, 4, TARE_F32, TARE_F32, TARE_BIAS);
    tare_plan plan;
    cr_assert_eq(tare_plan_make(cpu(), &p, NULL, &plan), TARE_OK);
    cr_assert_eq(plan.measured, 0);
    cr_assert_eq(tare_tune(cpu(), &p, &t, NULL, 0.05), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_plan_make(cpu(), &p, NULL, &plan), TARE_OK);
    cr_assert_eq(plan.measured, 1);
    tare_tensor_clear(&t);
}

Test(api, run_checks_what_it_is_given) {
    tare_tensor t = make("f32", 16, 8), u = make("f32", 16, 9);
    tare_problem p = tare_problem_matmul(&t, 4, TARE_F32, TARE_F32, 0);
    tare_plan plan;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y, *small;
    cr_assert_eq(tare_plan_make(cpu(), &p, NULL, &plan), TARE_OK);
    cr_assert_eq(tare_pack(&plan, &u, &w), TARE_E_ARG, "a tensor of another shape");
    cr_assert_null(w);
    cr_assert_eq(tare_pack(&plan, &t, &w), TARE_OK);
    cr_assert_eq(tare_stream_create(cpu(), &s), TARE_OK);
    cr_assert_eq(tare_buffer_create(cpu(), 4 * 8 * 4, &x), TARE_OK);
    cr_assert_eq(tare_buffer_create(cpu(), 4 * 16 * 4, &y), TARE_OK);
    cr_assert_eq(tare_buffer_create(cpu(), 12, &small), TARE_OK);
    memset(x->mem, 0, x->bytes);
    if (plan.scratch_bytes)
        cr_assert_eq(tare_run(&plan, w, s, x, NULL, y, 0), TARE_E_ARG, "scratch was not reserved");
    cr_assert_eq(tare_stream_reserve(s, &plan), TARE_OK);
    cr_assert_eq(tare_run(&plan, w, s, x, NULL, y, 0), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_run(&plan, w, s, x, NULL, y, 5), TARE_E_ARG, "more rows than planned");
    cr_assert_eq(tare_run(&plan, w, s, small, NULL, y, 0), TARE_E_ARG, "x too small");
    cr_assert_eq(tare_run(&plan, w, s, x, NULL, small, 0), TARE_E_ARG, "y too small");
    cr_assert_eq(tare_run(&plan, w, s, x, small, y, 0), TARE_E_ARG, "a bias nobody planned");
    cr_assert_eq(tare_buffer_write(s, x, 120, x->mem, 16), TARE_E_ARG, "past the end");
    tare_buffer_destroy(small);
    tare_buffer_destroy(y);
    tare_buffer_destroy(x);
    tare_stream_destroy(s);
    tare_packed_destroy(w);
    tare_tensor_clear(&u);
    tare_tensor_clear(&t);
}

Test(api, statuses_have_texts) {
    for (int i = 0; i < 12; i++) cr_assert_gt(strlen(tare_status_text((tare_status)i)), 1);
}
