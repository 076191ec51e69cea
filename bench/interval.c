/* The ratio's interval where there are no draws: a bootstrap of the samples themselves. */
#include "bench/interval.h"
#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1 };

static double *sorted(const bench_result *r) {
    double *v = malloc((r->n ? r->n : 1) * sizeof *v);
    if (!v) return NULL;
    if (r->n) memcpy(v, r->samples, r->n * sizeof *v);
    bench_sort(v, r->n);
    return v;
}

int bench_ratio_interval(const bench_result *a, const bench_result *b, double *lo, double *hi) {
    double *top = sorted(a), *bottom = sorted(b);
    int known = 0;
    *lo = *hi = NAN;
    if (top && bottom) known = bench_ratio_ci(top, a->n, bottom, b->n, BENCH_DRAWS, SEED, lo, hi);
    free(top);
    free(bottom);
    return known;
}
