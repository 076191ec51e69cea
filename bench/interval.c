/* Resampled medians of results that were measured together, and intervals from them. */
#include "bench/interval.h"
#include "bench/rng.h"
#include "bench/stats.h"
#include "src/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST = 6,  /* samples that carry an interval */
    PLACES = 8, /* more placements than these are resampled as so many groups of them */
    TRIES = 30  /* resamples of a result that may come out empty */
};
static const double z95 = 1.959963984540054;

/* Student's 97.5 % quantile by the expansion of Cornish and Fisher: within 0.5 % from 3 degrees. */
static double student(int degrees) {
    double z = z95, v = degrees < 1 ? 1 : degrees, z3 = z * z * z, z5 = z3 * z * z;
    if (degrees < 3) return degrees < 2 ? 12.706 : 4.303;
    return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) +
           (3 * z5 * z * z + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v);
}

/* ---- resampling ---- */

typedef struct point {
    double value;
    int slice, place;
} point;

/* A result's samples by value, with the units that they belong to. */
typedef struct column {
    point *at;
    size_t n;
    int slices[BENCH_SLICES], slice_count; /* those that hold samples */
    int place_count;
    double median;
} column;

static int ascending(const void *a, const void *b) {
    double x = ((const point *)a)->value, y = ((const point *)b)->value;
    return (x > y) - (x < y);
}

static void find_units(column *c) {
    int seen[BENCH_SLICES] = {0}, last = 0;
    for (size_t i = 0; i < c->n; i++) {
        seen[c->at[i].slice] = 1;
        if (c->at[i].place > last) last = c->at[i].place;
    }
    for (int s = 0; s < BENCH_SLICES; s++)
        if (seen[s]) c->slices[c->slice_count++] = s;
    c->place_count = last + 1;
}

/* The unit that each placement belongs to: those with samples, in their order, in PLACES groups
 * where there are more. Null where placements are not told. */
static tare_status places_of(const bench_result *r, int **unit) {
    enum { MOST = 1 << 16 };
    int used = 0;
    if (!r->place) return TARE_OK;
    *unit = calloc(MOST, sizeof **unit);
    if (!*unit) return TARE_E_NOMEM;
    for (size_t i = 0; i < r->n; i++) (*unit)[r->place[i]] = 1;
    for (int p = 0; p < MOST; p++)
        if ((*unit)[p]) (*unit)[p] = used++;
    for (int p = 0; p < MOST && used > PLACES; p++)
        (*unit)[p] = (int)((int64_t)(*unit)[p] * PLACES / used);
    return TARE_OK;
}

static tare_status column_make(const bench_result *r, column *c) {
    memset(c, 0, sizeof *c);
    if (r->n < LEAST) return TARE_OK;
    int *unit = NULL;
    c->at = malloc(r->n * sizeof *c->at);
    if (!c->at || places_of(r, &unit) != TARE_OK) {
        free(c->at);
        c->at = NULL;
        TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for %zu samples", r->n);
    }
    c->n = r->n;
    for (size_t i = 0; i < r->n; i++) {
        /* Samples that nobody gave a slice are spread over all of them, in their order. */
        int slice = r->slice ? r->slice[i] : (int)(i * BENCH_SLICES / r->n);
        c->at[i] = (point){r->samples[i], slice < BENCH_SLICES ? slice : BENCH_SLICES - 1,
                           unit ? unit[r->place[i]] : 0};
    }
    free(unit);
    qsort(c->at, c->n, sizeof *c->at, ascending);
    find_units(c);
    c->median = r->median_ns;
    return TARE_OK;
}

/* How often each of `count` units is drawn when count - 1 are: that many make the variance of the
 * resampled mean the unbiased estimate (Rao and Wu 1988). One unit alone stays. */
static void draw_units(bench_rng *rng, const int *unit, int count, int *times) {
    if (count == 1) times[unit ? unit[0] : 0] = 1;
    for (int i = 0; i < count - 1; i++) {
        int u = (int)bench_rng_below(rng, (uint64_t)count);
        times[unit ? unit[u] : u]++;
    }
}

/* The median of the samples, each as often as its slice and its place were drawn; NaN: none was. */
static double weighted_median(const column *c, const int *slice, const int *place) {
    int64_t all = 0, up_to = 0;
    for (size_t i = 0; i < c->n; i++) all += slice[c->at[i].slice] * place[c->at[i].place];
    if (all == 0) return NAN;
    for (size_t i = 0; i < c->n; i++) {
        up_to += slice[c->at[i].slice] * place[c->at[i].place];
        if (2 * up_to > all) return c->at[i].value;
        if (2 * up_to == all) { /* half lies below: the middle of this one and the next drawn */
            size_t j = i + 1;
            while (slice[c->at[j].slice] * place[c->at[j].place] == 0) j++;
            return 0.5 * (c->at[i].value + c->at[j].value);
        }
    }
    return NAN;
}

/* One resample of a result. The common slices may miss it where it has few samples: then its own.
 */
static double resample(const column *c, const int *common, bench_rng *rng) {
    for (int try = 0; try < TRIES; try++) {
        int own[BENCH_SLICES] = {0}, place[PLACES] = {0};
        draw_units(rng, NULL, c->place_count, place);
        if (try >= TRIES / 3) draw_units(rng, c->slices, c->slice_count, own);
        double v = weighted_median(c, try < TRIES / 3 ? common : own, place);
        if (!isnan(v)) return v;
    }
    return c->median;
}

/* ---- what neighbouring slices have in common ---- */

static void slice_medians(bench_result *r, const column *c) {
    for (int s = 0; s < BENCH_SLICES; s++) {
        int only[BENCH_SLICES] = {0}, place[PLACES];
        for (int p = 0; p < PLACES; p++) place[p] = 1;
        only[s] = 1;
        r->slice_median[s] = c->n ? weighted_median(c, only, place) : NAN;
    }
}

/* How much further out the ends of an interval lie than independent slices would have them: the
 * standard error of the mean of a first-order autoregressive series over that of a white one, by
 * the correlation of neighbours, whose bias in short series (Kendall 1954) is taken out. At most 3.
 */
static double stretch(const double *series, int n) {
    double mean = 0, all = 0, next = 0;
    int known = 0, pairs = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(series[i])) mean += series[i], known++;
    if (known < LEAST) return 1;
    mean /= known;
    for (int i = 0, before = -1; i < n; i++) {
        if (isnan(series[i])) continue;
        all += (series[i] - mean) * (series[i] - mean);
        if (before >= 0) next += (series[i] - mean) * (series[before] - mean), pairs++;
        before = i;
    }
    if (!(all > 0) || pairs == 0) return 1;
    double rho = next / all * known / pairs;
    rho += (1 + 3 * rho) / known;
    if (!(rho > 0)) return 1;
    return rho > 0.8 ? 3 : sqrt((1 + rho) / (1 - rho));
}

/* Of means over a quarter of the series: the Allan deviation, from all overlapping neighbours. */
static double allan(const double *series, int n) {
    double v[BENCH_SLICES], sum = 0;
    int known = 0, count = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(series[i])) v[known++] = series[i];
    int w = known / 4;
    if (w < 1) return 0;
    for (int i = 0; i + 2 * w <= known; i++, count++) {
        double step = 0;
        for (int j = 0; j < w; j++) step += v[i + w + j] - v[i + j];
        sum += step / w * (step / w);
    }
    return sqrt(sum / count / 2);
}

static int known_of(const double *series, int n) {
    int known = 0;
    for (int i = 0; i < n; i++) known += !isnan(series[i]);
    return known;
}

/* Both ends of `draw` (sorted here) around `middle`, each stretched. `slices` were resampled; fewer
 * of them may be in the series, where two results have samples in different ones. */
static void ends(double *draw, double middle, const double *series, int slices, double *lo,
                 double *hi) {
    double far = stretch(series, BENCH_SLICES) * student(slices - 1) / z95;
    bench_sort(draw, BENCH_DRAWS);
    double low = bench_quantile(draw, BENCH_DRAWS, 0.025),
           high = bench_quantile(draw, BENCH_DRAWS, 0.975);
    *lo = low < middle ? middle * pow(low / middle, far) : middle;
    *hi = high > middle ? middle * pow(high / middle, far) : middle;
}

/* ---- the interface ---- */

static void log_series(const bench_result *r, const bench_result *over, double *out) {
    for (int s = 0; s < BENCH_SLICES; s++)
        out[s] = log(r->slice_median[s]) - (over ? log(over->slice_median[s]) : 0);
}

/* A median alone has no partner that drifts with it. Drift is much alike on all scales of time
 * (flicker noise): there the mean over a time differs from that over ten times as long by
 * sqrt(log2(10) / 2) = 1.3 Allan deviations, and 95 % of them by 2.5. */
static const double drifts = 2.5;

static void own_interval(bench_result *r) {
    double sorted[BENCH_DRAWS], series[BENCH_SLICES];
    memcpy(sorted, r->draw, sizeof sorted);
    log_series(r, NULL, series);
    ends(sorted, r->median_ns, series, known_of(series, BENCH_SLICES), &r->ci_lo, &r->ci_hi);
    double more = drifts * allan(series, BENCH_SLICES);
    if (!(r->median_ns > 0) || !(r->ci_lo > 0)) return;
    r->ci_lo = r->median_ns * exp(-hypot(log(r->median_ns / r->ci_lo), more));
    r->ci_hi = r->median_ns * exp(hypot(log(r->ci_hi / r->median_ns), more));
}

static tare_status draw_all(bench_result *r, const column *c, int n, bench_rng *rng) {
    for (int i = 0; i < n; i++) {
        if (c[i].n == 0) continue;
        r[i].draw = malloc(BENCH_DRAWS * sizeof *r[i].draw);
        if (!r[i].draw) TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for intervals");
    }
    for (int d = 0; d < BENCH_DRAWS; d++) {
        int common[BENCH_SLICES] = {0};
        draw_units(rng, NULL, BENCH_SLICES, common);
        for (int i = 0; i < n; i++)
            if (r[i].draw) r[i].draw[d] = resample(&c[i], common, rng);
    }
    return TARE_OK;
}

tare_status bench_intervals(bench_result *r, int n, uint64_t seed) {
    bench_rng rng;
    tare_status s = TARE_OK;
    column *c = calloc((size_t)n, sizeof *c);
    if (!c) TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for intervals");
    bench_rng_seed(&rng, seed, 0x736c69636573);
    for (int i = 0; i < n && s == TARE_OK; i++) {
        free(r[i].draw);
        r[i].draw = NULL;
        r[i].ci_lo = r[i].ci_hi = NAN;
        s = column_make(&r[i], &c[i]);
        if (s == TARE_OK) slice_medians(&r[i], &c[i]);
    }
    if (s == TARE_OK) s = draw_all(r, c, n, &rng);
    for (int i = 0; i < n; i++) {
        if (s == TARE_OK && r[i].draw) own_interval(&r[i]);
        free(c[i].at);
    }
    free(c);
    return s;
}

int bench_ratio_interval(const bench_result *a, const bench_result *b, double *lo, double *hi) {
    double q[BENCH_DRAWS], series[BENCH_SLICES];
    *lo = *hi = NAN;
    if (!a->draw || !b->draw) return 0;
    if (!(a->median_ns > 0) || !(b->median_ns > 0)) return 0;
    for (int d = 0; d < BENCH_DRAWS; d++) q[d] = a->draw[d] / b->draw[d];
    log_series(a, b, series);
    int na = known_of(a->slice_median, BENCH_SLICES), nb = known_of(b->slice_median, BENCH_SLICES);
    ends(q, a->median_ns / b->median_ns, series, na < nb ? na : nb, lo, hi);
    return 1;
}

/* ---- sums ---- */

/* A slice in which a layer has no sample says nothing of it: its median stands there. */
tare_status bench_total_add(bench_total *t, const bench_result *r, double count) {
    bench_result *d = &t->draws;
    t->ns += count * r->median_ns;
    t->added++;
    d->median_ns = t->ns;
    d->ci_lo = d->ci_hi = NAN;
    if (t->broken || !r->draw) {
        t->broken = 1;
        free(d->draw);
        d->draw = NULL;
        return TARE_OK;
    }
    if (!d->draw) d->draw = calloc(BENCH_DRAWS, sizeof *d->draw);
    if (!d->draw) TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for intervals");
    for (int i = 0; i < BENCH_DRAWS; i++) d->draw[i] += count * r->draw[i];
    for (int s = 0; s < BENCH_SLICES; s++)
        d->slice_median[s] +=
            count * (isnan(r->slice_median[s]) ? r->median_ns : r->slice_median[s]);
    own_interval(d);
    return TARE_OK;
}

void bench_total_clear(bench_total *t) {
    free(t->draws.draw);
    memset(t, 0, sizeof *t);
}
