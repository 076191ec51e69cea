/* How far cells are from what their device can do, and what bounds them. */
#include "bench/lastcache.h"
#include "src/internal.h"

#include <math.h>

/* Weights that the last cache serves: those just used, and those just uploaded. */
static int is_cached(const bench_setup *s, const bench_cell *c) {
    return (c->cache == BENCH_HOT || c->weights == BENCH_STREAMED) &&
           bench_last_cache_holds(s, c->packed_bytes);
}

static double x_bytes(const bench_cell *c) {
    return (double)c->m * (double)c->shape.k * (double)tare_type_bytes(c->scheme.x);
}

static double y_bytes(const bench_cell *c) {
    return (double)c->m * (double)c->shape.n * (double)tare_type_bytes(c->scheme.y);
}

/* A ceiling that a cell passed was measured in a slow spell: it rises to the cell. */
static void raise(bench_setup *s, const bench_cell *c) {
    if (c->weights != BENCH_STREAMED) {
        bench_ceilings_met(&c->plan, c->packed_bytes, is_cached(s, c), c->result.median_ns,
                           &s->rates);
        return;
    }
    double up = ((double)c->packed_bytes + x_bytes(c)) / c->transfer.h2d_ns;
    if (isfinite(up) && up > s->rates.h2d_gbs) s->rates.h2d_gbs = up;
}

/* The least time of the transfers of a streamed cell. */
static double moving_ns(const bench_setup *s, const bench_cell *c) {
    if (c->weights != BENCH_STREAMED || !(s->rates.h2d_gbs > 0) || !(s->rates.d2h_gbs > 0))
        return 0;
    return ((double)c->packed_bytes + x_bytes(c)) / s->rates.h2d_gbs +
           y_bytes(c) / s->rates.d2h_gbs;
}

/* By the device's clock where it has one: a kernel far from its floor is no fault of the link. Else
 * what moving and computing take at least. */
static int transfers_rule(const bench_cell *c, double moving, double least) {
    double moved = c->transfer.h2d_ns + c->transfer.d2h_ns;
    if (isfinite(moved) && isfinite(c->transfer.kernel_ns)) return moved > c->transfer.kernel_ns;
    return (moving > c->plan.transfer_ns ? moving : c->plan.transfer_ns) > least;
}

static void judge(const bench_setup *s, bench_cell *c) {
    tare_rates rates = s->rates;
    if (c->timing == BENCH_BY_GRAPH) rates.launch_ns = 0; /* a replay has no launches in it */
    double floor = bench_floor_ns(&c->plan, c->packed_bytes, &rates, is_cached(s, c), &c->limit);
    double moving = moving_ns(s, c);
    if (transfers_rule(c, moving, floor > rates.launch_ns ? floor : rates.launch_ns))
        c->limit = BENCH_TRANSFER;
    c->pct_peak = bench_cell_unresolved(c) ? NAN : 100 * (floor + moving) / c->result.median_ns;
}

void bench_peaks(bench_setup *s, bench_cells *all) {
    for (int i = 0; i < all->count; i++)
        if (all->cell[i].device == s->device && all->cell[i].result.n > 0 &&
            !bench_cell_unresolved(&all->cell[i]))
            raise(s, &all->cell[i]);
    for (int i = 0; i < all->count; i++)
        if (all->cell[i].device == s->device && all->cell[i].result.n > 0) judge(s, &all->cell[i]);
}
