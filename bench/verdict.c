/* Verdicts: every cell against the fastest dense float cell of the same run, and beside it the
 * ratios to the fastest dense int8 and int4 cells. */
#include "bench/cell.h"
#include "bench/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 2000 };

const char *bench_verdict_name(int v) {
    static const char *const name[] = {"HELPS",        "NEUTRAL",     "HURTS",
                                       "INCONCLUSIVE", "UNSUPPORTED", "WRONG"};
    return v >= BENCH_HELPS && v <= BENCH_WRONG ? name[v - 1] : "NONE";
}

enum bench_verdict bench_judge(double lo, double hi) {
    if (!(lo <= hi)) return BENCH_INCONCLUSIVE; /* NaN: too few samples for an interval */
    if (lo > BENCH_HELPS_ABOVE) return BENCH_HELPS;
    if (hi < BENCH_HURTS_BELOW) return BENCH_HURTS;
    if (lo >= BENCH_HURTS_BELOW && hi <= BENCH_HELPS_ABOVE) return BENCH_NEUTRAL;
    return BENCH_INCONCLUSIVE;
}

int bench_cell_unresolved(const bench_cell *c) {
    double sample = c->result.median_ns * (c->result.batch > 0 ? c->result.batch : 1);
    return c->result.n > 0 && (!(sample > 0) || sample < BENCH_TICKS_LEAST * c->tick_ns);
}

/* By the same clock: others say something else. */
static bench_cell *fastest(bench_cell *cells, int count, enum bench_family family,
                           enum bench_timing timing) {
    bench_cell *best = NULL;
    for (int i = 0; i < count; i++) {
        bench_cell *c = &cells[i];
        if (c->scheme.family != family || c->result.n == 0 || c->timing != timing) continue;
        if (bench_cell_unresolved(c)) continue;
        if (!best || c->result.median_ns < best->result.median_ns) best = c;
    }
    return best;
}

static double *sorted(const bench_result *r) {
    double *v = malloc((r->n ? r->n : 1) * sizeof *v);
    if (!v) return NULL;
    memcpy(v, r->samples, r->n * sizeof *v);
    bench_sort(v, r->n);
    return v;
}

/* The ratio of medians with its bootstrap interval; NaN where there is nothing to compare with. */
static void compare(const bench_cell *base, const bench_cell *c, uint64_t seed, double *ratio,
                    double *lo, double *hi) {
    *ratio = *lo = *hi = NAN;
    if (!base || bench_cell_unresolved(c)) return;
    *ratio = base->result.median_ns / c->result.median_ns;
    if (base == c) {
        *lo = *hi = 1;
        return;
    }
    double *top = sorted(&base->result), *bottom = sorted(&c->result);
    if (top && bottom)
        bench_ratio_ci(top, base->result.n, bottom, c->result.n, DRAWS, seed, lo, hi);
    free(top);
    free(bottom);
}

void bench_verdicts(bench_cell *cells, int count, uint64_t seed) {
    for (int i = 0; i < count; i++) {
        bench_cell *c = &cells[i];
        if (c->result.n == 0) continue; /* refused or wrong: its verdict stands */
        const bench_cell *base = fastest(cells, count, BENCH_FLOAT, c->timing);
        const bench_cell *int8 = fastest(cells, count, BENCH_INT8, c->timing);
        const bench_cell *int4 = fastest(cells, count, BENCH_INT4, c->timing);
        compare(base, c, seed, &c->ratio, &c->ratio_lo, &c->ratio_hi);
        compare(int8, c, seed, &c->ratio_int8, &c->ratio_int8_lo, &c->ratio_int8_hi);
        compare(int4, c, seed, &c->ratio_int4, &c->ratio_int4_lo, &c->ratio_int4_hi);
        if (base) snprintf(c->base_kernel, sizeof c->base_kernel, "%s", base->kernel);
        c->is_base = c == base;
        /* Nothing to compare with is no decision: NaN judges as INCONCLUSIVE. */
        c->verdict = bench_judge(c->ratio_lo, c->ratio_hi);
    }
}

enum bench_outcome bench_outcome_of(const bench_cell *cells, int count, int gate) {
    int wrong = 0, hurts = 0, open = 0, timed = 0;
    for (int i = 0; i < count; i++) {
        const bench_cell *c = &cells[i];
        wrong |= c->verdict == BENCH_WRONG;
        if (!c->asked) continue;
        timed |= c->result.n > 0;
        hurts |= c->verdict == BENCH_HURTS;
        open |= c->verdict == BENCH_INCONCLUSIVE;
    }
    if (wrong) return BENCH_WRONG_RESULT;
    if (!timed) return BENCH_NONE_TIMED;
    if (!gate) return BENCH_RAN;
    return hurts ? BENCH_GATE_HURTS : open ? BENCH_GATE_OPEN : BENCH_RAN;
}
