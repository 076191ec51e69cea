/* Two bisections that share their points. */
#include "bench/breakeven.h"

#include <math.h>

const char *bench_even_name(bench_even e) {
    static const char *const name[] = {"at", "always", "never", "unclear", "cut"};
    return name[e - BENCH_EVEN_AT];
}

/* 1 faster, -1 slower, 0 neither. */
static int side(const bench_point *p) {
    return p->lo > 1 ? 1 : p->hi < 1 ? -1 : 0;
}

/* Two gaps of what is not measured: below `faster` all that is known above which is faster, above
 * `slower` all that is known below which is slower. */
typedef struct bounds {
    int not_faster, faster; /* -1 and BENCH_SHARES where there is none */
    int slower, not_slower;
} bounds;

static bounds bounds_of(const bench_point *p) {
    bounds b = {.not_faster = -1, .faster = BENCH_SHARES, .slower = -1, .not_slower = BENCH_SHARES};
    for (int i = BENCH_SHARES - 1; i >= 0 && b.not_faster < 0; i--) {
        if (!p[i].known) continue;
        *(side(&p[i]) > 0 ? &b.faster : &b.not_faster) = i;
    }
    for (int i = 0; i < BENCH_SHARES && b.not_slower == BENCH_SHARES; i++) {
        if (!p[i].known) continue;
        *(side(&p[i]) < 0 ? &b.slower : &b.not_slower) = i;
    }
    return b;
}

/* What is known of the ends comes first: most searches that find nothing end there. */
int bench_even_next(const bench_point *p) {
    const int last = BENCH_SHARES - 1;
    bounds b = bounds_of(p);
    if (b.faster == BENCH_SHARES) return p[last].known ? -1 : last;
    if (b.not_faster < 0) return p[0].known ? -1 : 0;
    int upper = b.faster - b.not_faster, lower = b.not_slower - b.slower;
    if (b.slower < 0 && p[0].known) lower = 0; /* not even without zeros is it slower */
    if (upper <= 1 && lower <= 1) return -1;
    if (upper >= lower) return (b.faster + b.not_faster) / 2;
    return (b.slower + b.not_slower) / 2;
}

/* Where the ratio crosses 1: between the last known share up to `faster` that is below 1 and the
 * next known one; the logarithm of the ratio is taken as straight there. */
static double crossing(const bench_point *p, int slower, int faster) {
    int a = -1, b = faster;
    for (int i = slower < 0 ? 0 : slower; i <= faster; i++) {
        if (!p[i].known) continue;
        if (p[i].ratio < 1)
            a = i;
        else if (a >= 0 || b == faster) {
            b = i;
            if (a >= 0) break;
        }
    }
    if (a < 0) return slower < 0 ? 0 : slower;
    if (b < a) b = faster;
    double low = log(p[a].ratio), high = log(p[b].ratio);
    return high > low ? a + (b - a) * (0 - low) / (high - low) : 0.5 * (a + b);
}

bench_evens bench_even_of(const bench_point *p) {
    bounds b = bounds_of(p);
    bench_evens e = {.at = NAN, .slower = b.slower, .faster = b.faster};
    int at_most = side(&p[BENCH_SHARES - 1]);
    if (bench_even_next(p) >= 0)
        e.kind = BENCH_EVEN_CUT;
    else if (b.faster == BENCH_SHARES)
        e.kind = at_most < 0 ? BENCH_EVEN_NEVER : BENCH_EVEN_UNCLEAR;
    else if (b.not_faster < 0)
        e.kind = BENCH_EVEN_ALWAYS;
    else {
        e.kind = BENCH_EVEN_AT;
        e.at = crossing(p, b.slower, b.faster);
    }
    return e;
}
