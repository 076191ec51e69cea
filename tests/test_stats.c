/* Statistics against values worked out by hand or printed in the literature. */
#include "bench/measure.h"
#include "bench/rng.h"
#include "bench/stats.h"
#include "src/internal.h"
#include "tests/fake_backend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static void near(double got, double want, double eps) {
    cr_assert(fabs(got - want) <= eps, "%.12g is not %.12g", got, want);
}

Test(stats, quantiles) {
    double v[] = {1, 2, 3, 4};
    near(bench_median(v, 4), 2.5, 0);
    near(bench_quantile(v, 4, 0.25), 1.75, 1e-15);
    near(bench_quantile(v, 4, 0.9), 3.7, 1e-15);
    near(bench_quantile(v, 4, 1), 4, 0);
    near(bench_quantile(v, 1, 0.99), 1, 0);
    double w[] = {1, 1, 2, 2, 4, 6, 9};
    near(bench_mad(w, 7), 1, 0);
}

Test(stats, outliers_counted_on_both_sides) {
    double v[] = {-100, 10, 11, 12, 13, 14, 15, 16, 900};
    cr_assert_eq(bench_outliers(v, 9), 2);
    double w[] = {5, 5, 5, 5};
    cr_assert_eq(bench_outliers(w, 4), 0);
}

Test(stats, wilson) {
    double lo, hi;
    bench_wilson(8, 10, &lo, &hi); /* Agresti and Coull 1998: 0.490, 0.943 */
    near(lo, 0.4902, 5e-5);
    near(hi, 0.9433, 5e-5);
    bench_wilson(0, 10, &lo, &hi);
    near(lo, 0, 0);
    near(hi, 0.2775, 5e-5);
    bench_wilson(8900, 10000, &lo, &hi);
    near(lo, 0.88372, 2e-5);
    near(hi, 0.89599, 2e-5);
}

Test(stats, mcnemar) {
    near(bench_mcnemar_exact(1, 9), 22.0 / 1024, 1e-12);
    near(bench_mcnemar_midp(1, 9), 12.0 / 1024, 1e-12);
    near(bench_mcnemar_exact(9, 1), 22.0 / 1024, 1e-12);
    near(bench_mcnemar_exact(0, 0), 1, 0);
    near(bench_mcnemar_midp(0, 0), 1, 0);
    near(bench_mcnemar_exact(5, 5), 1, 0);
    cr_assert(bench_mcnemar_midp(5, 5) <= 1);
    /* Fagerland, Lydersen and Laake 2013, airway data: b = 1, c = 7. */
    near(bench_mcnemar_exact(1, 7), 0.0703125, 1e-12);
    near(bench_mcnemar_midp(1, 7), 0.0390625, 1e-12);
    double p = bench_mcnemar_exact(4800, 5200);
    cr_assert(p > 6e-5 && p < 7e-5, "p %g", p);
}

Test(stats, random_numbers_repeat_and_are_normal) {
    bench_rng a, b;
    bench_rng_seed(&a, 1, 2);
    bench_rng_seed(&b, 1, 2);
    cr_assert_eq(bench_rng_next(&a), bench_rng_next(&b));
    bench_rng_seed(&b, 1, 3);
    cr_assert_neq(bench_rng_next(&a), bench_rng_next(&b));
    double sum = 0, sq = 0;
    for (int i = 0; i < 100000; i++) {
        float v[2];
        bench_rng_normal2(&a, v);
        cr_assert(v[0] != 0 && v[1] != 0 && isfinite(v[0]) && isfinite(v[1]));
        sum += (double)v[0] + (double)v[1];
        sq += (double)v[0] * (double)v[0] + (double)v[1] * (double)v[1];
    }
    near(sum / 2e5, 0, 0.01);
    near(sq / 2e5, 1, 0.02);
}

/* ---- measuring callbacks ---- */

typedef struct spin {
    long turns;
    int runs, prepared, fail_at;
} spin;

static tare_status spin_run(void *ctx) {
    spin *s = ctx;
    for (volatile long i = 0; i < s->turns; i++) {
    }
    return ++s->runs == s->fail_at ? TARE_E_DEVICE : TARE_OK;
}

static tare_status spin_prepare(void *ctx, int runs) {
    ((spin *)ctx)->prepared += runs;
    return TARE_OK;
}

Test(measure, times_what_it_ran) {
    spin a = {.turns = 20000}, b = {.turns = 1};
    bench_contestant c[2] = {{.run = spin_run, .prepare = spin_prepare, .ctx = &a},
                             {.run = spin_run, .prepare = spin_prepare, .ctx = &b}};
    bench_options o = bench_options_default();
    o.seconds = 0.05;
    bench_result r[2];
    cr_assert_eq(bench_measure(c, 2, &o, r), TARE_OK);
    cr_assert_eq(a.runs, a.prepared, "each run is prepared for");
    cr_assert_eq(b.runs, b.prepared);
    cr_assert_gt(r[1].batch, 1, "a run of nanoseconds is timed in batches");
    cr_assert_gt(r[0].median_ns, r[1].median_ns);
    for (int i = 0; i < 2; i++) {
        cr_assert(r[i].n >= 6 && r[i].stop != 0 && r[i].min_ns > 0);
        cr_assert(r[i].ci_lo > 0 && r[i].ci_lo <= r[i].median_ns);
        cr_assert(r[i].median_ns <= r[i].ci_hi);
        cr_assert(isnan(r[i].p99_ns) == (r[i].n < BENCH_TAIL_SAMPLES));
        bench_result_clear(&r[i]);
    }
}

Test(measure, an_error_ends_it_and_leaves_nothing) {
    spin a = {.turns = 100, .fail_at = 20};
    bench_contestant c = {.run = spin_run, .ctx = &a};
    bench_options o = bench_options_default();
    bench_result r;
    cr_assert_eq(bench_measure(&c, 1, &o, &r), TARE_E_DEVICE);
    cr_assert_null(r.samples);
    cr_assert_eq(r.n, 0);
}

Test(measure, an_error_names_whose_it_was) {
    for (int fails = 1; fails < 60; fails += 19) { /* warming up, in the pilot, in the rounds */
        spin s[3] = {{.turns = 100}, {.turns = 100, .fail_at = fails}, {.turns = 100}};
        bench_contestant c[3];
        bench_options o = bench_options_default();
        bench_result r[3];
        int failed = -1;
        o.failed = &failed;
        for (int i = 0; i < 3; i++) c[i] = (bench_contestant){.run = spin_run, .ctx = &s[i]};
        cr_assert_eq(bench_measure(c, 3, &o, r), TARE_E_DEVICE);
        cr_expect_eq(failed, 1, "run %d: %d", fails, failed);
    }
}

/* A device whose probe is low for ever: measuring goes on when patience ends, and says so. */
static tare_status low_probe(void *state, tare_probe_kind what, double seconds, double *rate) {
    static int calls;
    (void)state, (void)what, (void)seconds;
    *rate = calls++ < 5 ? 100 : 50;
    return TARE_OK;
}

Test(measure, a_noisy_machine_is_waited_for_and_then_named) {
    static tare_backend_ops ops;
    static tare_backend backend;
    ops = *fake_backend.ops;
    ops.probe = low_probe;
    backend = fake_backend;
    backend.ops = &ops;
    tare_device *d;
    cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    bench_noise noise;
    bench_noise_init(&noise, d);
    cr_assert_eq(noise.best, 100);
    spin a = {.turns = 2000};
    bench_contestant c = {.run = spin_run, .ctx = &a};
    bench_options o = bench_options_default();
    o.seconds = 0.01;
    o.noise = &noise;
    bench_result r;
    cr_assert_eq(bench_measure(&c, 1, &o, &r), TARE_OK);
    cr_assert(r.n >= 6, "%zu samples", r.n);
    cr_assert_eq(r.noise.noisy, 1);
    cr_assert_eq((size_t)r.noise.low, r.n);
    cr_assert(r.noise.redone >= 1 && r.noise.set_aside >= 1 && r.noise.worst == 50);
    bench_result_clear(&r);
}
