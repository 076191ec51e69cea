/* cpu/onednn.h over the C interface of oneDNN 2.x. */
#include "cpu/omp_threads.h"
#include "cpu/onednn.h"

#include <oneapi/dnnl/dnnl.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ALIGN = 64, ARGS_MAX = 5 };

typedef struct compiled {
    onednn_case made;
    dnnl_primitive_t primitive;
    size_t scratch_bytes;
} compiled;

typedef struct state {
    dnnl_memory_desc_t weights; /* as they lie in the blob */
    compiled planned;
    pthread_mutex_t lock; /* over the rest */
    compiled other;
    void *other_scratch;
} state;

typedef struct header { /* of a blob; weights follow */
    state *s;
    char pad[ALIGN - sizeof(state *)];
} header;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine; /* of the whole process, never destroyed; null: there is none */

static void init(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
}

static tare_status failed(dnnl_status_t s, const char *what) {
    if (s == dnnl_out_of_memory) TARE_FAIL(TARE_E_NOMEM, "oneDNN: out of memory in %s", what);
    TARE_FAIL(TARE_E_DEVICE, "oneDNN: %s failed with status %d", what, (int)s);
}

static dnnl_data_type_t type_of(tare_type t) {
    switch (t) {
    case TARE_F32:
        return dnnl_f32;
    case TARE_BF16:
        return dnnl_bf16;
    case TARE_F16:
        return dnnl_f16;
    case TARE_I8:
        return dnnl_s8;
    default:
        return dnnl_data_type_undef;
    }
}

static dnnl_status_t matrix(dnnl_memory_desc_t *d, int64_t rows, int64_t cols,
                            dnnl_data_type_t type, int64_t row_step, int64_t col_step) {
    const dnnl_dims_t dims = {rows, cols}, steps = {row_step, col_step};
    return dnnl_memory_desc_init_by_strides(d, 2, dims, type, steps);
}

static dnnl_status_t weights_any(const onednn_case *c, dnnl_memory_desc_t *d) {
    const dnnl_dims_t dims = {c->k, c->n};
    return dnnl_memory_desc_init_by_tag(d, 2, dims, type_of(c->w), dnnl_format_tag_any);
}

static dnnl_data_type_t y_type(const onednn_case *c) {
    return c->x == TARE_I8 ? dnnl_s32 : type_of(c->y);
}

/* Attributes: ReLU, and scratch of the caller's. */
static dnnl_status_t attributes(const onednn_case *c, dnnl_primitive_attr_t *attr) {
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(attr);
    if (s != dnnl_success) return s;
    s = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (s == dnnl_success && c->relu) {
        s = dnnl_post_ops_create(&ops);
        if (s == dnnl_success)
            s = dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
        if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(*attr, ops);
        if (ops) dnnl_post_ops_destroy(ops);
    }
    if (s != dnnl_success) dnnl_primitive_attr_destroy(*attr);
    return s;
}

/* The description of the product for a layout of the weights, or for any. */
static dnnl_status_t describe(const onednn_case *c, const dnnl_memory_desc_t *weights,
                              dnnl_primitive_desc_t *out) {
    dnnl_memory_desc_t x, bias, y;
    dnnl_matmul_desc_t d;
    dnnl_primitive_attr_t attr;
    dnnl_status_t s = matrix(&x, c->m, c->k, type_of(c->x), c->k, 1);
    if (s == dnnl_success) s = matrix(&y, c->m, c->n, y_type(c), c->n, 1);
    if (s == dnnl_success) s = matrix(&bias, 1, c->n, dnnl_f32, c->n, 1);
    if (s == dnnl_success) s = dnnl_matmul_desc_init(&d, &x, weights, c->bias ? &bias : NULL, &y);
    if (s != dnnl_success) return s;
    s = attributes(c, &attr);
    if (s != dnnl_success) return s;
    /* The number of threads is a part of what is compiled. */
    int before = omp_threads_enter(c->threads);
    s = dnnl_primitive_desc_create(out, &d, attr, engine, NULL);
    omp_threads_leave(before, c->threads);
    dnnl_primitive_attr_destroy(attr);
    return s;
}

static size_t described_bytes(dnnl_primitive_desc_t d, dnnl_query_t what) {
    const dnnl_memory_desc_t *m = dnnl_primitive_desc_query_md(d, what, 0);
    return m ? dnnl_memory_desc_get_size(m) : 0;
}

int onednn_fit(const onednn_case *c, size_t *packed, size_t *scratch, char why[160]) {
    dnnl_primitive_desc_t d;
    dnnl_memory_desc_t any;
    pthread_once(&once, init);
    dnnl_status_t s = engine ? weights_any(c, &any) : dnnl_runtime_error;
    if (s == dnnl_success) s = describe(c, &any, &d);
    if (s != dnnl_success) {
        snprintf(why, 160, "oneDNN has no such product on this processor (status %d)", (int)s);
        return 0;
    }
    *packed = sizeof(header) + cpu_round_up(described_bytes(d, dnnl_query_weights_md), ALIGN);
    *scratch = described_bytes(d, dnnl_query_scratchpad_md);
    dnnl_primitive_desc_destroy(d);
    return 1;
}

/* ---- packing ---- */

static dnnl_status_t compile(const onednn_case *c, dnnl_primitive_desc_t d, compiled *out) {
    int before = omp_threads_enter(c->threads);
    dnnl_status_t s = dnnl_primitive_create(&out->primitive, d);
    omp_threads_leave(before, c->threads);
    out->made = *c;
    out->scratch_bytes = described_bytes(d, dnnl_query_scratchpad_md);
    return s;
}

typedef struct arguments {
    dnnl_exec_arg_t arg[ARGS_MAX];
    int count;
} arguments;

static dnnl_status_t add(arguments *a, int name, const dnnl_memory_desc_t *d, const void *at) {
    dnnl_exec_arg_t *one = &a->arg[a->count];
    one->arg = name;
    dnnl_status_t s = dnnl_memory_create(&one->memory, d, engine, (void *)(uintptr_t)at);
    a->count += s == dnnl_success;
    return s;
}

static dnnl_status_t execute(dnnl_primitive_t p, arguments *a, int threads) {
    dnnl_stream_t stream;
    dnnl_status_t s = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    if (s != dnnl_success) return s;
    int before = omp_threads_enter(threads);
    s = dnnl_primitive_execute(p, stream, a->count, a->arg);
    if (s == dnnl_success) s = dnnl_stream_wait(stream);
    omp_threads_leave(before, threads);
    dnnl_stream_destroy(stream);
    return s;
}

static void clear(arguments *a) {
    for (int i = 0; i < a->count; i++) dnnl_memory_destroy(a->arg[i].memory);
}

/* W[n][k] row by row, seen as k x n, into the layout that the primitive wants. */
static dnnl_status_t reorder(const onednn_case *c, const void *w, const dnnl_memory_desc_t *to,
                             void *blob) {
    dnnl_memory_desc_t from;
    dnnl_primitive_desc_t d;
    dnnl_primitive_t p;
    arguments a = {.count = 0};
    dnnl_status_t s = matrix(&from, c->k, c->n, type_of(c->w), 1, c->k);
    if (s == dnnl_success)
        s = dnnl_reorder_primitive_desc_create(&d, &from, engine, to, engine, NULL);
    if (s != dnnl_success) return s;
    s = dnnl_primitive_create(&p, d);
    dnnl_primitive_desc_destroy(d);
    if (s != dnnl_success) return s;
    s = add(&a, DNNL_ARG_FROM, &from, w);
    if (s == dnnl_success) s = add(&a, DNNL_ARG_TO, to, blob);
    if (s == dnnl_success) s = execute(p, &a, c->threads);
    clear(&a);
    dnnl_primitive_destroy(p);
    return s;
}

static void state_destroy(state *s) {
    if (s->planned.primitive) dnnl_primitive_destroy(s->planned.primitive);
    if (s->other.primitive) dnnl_primitive_destroy(s->other.primitive);
    pthread_mutex_destroy(&s->lock);
    tare_free(s->other_scratch);
    tare_free(s);
}

static tare_status prepare(const onednn_case *c, const void *w, void *blob, size_t room,
                           state *st) {
    dnnl_primitive_desc_t d;
    dnnl_memory_desc_t any;
    dnnl_status_t s = weights_any(c, &any);
    if (s == dnnl_success) s = describe(c, &any, &d);
    if (s != dnnl_success) return failed(s, "describing the product");
    st->weights = *dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 0);
    s = compile(c, d, &st->planned);
    dnnl_primitive_desc_destroy(d);
    if (s != dnnl_success) return failed(s, "compiling the product");
    if (dnnl_memory_desc_get_size(&st->weights) > room)
        TARE_FAIL(TARE_E_ARG, "oneDNN: weights need more room than planned: were the threads "
                              "changed between plan and pack?");
    s = reorder(c, w, &st->weights, (char *)blob + sizeof(header));
    return s == dnnl_success ? TARE_OK : failed(s, "reordering weights");
}

tare_status onednn_pack(const onednn_case *c, const void *w, void *blob, size_t *used) {
    header *h = blob;
    pthread_once(&once, init);
    if (!engine) TARE_FAIL(TARE_E_DEVICE, "oneDNN: no CPU engine");
    state *st = tare_alloc_zeroed(sizeof *st);
    if (!st) TARE_FAIL(TARE_E_NOMEM, "oneDNN: out of memory");
    pthread_mutex_init(&st->lock, NULL);
    tare_status s = prepare(c, w, blob, *used - sizeof *h, st);
    if (s != TARE_OK) {
        state_destroy(st);
        return s;
    }
    h->s = st;
    return TARE_OK;
}

void onednn_release(void *device, void *blob) {
    (void)device;
    header *h = blob;
    if (h->s) state_destroy(h->s);
    h->s = NULL;
}

/* ---- running ---- */

static tare_status run_with(const compiled *p, const onednn_run *r, const state *st,
                            void *scratch) {
    const onednn_case *c = &r->c;
    arguments a = {.count = 0};
    dnnl_memory_desc_t x, y, bias, work;
    const dnnl_dims_t work_dims = {(int64_t)p->scratch_bytes};
    dnnl_status_t s = matrix(&x, c->m, c->k, type_of(c->x), c->k, 1);
    if (s == dnnl_success) s = add(&a, DNNL_ARG_SRC, &x, r->x);
    if (s == dnnl_success)
        s = add(&a, DNNL_ARG_WEIGHTS, &st->weights, (const char *)r->blob + sizeof(header));
    if (s == dnnl_success) s = matrix(&y, c->m, c->n, y_type(c), c->n, 1);
    if (s == dnnl_success) s = add(&a, DNNL_ARG_DST, &y, r->y);
    if (s == dnnl_success && c->bias) s = matrix(&bias, 1, c->n, dnnl_f32, c->n, 1);
    if (s == dnnl_success && c->bias) s = add(&a, DNNL_ARG_BIAS, &bias, r->bias);
    if (s == dnnl_success && p->scratch_bytes)
        s = dnnl_memory_desc_init_by_tag(&work, 1, work_dims, dnnl_u8, dnnl_a);
    if (s == dnnl_success && p->scratch_bytes) s = add(&a, DNNL_ARG_SCRATCHPAD, &work, scratch);
    if (s == dnnl_success) s = execute(p->primitive, &a, c->threads);
    clear(&a);
    return s == dnnl_success ? TARE_OK : failed(s, "a run");
}

/* Under the lock. */
static tare_status make_other(state *st, const onednn_case *c) {
    dnnl_primitive_desc_t d;
    compiled fresh = {.primitive = NULL};
    if (st->other.primitive && memcmp(&st->other.made, c, sizeof *c) == 0) return TARE_OK;
    dnnl_status_t s = describe(c, &st->weights, &d);
    if (s != dnnl_success) return failed(s, "describing the product for other rows");
    s = compile(c, d, &fresh);
    dnnl_primitive_desc_destroy(d);
    if (s != dnnl_success) return failed(s, "compiling the product for other rows");
    void *scratch = tare_alloc(fresh.scratch_bytes);
    if (!scratch) {
        dnnl_primitive_destroy(fresh.primitive);
        TARE_FAIL(TARE_E_NOMEM, "oneDNN: out of memory");
    }
    if (st->other.primitive) dnnl_primitive_destroy(st->other.primitive);
    tare_free(st->other_scratch);
    st->other = fresh;
    st->other_scratch = scratch;
    return TARE_OK;
}

tare_status onednn_execute(const onednn_run *r) {
    state *st = ((const header *)r->blob)->s;
    if (memcmp(&st->planned.made, &r->c, sizeof r->c) == 0 &&
        st->planned.scratch_bytes <= r->scratch_bytes)
        return run_with(&st->planned, r, st, r->scratch);
    pthread_mutex_lock(&st->lock);
    tare_status s = make_other(st, &r->c);
    if (s == TARE_OK) s = run_with(&st->other, r, st, st->other_scratch);
    pthread_mutex_unlock(&st->lock);
    return s;
}

int onednn_exact_i8(void) {
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    unsigned vnni =
        ((unsigned)dnnl_cpu_isa_avx512_core_vnni & ~(unsigned)dnnl_cpu_isa_avx512_core) |
        ((unsigned)dnnl_cpu_isa_avx2_vnni & ~(unsigned)dnnl_cpu_isa_avx2);
    return (isa & vnni) != 0;
}
