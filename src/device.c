/* Devices as the caller sees them, streams and buffers. Thin on purpose: each call
 * checks its arguments and hands on to the backend. */
#include "fpenv.h"
#include "internal.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

tare_status tare_device_describe(const tare_device *d, tare_device_info *out) {
    if (!d || !out) TARE_FAIL(TARE_E_ARG, "device_describe: null argument");
    *out = d->info;
    if (!d->backend->ops->describe) return TARE_OK;
    TARE_TRY(d->backend->ops->describe(d->state, out));
    return tare_check_info(out);
}

void tare_device_rates(const tare_device *d, tare_rates *out) {
    *out = d->rates;
}

tare_status tare_device_set_rates(tare_device *d, const tare_rates *r) {
    if (!d || !r) TARE_FAIL(TARE_E_ARG, "device_set_rates: null argument");
    TARE_TRY(tare_check_rates(r));
    d->rates = *r;
    return TARE_OK;
}

tare_status tare_device_probe(tare_device *d, tare_probe_kind what, double seconds, double *rate) {
    TARE_FP_DEFAULT;
    if (!d || !rate || !(seconds > 0)) TARE_FAIL(TARE_E_ARG, "device_probe: bad argument");
    *rate = 0;
    if (!d->backend->ops->probe) TARE_FAIL(TARE_E_UNSUPPORTED, "%s has no probes", d->info.id);
    return d->backend->ops->probe(d->state, what, seconds, rate);
}

tare_status tare_device_clocks(tare_device *d, tare_clocks *out) {
    if (!d || !out) TARE_FAIL(TARE_E_ARG, "device_clocks: null argument");
    *out = (tare_clocks){-1, -1, -1, -1, -1, -1, -1, ""};
    if (!d->backend->ops->clocks)
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s does not tell its clocks", d->info.id);
    tare_status s = d->backend->ops->clocks(d->state, out);
    tare_text_field(out->limits, sizeof out->limits);
    return s;
}

/* What a backend tells of its steps is cleaned before the caller shows it. */
typedef struct teller {
    void (*tell)(void *ctx, const char *what, double done);
    void *ctx;
} teller;

static void tell_on(void *ctx, const char *what, double done) {
    const teller *t = ctx;
    char text[160];
    snprintf(text, sizeof text, "%s", what ? what : "");
    tare_text_clean(text);
    if (t->tell) t->tell(t->ctx, text, done);
}

tare_status tare_device_tune(tare_device *d, double seconds,
                             void (*tell)(void *ctx, const char *what, double done), void *ctx) {
    TARE_FP_DEFAULT;
    if (!d || !(seconds > 0)) TARE_FAIL(TARE_E_ARG, "device_tune: bad argument");
    if (!d->backend->ops->tune) TARE_FAIL(TARE_E_UNSUPPORTED, "%s has nothing to tune", d->info.id);
    teller t = {tell, ctx};
    return d->backend->ops->tune(d->state, seconds, tell_on, &t);
}

/* ---- streams ---- */

tare_status tare_stream_create(tare_device *d, tare_stream **out) {
    TARE_FP_DEFAULT;
    if (!d || !out) TARE_FAIL(TARE_E_ARG, "stream_create: null argument");
    *out = NULL;
    tare_stream *s = tare_alloc_zeroed(sizeof *s);
    if (!s) TARE_FAIL(TARE_E_NOMEM, "stream_create: out of memory");
    s->device = d;
    tare_status status = d->backend->ops->stream_create(d->state, &s->state);
    if (status != TARE_OK) {
        tare_free(s);
        return status;
    }
    *out = s;
    return TARE_OK;
}

tare_status tare_not_recording(const tare_stream *s) {
    if (s->recording)
        TARE_FAIL(TARE_E_ARG, "between graph_begin and graph_end there can only be tare_run");
    return TARE_OK;
}

tare_status tare_stream_reserve(tare_stream *s, const tare_plan *plan) {
    TARE_FP_DEFAULT;
    if (!s || !plan || plan->device != s->device)
        TARE_FAIL(TARE_E_ARG, "stream_reserve: the plan is for another device");
    TARE_TRY(tare_not_recording(s));
    const tare_backend_ops *ops = s->device->backend->ops;
    if (plan->row->prepare)
        TARE_TRY(
            tare_decline(plan, plan->row->prepare(s->device->state, s->state, &plan->problem)));
    if (plan->scratch_bytes <= s->scratch_bytes) return TARE_OK;
    void *mem;
    TARE_TRY(ops->stream_sync(s->device->state, s->state));
    TARE_TRY(ops->alloc(s->device->state, plan->scratch_bytes, &mem));
    if (s->scratch) ops->free(s->device->state, s->scratch);
    s->scratch = mem;
    s->scratch_bytes = plan->scratch_bytes;
    return TARE_OK;
}

tare_status tare_stream_sync(tare_stream *s) {
    if (!s) TARE_FAIL(TARE_E_ARG, "stream_sync: null stream");
    TARE_TRY(tare_not_recording(s));
    return s->device->backend->ops->stream_sync(s->device->state, s->state);
}

tare_status tare_stream_set_parallel(tare_stream *s, tare_parallel_fn fn, void *ctx, int threads) {
    if (!s || (fn && threads < 1))
        TARE_FAIL(TARE_E_ARG, "stream_set_parallel: no stream, or a host that lends no thread");
    s->lent = (parallel_host){fn, fn ? ctx : NULL, threads < PARALLEL_MAX ? threads : PARALLEL_MAX};
    return TARE_OK;
}

tare_status tare_stream_times(tare_stream *s, tare_times *out) {
    if (!s || !out) TARE_FAIL(TARE_E_ARG, "stream_times: null argument");
    memset(out, 0, sizeof *out);
    TARE_TRY(tare_not_recording(s));
    const tare_backend_ops *ops = s->device->backend->ops;
    if (!ops->stream_times)
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s has no clock of its own", s->device->info.id);
    return ops->stream_times(s->device->state, s->state, out);
}

tare_status tare_clock_tick(tare_device *d, double *ns) {
    if (!d || !ns) TARE_FAIL(TARE_E_ARG, "clock_tick: null argument");
    *ns = 0;
    const tare_backend_ops *ops = d->backend->ops;
    if (!ops->stream_times) TARE_FAIL(TARE_E_UNSUPPORTED, "%s has no clock of its own", d->info.id);
    return ops->clock ? ops->clock(d->state, ns) : TARE_OK;
}

void tare_stream_destroy(tare_stream *s) {
    if (!s) return;
    if (s->recording) {
        tare_graph *g = NULL;
        if (tare_graph_end(s, &g) == TARE_OK) tare_graph_destroy(g);
    }
    if (s->scratch) s->device->backend->ops->free(s->device->state, s->scratch);
    s->device->backend->ops->stream_destroy(s->device->state, s->state);
    tare_free(s);
}

/* ---- graphs ---- */

tare_status tare_graph_begin(tare_stream *s) {
    if (!s) TARE_FAIL(TARE_E_ARG, "graph_begin: null stream");
    const tare_backend_ops *ops = s->device->backend->ops;
    if (!ops->graph_begin)
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s does not record graphs", s->device->info.id);
    TARE_TRY(tare_not_recording(s));
    TARE_TRY(ops->graph_begin(s->device->state, s->state));
    s->recording = 1;
    return TARE_OK;
}

tare_status tare_graph_end(tare_stream *s, tare_graph **out) {
    if (!s || !out) TARE_FAIL(TARE_E_ARG, "graph_end: null argument");
    *out = NULL;
    const tare_backend_ops *ops = s->device->backend->ops;
    if (!ops->graph_end)
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s does not record graphs", s->device->info.id);
    if (!s->recording) TARE_FAIL(TARE_E_ARG, "graph_end: graph_begin was not called");
    void *state = NULL;
    int spoilt = s->recording == 2;
    s->recording = 0;
    TARE_TRY(ops->graph_end(s->device->state, s->state, &state));
    tare_graph *g = spoilt ? NULL : tare_alloc_zeroed(sizeof *g);
    if (!g) {
        ops->graph_destroy(s->device->state, state);
        if (spoilt) TARE_FAIL(TARE_E_DEVICE, "graph_end: a run failed while it was recorded");
        TARE_FAIL(TARE_E_NOMEM, "graph_end: out of memory");
    }
    *g = (tare_graph){s->device, state, s, s->scratch_bytes};
    *out = g;
    return TARE_OK;
}

tare_status tare_graph_replay(tare_graph *g, tare_stream *s) {
    if (!g || !s || g->device != s->device)
        TARE_FAIL(TARE_E_ARG, "graph_replay: null argument, or graph and stream of two devices");
    if (g->stream->scratch_bytes != g->scratch_bytes) /* it only grows, and moves then */
        TARE_FAIL(TARE_E_ARG, "graph_replay: its stream was reserved for more since: record again");
    TARE_TRY(tare_not_recording(s));
    return s->device->backend->ops->graph_replay(s->device->state, s->state, g->state);
}

void tare_graph_destroy(tare_graph *g) {
    if (!g) return;
    g->device->backend->ops->graph_destroy(g->device->state, g->state);
    tare_free(g);
}

/* ---- buffers ---- */

static tare_status buffer_new(tare_device *d, size_t bytes, tare_buffer **out) {
    *out = tare_alloc_zeroed(sizeof **out);
    if (!*out) TARE_FAIL(TARE_E_NOMEM, "buffer: out of memory");
    (*out)->device = d;
    (*out)->bytes = bytes;
    return TARE_OK;
}

tare_status tare_buffer_create(tare_device *d, size_t bytes, tare_buffer **out) {
    if (!d || !out || bytes == 0) TARE_FAIL(TARE_E_ARG, "buffer_create: null device or no bytes");
    *out = NULL;
    tare_buffer *b;
    TARE_TRY(buffer_new(d, bytes, &b));
    tare_status s = d->backend->ops->alloc(d->state, bytes, &b->mem);
    if (s != TARE_OK) {
        tare_free(b);
        return s;
    }
    *out = b;
    return TARE_OK;
}

tare_status tare_buffer_wrap(tare_device *d, void *host, size_t bytes, tare_buffer **out) {
    if (!d || !out || !host || bytes == 0)
        TARE_FAIL(TARE_E_ARG, "buffer_wrap: null argument or no bytes");
    *out = NULL;
    if (!d->backend->host_memory)
        TARE_FAIL(TARE_E_UNSUPPORTED,
                  "%s does not work in host memory: create a buffer and write it", d->info.id);
    tare_buffer *b;
    TARE_TRY(buffer_new(d, bytes, &b));
    b->mem = host;
    b->borrowed = 1;
    *out = b;
    return TARE_OK;
}

static tare_status check_span(const tare_stream *s, const tare_buffer *b, size_t offset,
                              size_t bytes, const void *host) {
    if (!s || !b || !host || b->device != s->device)
        TARE_FAIL(TARE_E_ARG, "buffer: null argument, or buffer and stream of two devices");
    if (offset > b->bytes || bytes > b->bytes - offset)
        TARE_FAIL(TARE_E_ARG, "buffer: %zu bytes at %zu do not fit its %zu", bytes, offset,
                  b->bytes);
    return tare_not_recording(s);
}

tare_status tare_buffer_write(tare_stream *s, tare_buffer *b, size_t offset, const void *src,
                              size_t bytes) {
    TARE_TRY(check_span(s, b, offset, bytes, src));
    return s->device->backend->ops->write(s->device->state, s->state, b->mem, offset, src, bytes);
}

tare_status tare_buffer_read(tare_stream *s, const tare_buffer *b, size_t offset, void *dst,
                             size_t bytes) {
    TARE_TRY(check_span(s, b, offset, bytes, dst));
    return s->device->backend->ops->read(s->device->state, s->state, b->mem, offset, dst, bytes);
}

void tare_buffer_destroy(tare_buffer *b) {
    if (!b) return;
    if (!b->borrowed) b->device->backend->ops->free(b->device->state, b->mem);
    tare_free(b);
}
