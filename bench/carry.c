/* Transfers around a run. */
#include "bench/carry.h"
#include "bench/clock.h"
#include "bench/stats.h"
#include "src/internal.h"

#include <math.h>

enum { RUNS = 9, LEAST_RUNS = 3 };
#define MOST_SECONDS 0.3 /* for all runs, once there are the least */

tare_status bench_carry_stream(bench_carry *c) {
    const tare_packed *w = c->rotor->copy[0];
    const tare_stream *s = c->rotor->stream;
    const tare_backend_ops *ops = s->device->backend->ops;
    if (c->blob) return TARE_OK;
    c->blob = tare_alloc(w->bytes);
    if (!c->blob) TARE_FAIL(TARE_E_NOMEM, "bench: no memory for %zu bytes of weights", w->bytes);
    TARE_TRY(ops->read(s->device->state, s->state, w->mem, 0, c->blob, w->bytes));
    return ops->stream_sync(s->device->state, s->state);
}

void bench_carry_clear(bench_carry *c) {
    tare_free(c->blob);
    c->blob = NULL;
}

static tare_status upload(bench_carry *c) {
    const tare_packed *w = c->rotor->copy[c->rotor->next];
    const tare_stream *s = c->rotor->stream;
    return s->device->backend->ops->write(s->device->state, s->state, w->mem, 0, c->blob, w->bytes);
}

static tare_status there_and_back(void *carry) {
    bench_carry *c = carry;
    tare_stream *s = c->rotor->stream;
    TARE_TRY(tare_buffer_write(s, c->x, 0, c->x_host, c->x_bytes));
    if (c->blob) TARE_TRY(upload(c));
    TARE_TRY(bench_rotor_queue(c->rotor));
    TARE_TRY(tare_buffer_read(s, c->rotor->y, 0, c->y_host, c->y_bytes));
    return tare_stream_sync(s);
}

static tare_status settle(void *carry, int runs) {
    (void)runs;
    return bench_rotor_settle(((bench_carry *)carry)->rotor);
}

bench_contestant bench_carry_contestant(bench_carry *c) {
    return (bench_contestant){.run = there_and_back, .prepare = settle, .ctx = c};
}

static double median(double *v, int n) {
    bench_sort(v, (size_t)n);
    return bench_median(v, (size_t)n);
}

/* One run, timed by both clocks; `own` becomes 0 where the device has none. */
static tare_status once(bench_carry *c, int *own, tare_times *t, double *ns) {
    bench_contestant rotor = bench_rotor_contestant(c->rotor);
    TARE_TRY(rotor.prepare(rotor.ctx, 1));
    tare_status s = tare_stream_times(c->rotor->stream, t); /* what came before does not count */
    *own = s == TARE_OK;
    if (s != TARE_OK && s != TARE_E_UNSUPPORTED) return s;
    double start = bench_now_ns();
    TARE_TRY(there_and_back(c));
    *ns = bench_now_ns() - start;
    return *own ? tare_stream_times(c->rotor->stream, t) : TARE_OK;
}

tare_status bench_carry_times(bench_carry *c, double seconds, bench_transfer *out) {
    double h2d[RUNS], kernel[RUNS], d2h[RUNS], all[RUNS], spent = 0;
    int n = 0, own = 0;
    tare_times t;
    double enough = (seconds < MOST_SECONDS ? seconds : MOST_SECONDS) * 1e9;
    TARE_TRY(once(c, &own, &t, &all[0]));
    /* The first is warm-up, but where even one takes all the time there is. */
    int long_run = all[0] > enough;
    for (; n < RUNS && (n < LEAST_RUNS || spent < enough) && !(long_run && n); n++) {
        if (!long_run) TARE_TRY(once(c, &own, &t, &all[n]));
        h2d[n] = t.h2d_ns;
        kernel[n] = t.kernel_ns;
        d2h[n] = t.d2h_ns;
        spent += all[n];
    }
    *out = (bench_transfer){own ? median(h2d, n) : NAN, own ? median(kernel, n) : NAN,
                            own ? median(d2h, n) : NAN, median(all, n)};
    return TARE_OK;
}
