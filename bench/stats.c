/* Order statistics, intervals and the two tests of the before/after table. */
#include "bench/stats.h"

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
