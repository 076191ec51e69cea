/* Order statistics, intervals and the two tests of the before/after table. */
#include "bench/stats.h"
#include "bench/rng.h"

#include <math.h>
#include <stdlib.h>

static const double z95 = 1.959963984540054;

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_sort(double *v, size_t n) {
    if (n > 1) qsort(v, n, sizeof *v, ascending);
}

double bench_quantile(const double *v, size_t n, double p) {
    double at = p * (double)(n - 1);
    size_t low = (size_t)at;
    if (low + 1 >= n) return v[n - 1];
    double part = at - (double)low;
    return part > 0 ? v[low] + part * (v[low + 1] - v[low]) : v[low];
}

double bench_median(const double *v, size_t n) {
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

double bench_mad(const double *v, size_t n) {
    double m = bench_median(v, n), *d = malloc(n * sizeof *d);
    if (!d) return 0;
    for (size_t i = 0; i < n; i++) d[i] = fabs(v[i] - m);
    bench_sort(d, n);
    double mad = bench_median(d, n);
    free(d);
    return mad;
}

size_t bench_outliers(const double *v, size_t n) {
    double q1 = bench_quantile(v, n, 0.25), q3 = bench_quantile(v, n, 0.75), iqr = q3 - q1;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += v[i] < q1 - 3 * iqr || v[i] > q3 + 3 * iqr;
    return count;
}

/* log of P(X = i), X binomial(n, 1/2). */
static double log_pmf(double n, double i) {
    int sign; /* lgamma_r: lgamma writes a global that threads share */
    return lgamma_r(n + 1, &sign) - lgamma_r(i + 1, &sign) - lgamma_r(n - i + 1, &sign) - n * M_LN2;
}

int bench_median_ranks(size_t n, size_t *lo, size_t *hi) {
    if (n < 6) return 0;
    /* Largest l with P(X < l) <= 2.5 %: values l-1 and n-l (0-based) cover at least 95 %. */
    double below = 0;
    size_t l = 0;
    /* Far tails of a large n are below every double; start where they are not. */
    double from = 0.5 * (double)n - 20 * 0.5 * sqrt((double)n);
    if (from > 0) l = (size_t)from;
    for (; l < n; l++) {
        below += exp(log_pmf((double)n, (double)l));
        if (below > 0.025) break;
    }
    if (l == 0) return 0;
    *lo = l - 1;
    *hi = n - l;
    return 1;
}

int bench_median_ci(const double *v, size_t n, double *lo, double *hi) {
    size_t a, b;
    *lo = *hi = NAN;
    if (!bench_median_ranks(n, &a, &b)) return 0;
    *lo = v[a];
    *hi = v[b];
    return 1;
}

/* The median of a resample of v: the middle order statistics of n uniforms, read as ranks. */
static double resampled_median(const double *v, size_t n, bench_rng *r) {
    double h = (double)(n / 2), u, w;
    if (n % 2) {
        u = bench_rng_beta(r, h + 1, h + 1);
        w = u;
    } else { /* the lower of the two middles, then the next: the least of n/2 in (u, 1) */
        u = bench_rng_beta(r, h, h + 1);
        w = u + (1 - u) * (1 - pow(bench_rng_uniform(r), 1 / h));
    }
    size_t i = (size_t)(u * (double)n), j = (size_t)(w * (double)n);
    if (i >= n) i = n - 1;
    if (j >= n) j = n - 1;
    return 0.5 * (v[i] + v[j]);
}

int bench_ratio_ci(const double *a, size_t na, const double *b, size_t nb, int draws, uint64_t seed,
                   double *lo, double *hi) {
    *lo = *hi = NAN;
    if (na < 6 || nb < 6 || draws < 100) return 0;
    double *ratio = malloc((size_t)draws * sizeof *ratio);
    if (!ratio) return 0;
    bench_rng r;
    bench_rng_seed(&r, seed, 0x626f6f74);
    for (int i = 0; i < draws; i++) {
        double top = resampled_median(a, na, &r);
        ratio[i] = top / resampled_median(b, nb, &r);
    }
    bench_sort(ratio, (size_t)draws);
    *lo = bench_quantile(ratio, (size_t)draws, 0.025);
    *hi = bench_quantile(ratio, (size_t)draws, 0.975);
    free(ratio);
    return 1;
}

void bench_wilson(int64_t hits, int64_t n, double *lo, double *hi) {
    double p = (double)hits / (double)n, z2 = z95 * z95, nn = (double)n;
    double mid = (p + z2 / (2 * nn)) / (1 + z2 / nn);
    double half = z95 / (1 + z2 / nn) * sqrt(p * (1 - p) / nn + z2 / (4 * nn * nn));
    *lo = hits == 0 ? 0 : mid - half;
    *hi = hits == n ? 1 : mid + half;
}

/* P(X < least) and P(X = least) for the smaller of the two counts. */
static void tail(int64_t b, int64_t c, double *below, double *at) {
    int64_t least = b < c ? b : c;
    double n = (double)(b + c);
    *below = 0;
    for (int64_t i = 0; i < least; i++) *below += exp(log_pmf(n, (double)i));
    *at = exp(log_pmf(n, (double)least));
}

double bench_mcnemar_exact(int64_t b, int64_t c) {
    double below, at;
    tail(b, c, &below, &at);
    double p = 2 * (below + at);
    return p < 1 ? p : 1;
}

double bench_mcnemar_midp(int64_t b, int64_t c) {
    double below, at;
    tail(b, c, &below, &at);
    double p = 2 * below + at;
    return p < 1 ? p : 1;
}
