/* Verdicts: every cell against the fastest dense cell of the same run that it has to beat, and
 * beside it the ratios to the fastest dense float, int8 and int4 cells. */
#include "bench/cell.h"
#include "bench/interval.h"

#include <math.h>
#include <stdio.h>

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

/* Of the dense cells with a coding in finest..coarsest, and by the same clock: others say something
 * else. */
static const bench_cell *fastest(const bench_cell *cells, int count, enum bench_coding finest,
                                 enum bench_coding coarsest, enum bench_timing timing) {
    const bench_cell *best = NULL;
    for (int i = 0; i < count; i++) {
        const bench_cell *c = &cells[i];
        if (!bench_scheme_dense(&c->scheme, finest, coarsest)) continue;
        if (c->result.n == 0 || c->timing != timing || bench_cell_unresolved(c)) continue;
        if (!best || c->result.median_ns < best->result.median_ns) best = c;
    }
    return best;
}

/* The ratio of medians with its interval; NaN where there is nothing to compare with. */
static void compare(const bench_cell *base, const bench_cell *c, double *ratio, double *lo,
                    double *hi) {
    *ratio = *lo = *hi = NAN;
    if (!base || bench_cell_unresolved(c)) return;
    *ratio = base->result.median_ns / c->result.median_ns;
    if (base == c) {
        *lo = *hi = 1;
        return;
    }
    bench_ratio_interval(&base->result, &c->result, lo, hi);
}

/* Nothing to compare with is no decision: NaN judges as INCONCLUSIVE. Neither is what was measured
 * while the machine did something else, however narrow its interval. */
static void judge(const bench_cell *opponent, bench_cell *c) {
    compare(opponent, c, &c->against_ratio, &c->against_lo, &c->against_hi);
    c->against_noisy = opponent && opponent->result.noise.noisy;
    if (opponent) {
        snprintf(c->against_scheme, sizeof c->against_scheme, "%s", opponent->scheme.name);
        snprintf(c->against_kernel, sizeof c->against_kernel, "%s", opponent->kernel);
    }
    c->verdict = c->result.noise.noisy || c->against_noisy
                     ? BENCH_INCONCLUSIVE
                     : bench_judge(c->against_lo, c->against_hi);
}

void bench_verdicts(bench_cell *cells, int count) {
    for (int i = 0; i < count; i++) {
        bench_cell *c = &cells[i];
        if (c->result.n == 0) continue; /* refused or wrong: its verdict stands */
        const bench_cell *base = fastest(cells, count, BENCH_FLOATS, BENCH_FLOATS, c->timing);
        const bench_cell *int8 = fastest(cells, count, BENCH_8_BIT, BENCH_8_BIT, c->timing);
        const bench_cell *int4 = fastest(cells, count, BENCH_4_BIT, BENCH_4_BIT, c->timing);
        compare(base, c, &c->ratio, &c->ratio_lo, &c->ratio_hi);
        compare(int8, c, &c->ratio_int8, &c->ratio_int8_lo, &c->ratio_int8_hi);
        compare(int4, c, &c->ratio_int4, &c->ratio_int4_lo, &c->ratio_int4_hi);
        if (base) snprintf(c->base_kernel, sizeof c->base_kernel, "%s", base->kernel);
        c->is_base = c == base;
        judge(fastest(cells, count, BENCH_FLOATS, bench_scheme_has_to_beat(&c->scheme), c->timing),
              c);
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
