/* The statistics of measuring and of comparing: pure functions over arrays of doubles.
 *
 * Quantiles interpolate linearly between order statistics (type 7 of Hyndman and Fan, 1996).
 * Intervals are two-sided at 95 %. */
#ifndef TARE_BENCH_STATS_H
#define TARE_BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

void bench_sort(double *v, size_t n);

/* All of these want v ascending and n > 0. */
double bench_quantile(const double *v, size_t n, double p); /* p in 0..1 */
double bench_median(const double *v, size_t n);
/* The median of |v - median|, not rescaled. 0 when memory ran out. */
double bench_mad(const double *v, size_t n);
/* Values beyond Tukey's outer fences: 3 interquartile ranges outside the quartiles. */
size_t bench_outliers(const double *v, size_t n);

/* Wilson's score interval of a proportion, hits of n (n > 0). */
void bench_wilson(int64_t hits, int64_t n, double *lo, double *hi);

/* McNemar's test of two classifiers on the same items: b items only the first got right, c only the
 * second. Two-sided p of the exact binomial test, and its mid-p variant. b = c = 0 gives 1. */
double bench_mcnemar_exact(int64_t b, int64_t c);
double bench_mcnemar_midp(int64_t b, int64_t c);

#endif
