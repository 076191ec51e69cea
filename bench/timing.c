#include "bench/timing.h"
#include "src/internal.h"

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

tare_status bench_timing_choose(const tare_device *d, enum bench_timing asked,
                                enum bench_timing *out) {
    const tare_backend_ops *ops = d->backend->ops;
    int clock = ops->stream_times != NULL, graphs = clock && ops->graph_begin;
    *out = asked;
    if (asked == BENCH_AUTO)
        *out = graphs ? BENCH_BY_GRAPH : clock ? BENCH_BY_EVENTS : BENCH_BY_HOST;
    if ((*out == BENCH_BY_EVENTS && !clock) || (*out == BENCH_BY_GRAPH && !graphs))
        TARE_FAIL(TARE_E_UNSUPPORTED, "--timing %s: %s has no %s", bench_timing_name(asked),
                  d->info.id, clock ? "graphs" : "clock of its own");
    return TARE_OK;
}
