/* pack and run: the arguments are checked here, the row does the work. */
#include "fpenv.h"
#include "internal.h"

#include <string.h>

/* The row's own work on the blob, once it lies on the device. */
static tare_status settle(tare_packed *w, void *stream) {
    const tare_plan *plan = &w->plan;
    const tare_backend_ops *ops = plan->device->backend->ops;
    void *state = plan->device->state, *mem = w->mem;
    if (!plan->row->settle) return TARE_OK;
    TARE_TRY(plan->row->settle(&plan->problem, state, stream, &mem, &w->bytes));
    tare_status s = ops->stream_sync(state, stream);
    if (mem != w->mem) ops->free(state, w->mem);
    w->mem = mem;
    if (s != TARE_OK && plan->row->release) plan->row->release(state, mem);
    return s;
}

static tare_status upload(tare_packed *w, const void *blob, size_t used) {
    const tare_backend_ops *ops = w->plan.device->backend->ops;
    void *state = w->plan.device->state, *stream = NULL;
    TARE_TRY(ops->alloc(state, used ? used : 1, &w->mem));
    tare_status s = ops->stream_create(state, &stream);
    if (s == TARE_OK) {
        s = ops->write(state, stream, w->mem, 0, blob, used);
        if (s == TARE_OK) s = ops->stream_sync(state, stream);
        if (s == TARE_OK) s = settle(w, stream);
        ops->stream_destroy(state, stream);
    }
    if (s != TARE_OK) ops->free(state, w->mem);
    return s;
}

static tare_status pack_blob(tare_packed *w, const tare_tensor *t) {
    const tare_plan *plan = &w->plan;
    size_t used = plan->packed_bytes;
    void *blob = tare_alloc_zeroed(used);
    if (!blob) TARE_FAIL(TARE_E_NOMEM, "pack: no memory for %zu bytes", used);
    tare_status s = plan->row->pack(&plan->problem, t, blob, &used);
    if (s == TARE_OK && used > plan->packed_bytes)
        s = tare_fail(TARE_E_DEVICE, "%s packed %zu bytes into %zu", plan->kernel, used,
                      plan->packed_bytes);
    w->bytes = used;
    if (s == TARE_OK && plan->device->backend->host_memory) {
        w->mem = blob;
        return TARE_OK;
    }
    if (s == TARE_OK) s = upload(w, blob, used);
    tare_free(blob);
    return s;
}

tare_status tare_pack(const tare_plan *plan, const tare_tensor *t, tare_packed **out) {
    TARE_FP_DEFAULT;
    if (!plan || !plan->row || !t || !out) TARE_FAIL(TARE_E_ARG, "pack: null argument");
    *out = NULL;
    if (t->n != plan->problem.n || t->k != plan->problem.k || t->nnz != plan->problem.nnz ||
        !tare_same_format(&t->format, &plan->problem.w))
        TARE_FAIL(TARE_E_ARG, "pack: the tensor is not the one the plan was made for");
    tare_packed *w = tare_alloc_zeroed(sizeof *w);
    if (!w) TARE_FAIL(TARE_E_NOMEM, "pack: out of memory");
    w->plan = *plan;
    tare_status s = pack_blob(w, t);
    if (s != TARE_OK) {
        tare_free(w);
        return tare_decline(plan, s);
    }
    *out = w;
    return TARE_OK;
}

static tare_status pack_there(tare_packed *w, tare_stream *s, const tare_buffer *from) {
    const tare_device *d = w->plan.device;
    const tare_backend_ops *ops = d->backend->ops;
    w->bytes = w->plan.packed_bytes;
    TARE_TRY(ops->alloc(d->state, w->bytes, &w->mem));
    tare_status st =
        w->plan.row->pack_values(&w->plan.problem, d->state, s->state, from->mem, w->mem);
    if (st == TARE_OK) st = ops->stream_sync(d->state, s->state);
    if (st != TARE_OK) ops->free(d->state, w->mem);
    return st;
}

tare_status tare_pack_values(const tare_plan *plan, tare_stream *s, const tare_buffer *from,
                             tare_packed **out) {
    TARE_FP_DEFAULT;
    if (!plan || !plan->row || !s || !from || !out)
        TARE_FAIL(TARE_E_ARG, "pack_values: null argument");
    *out = NULL;
    if (s->device != plan->device || from->device != plan->device)
        TARE_FAIL(TARE_E_ARG, "pack_values: plan, stream and buffer must be of one device");
    if (from->bytes < (size_t)(plan->problem.n * plan->problem.k) * sizeof(float))
        TARE_FAIL(TARE_E_ARG, "pack_values: the buffer holds less than n * k floats");
    TARE_TRY(tare_not_recording(s));
    if (!plan->row->pack_values)
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s can't pack on the device", plan->kernel);
    tare_packed *w = tare_alloc_zeroed(sizeof *w);
    if (!w) TARE_FAIL(TARE_E_NOMEM, "pack_values: out of memory");
    w->plan = *plan;
    tare_status st = pack_there(w, s, from);
    if (st != TARE_OK) {
        tare_free(w);
        return st;
    }
    *out = w;
    return TARE_OK;
}

static tare_status check_prune(const tare_prune *h) {
    int share = h->kind == TARE_PRUNE_MAGNITUDE || h->kind == TARE_PRUNE_BLOCK;
    if (!share && h->kind != TARE_PRUNE_NM)
        TARE_FAIL(TARE_E_ARG, "prune: unknown kind %d", (int)h->kind);
    if (share && !(h->share >= 0 && h->share <= 1))
        TARE_FAIL(TARE_E_ARG, "prune: the share must be from 0 to 1");
    if (h->kind == TARE_PRUNE_NM && (h->nm_n < 1 || h->nm_m <= h->nm_n || h->nm_m > 16))
        TARE_FAIL(TARE_E_ARG, "prune: N:M needs 1 <= N < M <= 16");
    if (h->kind == TARE_PRUNE_BLOCK &&
        (h->block_r < 1 || h->block_c < 1 || h->block_r > 256 || h->block_c > 256))
        TARE_FAIL(TARE_E_ARG, "prune: blocks have 1 to 256 rows and columns");
    return TARE_OK;
}

tare_status tare_prune_values(tare_device *d, tare_stream *s, tare_buffer *w, int64_t n, int64_t k,
                              const tare_prune *how, int64_t *nnz) {
    TARE_FP_DEFAULT;
    if (!d || !s || !w || !how || !nnz) TARE_FAIL(TARE_E_ARG, "prune_values: null argument");
    *nnz = 0;
    if (s->device != d || w->device != d)
        TARE_FAIL(TARE_E_ARG, "prune_values: stream and buffer must be of the device");
    if (n < 1 || k < 1 || n > INT32_MAX || k > INT32_MAX || n * k >= (int64_t)1 << 40)
        TARE_FAIL(TARE_E_SHAPE, "prune_values: n %lld, k %lld", (long long)n, (long long)k);
    if (w->bytes < (size_t)(n * k) * sizeof(float))
        TARE_FAIL(TARE_E_ARG, "prune_values: the buffer holds less than n * k floats");
    TARE_TRY(check_prune(how));
    TARE_TRY(tare_not_recording(s));
    if (!d->backend->ops->prune)
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s can't prune on the device", d->info.id);
    return d->backend->ops->prune(d->state, s->state, w->mem, n, k, how, nnz);
}

tare_status tare_unpack_values(const tare_packed *p, tare_stream *s, tare_buffer *w) {
    TARE_FP_DEFAULT;
    if (!p || !s || !w) TARE_FAIL(TARE_E_ARG, "unpack_values: null argument");
    const tare_device *d = p->plan.device;
    const tare_problem *q = &p->plan.problem;
    if (s->device != d || w->device != d)
        TARE_FAIL(TARE_E_ARG, "unpack_values: weights, stream and buffer must be of one device");
    if (w->bytes < (size_t)(q->n * q->k) * sizeof(float))
        TARE_FAIL(TARE_E_ARG, "unpack_values: the buffer holds less than n * k floats");
    TARE_TRY(tare_not_recording(s));
    if (!p->plan.row->unpack_values)
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s can't unpack on the device", p->plan.kernel);
    return p->plan.row->unpack_values(q, d->state, s->state, p->mem, w->mem);
}

static tare_status copy_blob(tare_packed *w, tare_stream *s, const void *from) {
    const tare_device *d = w->plan.device;
    const tare_backend_ops *ops = d->backend->ops;
    TARE_TRY(ops->alloc(d->state, w->bytes ? w->bytes : 1, &w->mem));
    tare_status st = ops->copy(d->state, s->state, w->mem, from, w->bytes);
    if (st == TARE_OK) st = ops->stream_sync(d->state, s->state);
    if (st != TARE_OK) ops->free(d->state, w->mem);
    return st;
}

tare_status tare_packed_copy(const tare_packed *p, tare_stream *s, tare_packed **out) {
    *out = NULL;
    if (p->plan.row->release || !p->plan.device->backend->ops->copy)
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s: packed weights can't be copied", p->plan.kernel);
    tare_packed *w = tare_alloc_zeroed(sizeof *w);
    if (!w) TARE_FAIL(TARE_E_NOMEM, "pack: out of memory");
    *w = *p;
    tare_status st = copy_blob(w, s, p->mem);
    if (st != TARE_OK) {
        tare_free(w);
        return st;
    }
    *out = w;
    return TARE_OK;
}

int tare_packed_rebind(tare_packed *p, const tare_plan *plan) {
    tare_problem same = p->plan.problem;
    same.m = plan->problem.m;
    if (p->plan.row != plan->row || p->plan.device != plan->device ||
        !(plan->row->flags & TARE_ROW_ANY_M) || plan->row->release ||
        !tare_same_problem(&same, &plan->problem))
        return 0;
    p->plan = *plan;
    return 1;
}

size_t tare_packed_bytes(const tare_packed *p) {
    return p ? p->bytes : 0;
}

void tare_packed_destroy(tare_packed *p) {
    if (!p) return;
    const tare_device *d = p->plan.device;
    if (p->plan.row->release) p->plan.row->release(d->state, p->mem);
    if (d->backend->host_memory)
        tare_free(p->mem);
    else
        d->backend->ops->free(d->state, p->mem);
    tare_free(p);
}

static tare_status check_room(const tare_problem *p, const tare_buffer *x, const tare_buffer *bias,
                              const tare_buffer *y, int64_t m) {
    if (x->bytes < (size_t)(m * p->k) * tare_type_bytes(p->x))
        TARE_FAIL(TARE_E_ARG, "run: x holds %zu bytes, %lld rows need more", x->bytes,
                  (long long)m);
    if (y->bytes < (size_t)(m * p->n) * tare_type_bytes(p->y))
        TARE_FAIL(TARE_E_ARG, "run: y holds %zu bytes, %lld rows need more", y->bytes,
                  (long long)m);
    if (!(p->flags & TARE_BIAS) != !bias)
        TARE_FAIL(TARE_E_ARG, "run: the problem and the call disagree on a bias");
    if (bias && bias->bytes < (size_t)p->n * sizeof(float))
        TARE_FAIL(TARE_E_ARG, "run: bias holds %zu bytes, n is %lld", bias->bytes, (long long)p->n);
    return TARE_OK;
}

static tare_status run(const tare_plan *plan, const tare_packed *w, const tare_stream *s,
                       const tare_buffer *x, const tare_buffer *bias, tare_buffer *y, int64_t m) {
    const tare_problem *p = &plan->problem;
    if (m == 0) m = p->m;
    if (m < 1 || m > p->m)
        TARE_FAIL(TARE_E_ARG, "run: m is %lld, the plan is for 1..%lld", (long long)m,
                  (long long)p->m);
    /* Packing may depend on all of the problem, m included. */
    if (w->plan.row != plan->row || !tare_same_problem(&w->plan.problem, p))
        TARE_FAIL(TARE_E_ARG, "run: the weights were packed for another plan");
    if (s->device != plan->device || w->plan.device != plan->device || x->device != plan->device ||
        y->device != plan->device || (bias && bias->device != plan->device))
        TARE_FAIL(TARE_E_ARG, "run: plan, weights, stream and buffers must be of one device");
    if (s->scratch_bytes < plan->scratch_bytes)
        TARE_FAIL(TARE_E_ARG, "run: tare_stream_reserve was not called for this plan");
    TARE_TRY(check_room(p, x, bias, y, m));
    int threads = s->lent.fn ? s->lent.threads : tare_threads();
    tare_run_args a = {.problem = p,
                       .packed = w->mem,
                       .x = x->mem,
                       .bias = bias ? bias->mem : NULL,
                       .y = y->mem,
                       .m = m,
                       .scratch = s->scratch,
                       .scratch_bytes = s->scratch_bytes,
                       .stream = s->state,
                       .threads = threads < plan->threads ? threads : plan->threads};
    const parallel_host *before = parallel_enter(s->lent.fn ? &s->lent : NULL);
    tare_status st = plan->row->run(&a);
    parallel_leave(before);
    return st;
}

tare_status tare_run(const tare_plan *plan, const tare_packed *w, tare_stream *s,
                     const tare_buffer *x, const tare_buffer *bias, tare_buffer *y, int64_t m) {
    TARE_FP_DEFAULT;
    if (!plan || !plan->row || !w || !s || !x || !y) TARE_FAIL(TARE_E_ARG, "run: null argument");
    tare_status st = run(plan, w, s, x, bias, y, m);
    if (st != TARE_OK && s->recording) s->recording = 2; /* half of what was wanted is no graph */
    return st;
}
