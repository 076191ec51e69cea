/* Intervals of medians that hold on a machine that drifts.
 *
 * A measurement is cut into slices of time, in which all contestants have samples, and a
 * contestant's weights lie at several places. Samples of one slice share the machine's spell,
 * samples of one place its luck; neither is independent of the others. So slices and places are
 * what is resampled, each with all its samples (the pigeonhole bootstrap of Owen 2007, for two
 * crossed factors): `draw` holds the medians of BENCH_DRAWS such resamples. The i-th draws of
 * results that were measured together resample the same slices, so that a spell that hit all of
 * them cancels in their ratio. Few slices make percentiles too narrow; they are taken further out
 * by Student's factor (Hesterberg 2015, section 4.3), and further still where neighbouring slices
 * resemble each other. docs/measuring.md has the whole method. */
#ifndef TARE_BENCH_INTERVAL_H
#define TARE_BENCH_INTERVAL_H

#include "bench/measure.h"

/* Fills draw, slice_median, ci_lo and ci_hi of n results that were measured together. Results with
 * fewer than 6 samples get none (null, NaN). */
tare_status bench_intervals(bench_result *r, int n, uint64_t seed);

/* The 95 % interval of median(a) / median(b). Measured together: by pairs of draws. Returns 0 (both
 * NaN) where one of the two has no draws. */
int bench_ratio_interval(const bench_result *a, const bench_result *b, double *lo, double *hi);

/* A sum of count * median over results of several measurements (the layers of a model), with the
 * draws to form ratios of two such sums. Both sides of a ratio must be sums over the same
 * measurements, added in the same order. Zeroed: empty. */
typedef struct bench_total {
    double ns;          /* sum of count * median */
    bench_result draws; /* of the sum, as of one result: for bench_ratio_interval */
    int added, broken;  /* broken: a result without draws was added, there is no interval */
} bench_total;
tare_status bench_total_add(bench_total *t, const bench_result *r, double count);
void bench_total_clear(bench_total *t);

#endif
