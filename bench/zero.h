/* The scale weighs itself: `tare zero`.
 *
 * Every row is measured against its twin, the same row on weights that were packed anew. The truth
 * is known: they are equally fast, so whatever verdict is neither NEUTRAL nor INCONCLUSIVE is
 * false. Shapes are gone through again and again until the time is up, so that a problem's
 * measurements lie far apart: what a row takes in the long run is the median of all its medians,
 * and an interval should cover that in 95 of 100 cases. Rows that lost their heat by little are
 * measured as well: a heat that chose a row more than 3 % slower than one of them has missed. */
#ifndef TARE_BENCH_ZERO_H
#define TARE_BENCH_ZERO_H

#include "bench/cell.h"

#include <jansson.h>

/* False verdicts above this share fail, intervals that cover less than that are said to. */
#define BENCH_ZERO_FALSE 0.05
#define BENCH_ZERO_COVER 0.90
#define BENCH_ZERO_MISS 1.03

typedef struct bench_zero_count {
    int pairs, helps, hurts, neutral, open; /* verdicts; open: INCONCLUSIVE */
    int noisy;                              /* pairs that are open for that reason */
    int intervals, covered;                 /* by what a measurement sees of itself */
    int widened;       /* those that cover once the drift between measurements is known */
    int heats, misses; /* a heat a measurement; those that chose a row too slow */
    int changes;       /* measurements that took another row than the one before */
} bench_zero_count;

/* One scheme on one shape. */
typedef struct bench_zero_row {
    const bench_shape *shape;
    int64_t m;
    char scheme[48], kernel[64];
    double median_ns; /* in the long run */
    double drift;     /* between the least and the largest median, over that */
    double worst;     /* of the heats: the row taken over the fastest, 1 at best */
    bench_zero_count count;
    struct bench_zero_seen {
        double median_ns, lo, hi;
    } * seen;
    int seen_count, room;
} bench_zero_row;

typedef struct bench_zero {
    bench_zero_row *row;
    int rows, room;
    int cycles; /* through all shapes, the last of them perhaps cut short */
    bench_zero_count all;
    double drift_median, drift_worst;
    /* Deviation of a measurement's median from the long-run one (bench/drift.h); NaN: one cycle
     * tells nothing of it. */
    double share;
} bench_zero;

/* Goes through the shapes, all schemes at a time, for about `seconds`, once at least. The setup
 * says how: device, cache (one of the two), seconds and samples a contestant, plant. What was
 * measured before an error stands in *out. */
tare_status bench_zero_run(bench_setup *s, const bench_shape *shapes, int count, int64_t m,
                           const bench_scheme *schemes, int scheme_count, double seconds,
                           bench_zero *out);
/* Adds one group's cells. */
tare_status bench_zero_add(bench_zero *z, const bench_shape *shape, int64_t m,
                           const bench_cell *cells, int count);
/* Long-run medians, coverage, drift, sums. `widened` is by the drift of the other shapes: a shape's
 * own would cover itself. */
void bench_zero_sum(bench_zero *z);
void bench_zero_clear(bench_zero *z);

/* 0: holds. 1: too many false verdicts. 5: fewer than half of the pairs were decided. */
int bench_zero_exit(const bench_zero *z);
/* Records of schema tare-zero-1 (docs/records.md): a scheme and shape each, and one of all. */
json_t *bench_zero_records(const bench_zero *z, const bench_setup *s, json_t *env);

#endif
