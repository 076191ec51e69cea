#include "bench/timing.h"
#include "bench/clock.h"
#include "src/internal.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"auto", "host", "events", "graph"};

const char *bench_timing_name(int t) {
    return t >= BENCH_AUTO && t <= BENCH_BY_GRAPH ? names[t] : "unknown";
}

int bench_timing_find(const char *name) {
    for (int i = BENCH_AUTO; i <= BENCH_BY_GRAPH; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

/* The error is at hand: why there is none. */
static tare_status no_clock(enum bench_timing asked) {
    char why[300];
    snprintf(why, sizeof why, "%s", tare_last_error());
    TARE_FAIL(TARE_E_UNSUPPORTED, "--timing %s: %s", bench_timing_name(asked), why);
}

tare_status bench_timing_choose(tare_device *d, enum bench_timing asked, enum bench_timing *out) {
    const tare_backend_ops *ops = d->backend->ops;
    double tick;
    tare_status s = tare_clock_tick(d, &tick);
    if (s != TARE_OK && s != TARE_E_UNSUPPORTED) return s;
    int clock = s == TARE_OK, graphs = clock && ops->graph_begin;
    *out = asked;
    if (asked == BENCH_AUTO)
        *out = graphs ? BENCH_BY_GRAPH : clock ? BENCH_BY_EVENTS : BENCH_BY_HOST;
    if ((*out == BENCH_BY_EVENTS && !clock) || (*out == BENCH_BY_GRAPH && !graphs))
        return clock ? tare_fail(TARE_E_UNSUPPORTED, "--timing %s: %s has no graphs",
                                 bench_timing_name(asked), d->info.id)
                     : no_clock(asked);
    return TARE_OK;
}

double bench_timing_tick(tare_device *d, enum bench_timing by) {
    double tick = 0;
    if (by <= BENCH_BY_HOST) return bench_clock_tick();
    return tare_clock_tick(d, &tick) == TARE_OK ? tick : 0;
}
