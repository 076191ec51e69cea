/* Intervals of medians against machines that are made up: what the truth is, is known, and how
 * often it is covered is counted. Everything comes from seeds. */
#include "bench/cell.h"
#include "bench/interval.h"
#include "bench/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 300, PLACES_MAX = 64 };

/* Logarithms of times: normal parts, each with its deviation. */
typedef struct machine {
    double common;  /* of a slice, the same for all that are measured in it */
    double own;     /* of a slice, for each by itself */
    double persist; /* correlation of neighbouring slices */
    double place;   /* of a placement */
    double noise;   /* of a sample, twice as wide above as below */
    int samples, places;
} machine;

typedef struct seen {
    double covered, ratio_covered, wrong, neutral, width; /* shares; half of the mean width */
} seen;

static void series(bench_rng *g, double deviation, double persist, double out[BENCH_SLICES]) {
    for (int i = 0; i < BENCH_SLICES; i++) {
        double e = deviation * bench_rng_normal(g);
        out[i] = i ? persist * out[i - 1] + sqrt(1 - persist * persist) * e : e;
    }
}

static void measure(const machine *m, const double *common, bench_rng *g, double scale,
                    bench_result *r) {
    double own[BENCH_SLICES], place[PLACES_MAX];
    size_t n = (size_t)m->samples;
    *r = (bench_result){.n = n,
                        .samples = malloc(n * sizeof(double)),
                        .slice = malloc(n),
                        .place = malloc(n * sizeof(short))};
    series(g, m->own, m->persist, own);
    for (int i = 0; i < m->places; i++) place[i] = m->place * bench_rng_normal(g);
    for (int i = 0; i < m->samples; i++) {
        int slice = i * BENCH_SLICES / m->samples, at = i % m->places;
        double e = m->noise * bench_rng_normal(g);
        r->slice[i] = (unsigned char)slice;
        r->place[i] = (unsigned short)at;
        r->samples[i] = scale * exp(common[slice] + own[slice] + place[at] + (e > 0 ? 2 * e : e));
    }
    cr_assert_eq(bench_result_summarise(r), TARE_OK);
}

/* Two contestants, measured together, many times; b takes `scale` as long as a. */
static seen look(const machine *m, double scale) {
    seen s = {0};
    bench_rng g;
    bench_rng_seed(&g, 11, 12);
    for (int i = 0; i < REPEATS; i++) {
        bench_result r[2];
        double common[BENCH_SLICES], lo, hi;
        series(&g, m->common, m->persist, common);
        measure(m, common, &g, 1, &r[0]);
        measure(m, common, &g, scale, &r[1]);
        cr_assert_eq(bench_intervals(r, 2, (uint64_t)i), TARE_OK);
        cr_assert(r[0].ci_lo <= r[0].median_ns && r[0].median_ns <= r[0].ci_hi);
        cr_assert_eq(bench_ratio_interval(&r[0], &r[1], &lo, &hi), 1);
        int verdict = bench_judge(lo, hi);
        s.covered += r[0].ci_lo <= 1 && 1 <= r[0].ci_hi;
        s.ratio_covered += lo <= 1 / scale && 1 / scale <= hi;
        s.wrong += verdict == BENCH_HELPS || verdict == BENCH_HURTS;
        s.neutral += verdict == BENCH_NEUTRAL;
        s.width += (r[0].ci_hi - r[0].ci_lo) / 2;
        bench_result_clear(&r[0]);
        bench_result_clear(&r[1]);
    }
    s.covered /= REPEATS, s.ratio_covered /= REPEATS, s.wrong /= REPEATS, s.neutral /= REPEATS;
    s.width /= REPEATS;
    return s;
}

static void expect_honest(const char *what, const machine *m) {
    seen s = look(m, 1);
    cr_expect(s.covered >= 0.9, "%s: a median was covered in %g", what, s.covered);
    cr_expect(s.ratio_covered >= 0.9, "%s: a ratio was covered in %g", what, s.ratio_covered);
    cr_expect(s.wrong <= 0.05, "%s: %g of the verdicts on equals were false", what, s.wrong);
}

Test(interval, covers_what_it_says) {
    expect_honest("white noise", &(machine){.noise = 0.01, .samples = 30, .places = 1});
    expect_honest("wide noise", &(machine){.noise = 0.05, .samples = 200, .places = 1});
    expect_honest("few samples", &(machine){.noise = 0.03, .samples = 8, .places = 1});
    expect_honest("slices that differ",
                  &(machine){.common = 0.03, .noise = 0.01, .samples = 60, .places = 1});
    expect_honest("slices that differ for each",
                  &(machine){.own = 0.03, .noise = 0.01, .samples = 60, .places = 1});
    expect_honest("places that differ",
                  &(machine){.place = 0.05, .noise = 0.01, .samples = 80, .places = 8});
    expect_honest("many places",
                  &(machine){.place = 0.05, .noise = 0.01, .samples = 120, .places = 60});
    expect_honest(
        "spells of several slices",
        &(machine){.common = 0.02, .persist = 0.5, .noise = 0.02, .samples = 60, .places = 4});
}

/* Spells as long as the measurement move a median farther than it can know. They hit all alike, so
 * that ratios and verdicts hold. */
Test(interval, verdicts_hold_in_long_spells) {
    seen s = look(
        &(machine){.common = 0.05, .persist = 0.95, .noise = 0.01, .samples = 60, .places = 4}, 1);
    cr_expect(s.ratio_covered >= 0.9 && s.wrong <= 0.02, "%g, %g", s.ratio_covered, s.wrong);
}

Test(interval, is_narrow_where_it_can_be) {
    seen s = look(&(machine){.noise = 0.01, .samples = 60, .places = 4}, 1);
    cr_expect(s.width < 0.02 && s.neutral > 0.98, "%g wide, %g neutral", s.width, s.neutral);
    s = look(&(machine){.common = 0.03, .noise = 0.01, .samples = 60, .places = 4}, 1.1);
    cr_expect(s.wrong > 0.95, "a tenth slower is seen: %g", s.wrong);
}

Test(interval, too_few_samples_have_none) {
    bench_result r[2];
    bench_rng g;
    double lo, hi, none[BENCH_SLICES] = {0};
    bench_rng_seed(&g, 1, 1);
    measure(&(machine){.noise = 0.01, .samples = 5, .places = 1}, none, &g, 1, &r[0]);
    measure(&(machine){.noise = 0.01, .samples = 6, .places = 1}, none, &g, 1, &r[1]);
    cr_assert_eq(bench_intervals(r, 2, 1), TARE_OK);
    cr_expect(r[0].draw == NULL && isnan(r[0].ci_lo) && isnan(r[0].ci_hi));
    cr_expect(r[1].draw != NULL && r[1].ci_lo < r[1].ci_hi);
    cr_expect_eq(bench_ratio_interval(&r[0], &r[1], &lo, &hi), 0);
    cr_expect(isnan(lo) && isnan(hi));
    bench_result_clear(&r[0]);
    bench_result_clear(&r[1]);
}

/* A model of two layers, of which one has no interval: the sum has none either. */
Test(interval, sums_keep_their_intervals) {
    bench_total fast = {0}, slow = {0};
    bench_rng g;
    double common[BENCH_SLICES], lo, hi;
    bench_rng_seed(&g, 3, 3);
    machine m = {.common = 0.03, .noise = 0.01, .samples = 60, .places = 4};
    for (int layer = 0; layer < 3; layer++) {
        bench_result r[2];
        series(&g, m.common, 0, common);
        measure(&m, common, &g, 1, &r[0]);
        measure(&m, common, &g, 2, &r[1]);
        cr_assert_eq(bench_intervals(r, 2, 1), TARE_OK);
        cr_assert_eq(bench_total_add(&fast, &r[0], 10), TARE_OK);
        cr_assert_eq(bench_total_add(&slow, &r[1], 10), TARE_OK);
        bench_result_clear(&r[0]);
        bench_result_clear(&r[1]);
    }
    cr_expect(fabs(fast.ns - 30) < 2 && fast.draws.ci_lo < fast.ns && fast.ns < fast.draws.ci_hi);
    cr_assert_eq(bench_ratio_interval(&slow.draws, &fast.draws, &lo, &hi), 1);
    cr_expect(lo < 2 && 2 < hi && hi - lo < 0.2, "[%g, %g]", lo, hi);
    bench_result bare = {.n = 1, .median_ns = 1};
    cr_assert_eq(bench_total_add(&fast, &bare, 1), TARE_OK);
    cr_expect(fast.broken && fast.added == 4 && isnan(fast.draws.ci_lo));
    cr_expect_eq(bench_ratio_interval(&slow.draws, &fast.draws, &lo, &hi), 0);
    bench_total_clear(&fast);
    bench_total_clear(&slow);
}
