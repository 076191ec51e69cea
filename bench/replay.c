/* Samples by the device's clock: runs queued one by one, or recorded as a graph and replayed. The
 * clock was emptied before the sample (prepare), so what it says now is the sample's. */
#include "bench/replay.h"
#include "src/internal.h"

static tare_status device_time(const bench_rotor *r, double *ns) {
    tare_times t;
    TARE_TRY(tare_stream_times(r->stream, &t));
    *ns = t.kernel_ns;
    return TARE_OK;
}

tare_status bench_rotor_events(void *rotor, int runs, double *ns) {
    bench_rotor *r = rotor;
    for (int i = 0; i < runs; i++) TARE_TRY(bench_rotor_queue(r));
    return device_time(r, ns);
}

tare_status bench_rotor_replay(void *rotor, int runs, double *ns) {
    bench_rotor *r = rotor;
    TARE_TRY(tare_graph_replay(r->graph, r->stream));
    for (int i = 0; i < runs; i++) bench_rotor_turn(r);
    return device_time(r, ns);
}

void bench_rotor_forget(bench_rotor *r) {
    tare_graph_destroy(r->graph);
    r->graph = NULL;
    r->recorded = 0;
}

/* The first copy's turn comes first: `next` is where a whole number of graphs leaves it. */
tare_status bench_rotor_record(bench_rotor *r, int runs) {
    bench_rotor_forget(r);
    r->next = 0;
    TARE_TRY(tare_graph_begin(r->stream));
    tare_status s = TARE_OK;
    for (int i = 0; i < runs && s == TARE_OK; i++)
        s = tare_run(r->plan, r->copy[r->cold ? i % r->copies : 0], r->stream, r->x, NULL, r->y, 0);
    tare_status end = tare_graph_end(r->stream, &r->graph);
    if (s == TARE_OK) s = end;
    if (s != TARE_OK) {
        bench_rotor_forget(r);
        return s;
    }
    r->recorded = runs;
    return TARE_OK;
}
