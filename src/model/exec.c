/* The executor: a chain of planned layers with bias and ReLU fused into each. On devices that work
 * in host memory input and output are the device's buffers and nothing is moved. */
#include "src/model/exec.h"

#include <string.h>

#include "src/internal.h"

/* f32 to bf16, nearest even, in a form that compilers vectorise; inputs are finite. */
static void to_bf16(void *ctx, int64_t from, int64_t to, int part) {
    const exec *e = ctx;
    const float *x = e->input;
    uint16_t *out = e->turned;
    (void)part;
    for (int64_t i = from; i < to; i++) {
        union {
            float f;
            uint32_t u;
        } v = {x[i]};
        out[i] = (uint16_t)((v.u + 0x7fff + ((v.u >> 16) & 1)) >> 16);
    }
}

static void to_first(void *ctx, int64_t from, int64_t to, int part) {
    const exec *e = ctx;
    (void)part;
    for (int64_t i = from; i < to; i++) tare_store(e->first, e->turned, (size_t)i, e->input[i]);
}

static void turn(const exec *e, size_t count) {
    int threads = count < 65536 ? 1 : tare_threads();
    parallel_ranges((int64_t)count, threads, e->first == TARE_BF16 ? to_bf16 : to_first,
                    (void *)(uintptr_t)e);
}

static tare_status ready_layer(exec *e, const model_layer *l, int i, const exec_options *o) {
    tare_problem p = tare_problem_matmul(&l->w, e->batch, l->x, l->y, l->flags);
    tare_status tuned = TARE_OK;
    if (o && o->tune_seconds > 0) tuned = tare_tune(e->device, &p, &l->w, NULL, o->tune_seconds);
    /* Where all rows that it tried declined, the plan takes what is left, or says why nothing is.
     */
    if (tuned != TARE_OK && tuned != TARE_E_UNSUPPORTED) return tuned;
    const tare_plan_options which = {.own_only = o && o->own_only};
    TARE_TRY(tare_plan_make(e->device, &p, &which, &e->plan[i]));
    TARE_TRY(tare_pack(&e->plan[i], &l->w, &e->packed[i]));
    TARE_TRY(tare_stream_reserve(e->stream, &e->plan[i]));
    e->packed_bytes += tare_packed_bytes(e->packed[i]);
    size_t bytes = (size_t)l->w.n * sizeof(float);
    TARE_TRY(tare_buffer_create(e->device, bytes, &e->bias[i]));
    return tare_buffer_write(e->stream, e->bias[i], 0, l->bias, bytes);
}

/* A device buffer over host memory where the device can, else one of its own. */
static tare_status over(exec *e, void *host, size_t bytes, tare_buffer **out) {
    tare_status s = tare_buffer_wrap(e->device, host, bytes, out);
    return s == TARE_E_UNSUPPORTED ? tare_buffer_create(e->device, bytes, out) : s;
}

static tare_status ready_activations(exec *e, const model *m) {
    const model_layer *last = &m->layer[m->layers - 1];
    size_t rows = (size_t)e->batch, in = rows * (size_t)e->inputs, out = rows * (size_t)e->outputs;
    e->input = tare_alloc_zeroed(in * sizeof(float));
    e->output = tare_alloc_zeroed(out * sizeof(float));
    if (e->first != TARE_F32) e->turned = tare_alloc_zeroed(in * tare_type_bytes(e->first));
    if (!e->input || !e->output || (e->first != TARE_F32 && !e->turned))
        TARE_FAIL(TARE_E_NOMEM, "exec: out of memory for a batch of %lld", (long long)e->batch);
    TARE_TRY(over(e, e->turned ? e->turned : e->input, in * tare_type_bytes(e->first), &e->act[0]));
    for (int i = 0; i + 1 < m->layers; i++)
        TARE_TRY(tare_buffer_create(e->device,
                                    rows * (size_t)m->layer[i].w.n * tare_type_bytes(m->layer[i].y),
                                    &e->act[i + 1]));
    return over(e, e->output, out * tare_type_bytes(last->y), &e->act[m->layers]);
}

static tare_status ready(exec *e, const model *m, const exec_options *o) {
    TARE_TRY(tare_stream_create(e->device, &e->stream));
    for (int i = 0; i < m->layers; i++) TARE_TRY(ready_layer(e, &m->layer[i], i, o));
    TARE_TRY(ready_activations(e, m));
    return tare_stream_sync(e->stream);
}

tare_status exec_create(tare_device *d, const model *m, int64_t batch, const exec_options *o,
                        exec *out) {
    if (!d || !m || !out || m->layers < 1 || batch < 1)
        TARE_FAIL(TARE_E_ARG, "exec: null argument or an empty model or batch");
    memset(out, 0, sizeof *out);
    out->device = d;
    out->layers = m->layers;
    out->batch = batch;
    out->inputs = m->layer[0].w.k;
    out->outputs = m->layer[m->layers - 1].w.n;
    out->first = m->layer[0].x;
    tare_status s = ready(out, m, o);
    if (s != TARE_OK) exec_clear(out);
    return s;
}

tare_status exec_run(exec *e, int64_t m) {
    if (!e || m < 1 || m > e->batch)
        TARE_FAIL(TARE_E_ARG, "exec: %lld rows for a batch of %lld", (long long)m,
                  (long long)(e ? e->batch : 0));
    size_t in = (size_t)(m * e->inputs);
    int away = !e->device->backend->host_memory;
    if (e->turned) turn(e, in);
    if (away)
        TARE_TRY(tare_buffer_write(e->stream, e->act[0], 0, e->turned ? e->turned : e->input,
                                   in * tare_type_bytes(e->first)));
    for (int i = 0; i < e->layers; i++)
        TARE_TRY(tare_run(&e->plan[i], e->packed[i], e->stream, e->act[i], e->bias[i],
                          e->act[i + 1], m));
    if (away)
        TARE_TRY(tare_buffer_read(e->stream, e->act[e->layers], 0, e->output,
                                  (size_t)(m * e->outputs) * sizeof(float)));
    return tare_stream_sync(e->stream);
}

int exec_mixes(const exec *e) {
    int vendors = 0;
    for (int i = 0; i < e->layers; i++) vendors += e->plan[i].vendor != NULL;
    return e->device->backend->host_memory && vendors > 0 && vendors < e->layers;
}

void exec_clear(exec *e) {
    if (!e) return;
    for (int i = 0; i < MODEL_MAX_LAYERS; i++) {
        tare_packed_destroy(e->packed[i]);
        tare_buffer_destroy(e->bias[i]);
    }
    for (int i = 0; i <= MODEL_MAX_LAYERS; i++) tare_buffer_destroy(e->act[i]);
    tare_stream_destroy(e->stream);
    tare_free(e->input);
    tare_free(e->output);
    tare_free(e->turned);
    memset(e, 0, sizeof *e);
}
