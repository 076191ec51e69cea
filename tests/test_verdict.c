/* Verdicts: against the best dense cell of the run that a scheme has to beat, never against a
 * convenient one. */
#include "bench/cell.h"
#include "bench/interval.h"
#include "bench/total.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 101 };

/* A cell of `count` samples around `ns`, spread by `spread` of it, in no order. */
static bench_cell cell(const char *scheme, const char *kernel, double ns, double spread,
                       int count) {
    bench_cell c = {.m = 1, .shape = {.n = 1, .k = 1}};
    cr_assert_eq(bench_scheme_parse(scheme, &c.scheme), TARE_OK);
    strcpy(c.kernel, kernel);
    c.result.samples = malloc(sizeof(double) * SAMPLES);
    c.result.n = (size_t)count;
    for (int i = 0; i < count; i++)
        c.result.samples[i] = ns * (1 + spread * (i * 37 % count - (count - 1) / 2.0) / SAMPLES);
    bench_result_summarise(&c.result);
    cr_assert_eq(bench_intervals(&c.result, 1, 1), TARE_OK);
    return c;
}

static void clear(bench_cell *c, int count) {
    for (int i = 0; i < count; i++) bench_result_clear(&c[i].result);
}

Test(verdict, thresholds) {
    cr_assert_eq(bench_judge(1.06, 2), BENCH_HELPS);
    cr_assert_eq(bench_judge(1.05, 2), BENCH_INCONCLUSIVE, "the whole interval must be above");
    cr_assert_eq(bench_judge(0.96, 1.04), BENCH_NEUTRAL);
    cr_assert_eq(bench_judge(0.95, 1.05), BENCH_NEUTRAL);
    cr_assert_eq(bench_judge(0.5, 0.94), BENCH_HURTS);
    cr_assert_eq(bench_judge(0.9, 1.0), BENCH_INCONCLUSIVE);
    cr_assert_eq(bench_judge(0.9, 1.2), BENCH_INCONCLUSIVE);
    cr_assert_eq(bench_judge(NAN, NAN), BENCH_INCONCLUSIVE);
}

Test(verdict, float_values_against_the_fastest_dense_float) {
    bench_cell c[] = {cell("f32", "slow", 1000, 0.02, SAMPLES),
                      cell("bf16", "fast", 500, 0.02, SAMPLES),
                      cell("w8a8", "int8", 250, 0.02, SAMPLES),
                      cell("w4a16", "int4", 400, 0.02, SAMPLES),
                      cell("csr@0.9", "sparse", 600, 0.02, SAMPLES),
                      cell("bitmap@0.5", "same", 500, 0.02, SAMPLES),
                      cell("2:4", "between", 300, 0.03, SAMPLES)};
    bench_verdicts(c, 7);
    for (int i = 0; i < 7; i++) cr_assert_str_eq(c[i].base_kernel, "fast");
    cr_assert(c[1].is_base && c[1].ratio == 1 && c[1].verdict == BENCH_NEUTRAL);
    cr_assert_eq(c[0].verdict, BENCH_HURTS);
    cr_assert_eq(c[2].verdict, BENCH_HELPS);
    cr_assert_eq(c[3].verdict, BENCH_HURTS, "faster than the floats, slower than int8");
    cr_assert_eq(c[4].verdict, BENCH_HURTS, "faster than f32, slower than bf16: it hurts");
    cr_assert_eq(c[5].verdict, BENCH_NEUTRAL);
    cr_assert_eq(c[6].verdict, BENCH_HELPS);
    for (int i = 4; i < 7; i++) cr_assert_str_eq(c[i].against_kernel, "fast");
    cr_assert(c[6].against_ratio == c[6].ratio && c[6].against_lo == c[6].ratio_lo);
    /* It beats the floats, which it is held against, and loses to plain int8, and that is seen. */
    cr_assert(fabs(c[6].ratio_int8 - 250.0 / 300) < 1e-3);
    cr_assert(fabs(c[6].ratio_int4 - 400.0 / 300) < 1e-3);
    cr_assert(c[6].ratio_lo < c[6].ratio && c[6].ratio < c[6].ratio_hi);
    clear(c, 7);
}

/* The opponent of cell i, as the table writes it. */
static void opponent(const bench_cell *c, const char *scheme, const char *kernel) {
    cr_expect_str_eq(c->against_scheme, scheme, "%s", c->scheme.name);
    cr_expect_str_eq(c->against_kernel, kernel, "%s", c->scheme.name);
}

/* Who accepts int8 has dense int8 to choose: a sparse row of it that only beats the floats is no
 * help. */
Test(verdict, sparse_values_against_their_own_coding_or_finer) {
    bench_cell c[] = {cell("bf16", "float", 500, 0.02, SAMPLES),
                      cell("w8a8", "int8", 240, 0.02, SAMPLES),
                      cell("w8a16", "slower", 300, 0.02, SAMPLES),
                      cell("w4a16", "int4", 100, 0.02, SAMPLES),
                      cell("bitmap-i8@0.5", "loses", 384, 0.03, SAMPLES),
                      cell("bitmap-i8@0.9", "wins", 200, 0.02, SAMPLES),
                      cell("2:4-i8", "same", 240, 0.02, SAMPLES),
                      cell("2:4-fp8", "loses", 300, 0.02, SAMPLES),
                      cell("csr@0.9", "wins", 384, 0.02, SAMPLES)};
    bench_verdicts(c, 9);
    for (int i = 4; i < 8; i++) opponent(&c[i], "w8a8", "int8");
    cr_expect(c[4].verdict == BENCH_HURTS && c[4].ratio > 1.25, "it beats the floats alone");
    cr_expect(fabs(c[4].against_ratio - 240.0 / 384) < 1e-9);
    cr_expect(c[4].against_lo < c[4].against_ratio && c[4].against_ratio < c[4].against_hi);
    cr_expect_eq(c[5].verdict, BENCH_HELPS, "int4 is coarser and no opponent");
    cr_expect_eq(c[6].verdict, BENCH_NEUTRAL);
    cr_expect_eq(c[7].verdict, BENCH_HURTS);
    opponent(&c[8], "bf16", "float");
    cr_expect_eq(c[8].verdict, BENCH_HELPS);
    clear(c, 9);
}

/* The finer coding may be the faster one; of both the fastest counts. */
Test(verdict, a_finer_coding_that_is_faster_is_the_opponent) {
    bench_cell c[] = {
        cell("f32", "float", 200, 0.02, SAMPLES), cell("w8a8", "int8", 300, 0.02, SAMPLES),
        cell("fp8", "f8", 250, 0.02, SAMPLES), cell("bitmap-i8@0.9", "sparse", 240, 0.02, SAMPLES),
        cell("w4a16-g32", "int4", 240, 0.02, SAMPLES)};
    bench_verdicts(c, 5);
    for (int i = 0; i < 5; i++) opponent(&c[i], "f32", "float");
    for (int i = 1; i < 5; i++) cr_expect_eq(c[i].verdict, BENCH_HURTS);
    clear(c, 5);
}

/* Dense schemes against finer codings, never against their own, which they may be the best of. */
Test(verdict, dense_quantised_against_finer_codings) {
    bench_cell c[] = {
        cell("f32", "float", 500, 0.02, SAMPLES),  cell("w8a8", "int8", 250, 0.02, SAMPLES),
        cell("w8a16", "int8", 300, 0.02, SAMPLES), cell("w4a16-g32", "a", 200, 0.02, SAMPLES),
        cell("w4a8", "b", 150, 0.02, SAMPLES),     cell("w4a32", "c", 250, 0.02, SAMPLES)};
    bench_verdicts(c, 6);
    opponent(&c[0], "f32", "float");
    cr_expect(c[0].against_ratio == 1 && c[0].verdict == BENCH_NEUTRAL);
    for (int i = 1; i < 3; i++) {
        opponent(&c[i], "f32", "float");
        cr_expect_eq(c[i].verdict, BENCH_HELPS);
    }
    for (int i = 3; i < 6; i++) opponent(&c[i], "w8a8", "int8");
    cr_expect_eq(c[3].verdict, BENCH_HELPS, "the fastest int4 is no opponent of int4");
    cr_expect_eq(c[4].verdict, BENCH_HELPS);
    cr_expect_eq(c[5].verdict, BENCH_NEUTRAL);
    clear(c, 6);
}

/* What was measured beside low probes decides nothing, on either side of the ratio. */
Test(verdict, noisy_cells_and_those_against_them_are_open) {
    bench_cell c[] = {cell("f32", "float", 500, 0.02, SAMPLES),
                      cell("w8a8", "int8", 250, 0.02, SAMPLES),
                      cell("bitmap-i8@0.9", "sparse", 100, 0.02, SAMPLES),
                      cell("csr@0.9", "sparse", 900, 0.02, SAMPLES)};
    c[1].result.noise.noisy = 1;
    for (int i = 0; i < 4; i++) c[i].asked = 1;
    bench_verdicts(c, 4);
    cr_expect_eq(c[1].verdict, BENCH_INCONCLUSIVE, "noisy itself");
    cr_expect(c[1].against_lo > 1.9, "the interval is told all the same");
    cr_expect(c[2].verdict == BENCH_INCONCLUSIVE && c[2].against_noisy, "its opponent is");
    cr_expect(c[3].verdict == BENCH_HURTS && !c[3].against_noisy, "neither");
    cr_expect_eq(bench_outcome_of(c, 3, 1), BENCH_GATE_OPEN, "a demand for a decision is not met");
    cr_expect_eq(bench_outcome_of(c, 4, 1), BENCH_GATE_HURTS);
    cr_expect_eq(bench_outcome_of(c, 4, 0), BENCH_RAN);
    clear(c, 4);
}

/* A model's total goes by the same rule, against one scheme throughout. */
Test(verdict, totals_have_the_same_opponents) {
    static const struct {
        const char *scheme;
        double ns[2];
    } of[] = {{"bf16", {500, 600}},          {"f32", {400, 900}},     {"w8a8", {240, 300}},
              {"bitmap-i8@0.5", {384, 300}}, {"csr@0.9", {300, 400}}, {"w4a16", {300, 300}}};
    enum { SCHEMES = sizeof of / sizeof *of };
    bench_shape shapes[2] = {{.name = "a", .n = 1, .k = 1, .count = 2},
                             {.name = "b", .n = 1, .k = 1, .count = 1}};
    bench_suite suite = {.name = "two", .shapes = shapes, .count = 2};
    bench_cell c[2 * SCHEMES];
    bench_models all;
    for (int i = 0; i < 2 * SCHEMES; i++) {
        c[i] = cell(of[i / 2].scheme, "k", of[i / 2].ns[i % 2], 0.02, SAMPLES);
        c[i].shape = shapes[i % 2];
        c[i].asked = 1;
        c[i].timing = BENCH_BY_HOST;
    }
    cr_assert_eq(bench_models_make(&suite, NULL, c, 2 * SCHEMES, &all), TARE_OK);
    cr_assert_eq(all.count, SCHEMES);
    static const char *const against[] = {"bf16", "bf16", "bf16", "w8a8", "bf16", "w8a8"};
    static const int verdict[] = {BENCH_NEUTRAL, BENCH_HURTS, BENCH_HELPS,
                                  BENCH_HURTS,   BENCH_HELPS, BENCH_HURTS};
    for (int i = 0; i < SCHEMES; i++) {
        const bench_model *m = &all.model[i];
        cr_assert(m->against.base, "%s", m->scheme.name);
        cr_expect_str_eq(m->against.base->scheme.name, against[i], "%s", m->scheme.name);
        cr_expect_eq((int)bench_model_verdict(m), verdict[i], "%s", m->scheme.name);
        cr_expect_str_eq(m->vs_float.base->scheme.name, "bf16");
    }
    cr_expect(all.model[3].vs_float.ratio > 1.4, "it beats the floats alone");
    c[4].result.noise.noisy = 1; /* a layer of w8a8 */
    bench_models_clear(&all);
    cr_assert_eq(bench_models_make(&suite, NULL, c, 2 * SCHEMES, &all), TARE_OK);
    cr_expect_eq(bench_model_verdict(&all.model[3]), BENCH_INCONCLUSIVE);
    cr_expect_eq(bench_model_verdict(&all.model[4]), BENCH_HELPS);
    bench_models_clear(&all);
    clear(c, 2 * SCHEMES);
}

/* A clock that stands still, and one whose tick the samples are no multiple of 20 of. */
Test(verdict, what_the_clock_can_t_resolve_has_none) {
    bench_cell c[] = {cell("f32", "base", 1000, 0.02, SAMPLES),
                      cell("bf16", "still", 0, 0, SAMPLES), cell("w8a8", "coarse", 500, 0, SAMPLES),
                      cell("w8a16", "batched", 500, 0, SAMPLES)};
    for (int i = 0; i < 4; i++) c[i].result.batch = 1;
    c[2].tick_ns = c[3].tick_ns = 100;
    c[3].result.batch = 8;
    bench_verdicts(c, 4);
    cr_expect(bench_cell_unresolved(&c[1]) && bench_cell_unresolved(&c[2]));
    cr_expect(!bench_cell_unresolved(&c[0]) && !bench_cell_unresolved(&c[3]));
    cr_expect_str_eq(c[0].base_kernel, "base", "a median of nothing is no baseline");
    for (int i = 1; i < 3; i++) {
        cr_expect_eq(c[i].verdict, BENCH_INCONCLUSIVE);
        cr_expect(isnan(c[i].ratio) && isnan(c[i].ratio_lo) && isnan(c[i].ratio_int8));
    }
    cr_expect_eq(c[3].verdict, BENCH_HELPS);
    clear(c, 4);
}

Test(verdict, a_wide_interval_decides_nothing) {
    bench_cell c[] = {cell("f32", "base", 1000, 0.02, SAMPLES),
                      cell("w8a8", "wide", 950, 3, SAMPLES), cell("w8a16", "few", 500, 0.02, 5)};
    bench_verdicts(c, 3);
    cr_assert_eq(c[1].verdict, BENCH_INCONCLUSIVE);
    cr_assert_eq(c[2].verdict, BENCH_INCONCLUSIVE, "5 samples carry no interval");
    clear(c, 3);
}

Test(verdict, refused_and_wrong_stay_so_and_are_no_baseline) {
    bench_cell c[] = {cell("f32", "base", 1000, 0.02, SAMPLES),
                      cell("bf16", "liar", 1, 0.02, SAMPLES), cell("w8a8", "none", 1, 0.02, 6)};
    c[1].result.n = 0;
    c[1].verdict = BENCH_WRONG;
    c[2].result.n = 0;
    c[2].verdict = BENCH_UNSUPPORTED;
    bench_verdicts(c, 3);
    cr_assert_str_eq(c[0].base_kernel, "base");
    cr_assert_eq(c[1].verdict, BENCH_WRONG);
    cr_assert_eq(c[2].verdict, BENCH_UNSUPPORTED);
    cr_assert(isnan(c[0].ratio_int8), "no int8 cell, no ratio to it");
    clear(c, 3);
}

Test(verdict, no_dense_row_no_decision) {
    bench_cell c[] = {cell("w8a8", "alone", 1000, 0.02, SAMPLES)};
    bench_verdicts(c, 1);
    cr_assert_eq(c[0].verdict, BENCH_INCONCLUSIVE);
    cr_assert(isnan(c[0].ratio) && c[0].ratio_int8 == 1);
    cr_assert(c[0].against_kernel[0] == 0 && isnan(c[0].against_ratio) && isnan(c[0].against_lo));
    clear(c, 1);
}

/* The tool's exit code of a run whose cells, asked for unless negated, have these verdicts. */
static int outcome(int gate, int a, int b, int b_asked) {
    bench_cell c[2] = {{.asked = 1, .verdict = (enum bench_verdict)a},
                       {.asked = b_asked, .verdict = (enum bench_verdict)b}};
    for (int i = 0; i < 2; i++)
        c[i].result.n = c[i].verdict != BENCH_UNSUPPORTED && c[i].verdict != BENCH_WRONG;
    return (int)bench_outcome_of(c, 2, gate);
}

Test(verdict, exit_codes) {
    cr_expect_eq(outcome(0, BENCH_HURTS, BENCH_INCONCLUSIVE, 1), 0, "no gate, no judgement");
    cr_expect_eq(outcome(1, BENCH_HELPS, BENCH_NEUTRAL, 1), 0);
    cr_expect_eq(outcome(1, BENCH_HURTS, BENCH_INCONCLUSIVE, 1), 1);
    cr_expect_eq(outcome(1, BENCH_HELPS, BENCH_INCONCLUSIVE, 1), 5);
    cr_expect_eq(outcome(1, BENCH_HELPS, BENCH_HURTS, 0), 0, "a baseline passes no gate");
    cr_expect_eq(outcome(0, BENCH_UNSUPPORTED, BENCH_UNSUPPORTED, 1), 3);
    cr_expect_eq(outcome(0, BENCH_UNSUPPORTED, BENCH_HELPS, 0), 3, "nothing asked for was timed");
    cr_expect_eq(outcome(0, BENCH_HELPS, BENCH_WRONG, 0), 4, "wrong, wherever it is");
}

/* A cell that was timed by another clock is no baseline, however fast. */
Test(verdict, only_cells_of_one_clock_are_compared) {
    bench_cell c[] = {cell("f16", "recorded", 1000, 0.02, SAMPLES),
                      cell("bf16", "by_host", 100, 0.02, SAMPLES),
                      cell("w8a8", "recorded", 500, 0.02, SAMPLES),
                      cell("w4a16", "by_events", 400, 0.02, SAMPLES)};
    c[0].timing = c[2].timing = BENCH_BY_GRAPH;
    c[1].timing = BENCH_BY_HOST;
    c[3].timing = BENCH_BY_EVENTS;
    bench_verdicts(c, 4);
    cr_assert(c[0].is_base && c[1].is_base, "each is the base of its own kind");
    cr_assert(c[2].ratio == 2 && c[2].verdict == BENCH_HELPS);
    cr_assert(isnan(c[3].ratio) && c[3].verdict == BENCH_INCONCLUSIVE, "nothing to compare with");
    clear(c, 4);
}

/* fp8 is the sibling of int8, tf32 one of the floats. */
Test(verdict, families_of_the_new_schemes) {
    bench_cell c[] = {cell("f16", "a", 1000, 0.02, SAMPLES), cell("tf32", "b", 900, 0.02, SAMPLES),
                      cell("w8a8", "c", 500, 0.02, SAMPLES), cell("fp8", "d", 400, 0.02, SAMPLES)};
    bench_verdicts(c, 4);
    cr_assert_str_eq(c[0].base_kernel, "b");
    cr_assert(fabs(c[2].ratio_int8 - 0.8) < 1e-3);
    clear(c, 4);
}
