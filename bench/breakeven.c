/* Two bisections that share their points. */
#include "bench/breakeven.h"

#include <math.h>

const char *bench_even_name(bench_even e) {
    static const char *const name[] = {"at", "always", "never", "unclear"};
    return name[e - BENCH_EVEN_AT];
}

/* 1 faster, -1 slower, 0 neither, at a share. */
static tare_status side(const bench_search *s, int percent, int *out) {
    bench_point *p = &s->points[percent];
    if (!p->known) {
        tare_status st = s->measure(s->ctx, percent, p);
        if (st != TARE_OK) return st;
        p->known = 1;
    }
    *out = p->lo > 1 ? 1 : p->hi < 1 ? -1 : 0;
    return TARE_OK;
}

/* Narrows (below, above) until they are neighbours: `want` holds at one end and not at the other.
 * rising: it holds from some share up. */
static tare_status bisect(const bench_search *s, int want, int rising, int *below, int *above) {
    while (*above - *below > 1) {
        int mid = (*below + *above) / 2, at;
        tare_status st = side(s, mid, &at);
        if (st != TARE_OK) return st;
        int holds = at == want;
        *(holds == rising ? above : below) = mid;
    }
    return TARE_OK;
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

tare_status bench_breakeven(const bench_search *s, bench_evens *out) {
    int first, last, below = 0, above = BENCH_SHARES - 1;
    tare_status st;
    *out = (bench_evens){.at = NAN, .slower = -1, .faster = BENCH_SHARES};
    if ((st = side(s, below, &first)) != TARE_OK) return st;
    if (first > 0) {
        out->kind = BENCH_EVEN_ALWAYS;
        out->faster = 0;
        return TARE_OK;
    }
    if ((st = side(s, above, &last)) != TARE_OK) return st;
    if (last <= 0) {
        out->kind = last < 0 ? BENCH_EVEN_NEVER : BENCH_EVEN_UNCLEAR;
        if (last < 0) out->slower = above;
        return TARE_OK;
    }
    if ((st = bisect(s, 1, 1, &below, &above)) != TARE_OK) return st;
    out->kind = BENCH_EVEN_AT;
    out->faster = above;
    if (first < 0) {
        int under = 0, over = above;
        if ((st = bisect(s, -1, 0, &under, &over)) != TARE_OK) return st;
        out->slower = under;
    }
    out->at = crossing(s->points, out->slower, out->faster);
    return TARE_OK;
}
