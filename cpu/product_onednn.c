/* cpu/onednn.h over the C interface of oneDNN, whichever major is there. */
#include "cpu/onednn.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ALIGN = 64, ARGS_MAX = 5 };

typedef struct compiled {
    onednn_case made;
    onednn_object primitive;
    onednn_md x, y, bias, scratch; /* the last two where there is one */
    size_t scratch_bytes;
} compiled;

typedef struct state {
    onednn_md weights; /* as they lie in the blob */
    compiled planned;
    pthread_mutex_t lock; /* over the rest */
    compiled other;
    void *other_scratch;
} state;

typedef struct header { /* of a blob; weights follow */
    state *s;
    char pad[ALIGN - sizeof(state *)];
} header;

static tare_status failed(onednn_status s, const char *what) {
    if (s == ONEDNN_NO_MEMORY) TARE_FAIL(TARE_E_NOMEM, "oneDNN: out of memory in %s", what);
    TARE_FAIL(TARE_E_DEVICE, "oneDNN: %s failed with status %d", what, s);
}

static int type_of(tare_type t) {
    switch (t) {
    case TARE_F32:
        return ONEDNN_F32;
    case TARE_BF16:
        return ONEDNN_BF16;
    case TARE_F16:
        return ONEDNN_F16;
    case TARE_I8:
        return ONEDNN_S8;
    default:
        return 0;
    }
}

/* ---- describing ---- */

static onednn_status append_relu(onednn_object attr) {
    onednn_object ops = NULL;
    onednn_status s = onednn.post_ops_create(&ops);
    if (s != ONEDNN_OK) return s;
    s = onednn_append_relu(ops);
    if (s == ONEDNN_OK) s = onednn.attr_set_post_ops(attr, ops);
    onednn.post_ops_destroy(ops);
    return s;
}

/* ReLU, and scratch of the caller's. Whatever ONEDNN_DEFAULT_FPMATH_MODE says, f32 is f32. */
static onednn_status attributes(const onednn_case *c, onednn_object *attr) {
    onednn_status s = onednn.attr_create(attr);
    if (s != ONEDNN_OK) return s;
    s = onednn.attr_set_scratchpad_mode(*attr, ONEDNN_USER_SCRATCH);
    if (s == ONEDNN_OK && onednn.attr_set_fpmath_mode)
        s = onednn.attr_set_fpmath_mode(*attr, ONEDNN_STRICT);
    if (s == ONEDNN_OK && c->relu) s = append_relu(*attr);
    if (s != ONEDNN_OK) onednn.attr_destroy(*attr);
    return s;
}

static void clear(compiled *p) {
    if (p->primitive) onednn.primitive_destroy(p->primitive);
    onednn_md_clear(&p->x);
    onednn_md_clear(&p->y);
    onednn_md_clear(&p->bias);
    onednn_md_clear(&p->scratch);
    p->primitive = NULL;
}

static onednn_status operands(const onednn_case *c, compiled *out) {
    int y = c->x == TARE_I8 ? ONEDNN_S32 : type_of(c->y);
    onednn_status s = onednn_md_matrix(&out->x, c->m, c->k, type_of(c->x), c->k, 1);
    if (s == ONEDNN_OK) s = onednn_md_matrix(&out->y, c->m, c->n, y, c->n, 1);
    if (s == ONEDNN_OK && c->bias) s = onednn_md_matrix(&out->bias, 1, c->n, ONEDNN_F32, c->n, 1);
    return s;
}

/* The product for a layout of the weights, or for any. `out` is to be cleared, also on failure. */
static onednn_status describe(const onednn_case *c, const onednn_md *weights, compiled *out,
                              onednn_object *pd) {
    onednn_object attr;
    *out = (compiled){.made = *c};
    onednn_status s = operands(c, out);
    if (s == ONEDNN_OK) s = attributes(c, &attr);
    if (s != ONEDNN_OK) return s;
    /* The number of threads is a part of what is compiled. */
    openmp_before before = onednn_enter(c->threads);
    s = onednn_matmul_pd(pd, &out->x, weights, c->bias ? &out->bias : NULL, &out->y, attr);
    onednn_leave(before);
    onednn.attr_destroy(attr);
    return s;
}

static onednn_status describe_any(const onednn_case *c, compiled *out, onednn_object *pd) {
    onednn_md any = {.object = NULL};
    *out = (compiled){.made = *c};
    onednn_status s = onednn_md_any(&any, c->k, c->n, type_of(c->w));
    if (s == ONEDNN_OK) s = describe(c, &any, out, pd);
    onednn_md_clear(&any);
    return s;
}

static size_t described_bytes(onednn_object pd, int what) {
    const void *m = onednn.pd_query_md(pd, what, 0);
    return m ? onednn.md_get_size(m) : 0;
}

static onednn_status sizes(const onednn_case *c, size_t *packed, size_t *scratch) {
    compiled p;
    onednn_object pd;
    onednn_status s = describe_any(c, &p, &pd);
    if (s == ONEDNN_OK) {
        *packed = sizeof(header) + cpu_round_up(described_bytes(pd, ONEDNN_QUERY_WEIGHTS), ALIGN);
        *scratch = described_bytes(pd, ONEDNN_QUERY_SCRATCHPAD);
        onednn.pd_destroy(pd);
    }
    clear(&p);
    return s;
}

/* The library may lay weights out otherwise for another number of threads, and packing may be
 * granted fewer than planning: one thread's layout always fits. */
int onednn_fit(const onednn_case *asked, size_t *packed, size_t *scratch, char why[160]) {
    onednn_case c = *asked;
    size_t one = 0, unused;
    c.threads = onednn_threads(asked->threads);
    onednn_status s = sizes(&c, packed, scratch);
    if (s == ONEDNN_OK && c.threads > 1) {
        c.threads = 1;
        s = sizes(&c, &one, &unused);
    }
    if (s != ONEDNN_OK) {
        snprintf(why, 160, "oneDNN has no such product on this processor (status %d)", s);
        return 0;
    }
    if (one > *packed) *packed = one;
    return 1;
}

int onednn_multiplies(tare_type t) {
    onednn_case c = {.m = 16, .n = 16, .k = 64, .x = t, .w = t, .y = TARE_F32, .threads = 1};
    size_t packed, scratch;
    char why[160];
    return onednn_fit(&c, &packed, &scratch, why);
}

/* ---- packing ---- */

/* Takes the description. */
static onednn_status compile(onednn_object pd, compiled *p) {
    openmp_before before = onednn_enter(p->made.threads);
    onednn_status s = onednn.primitive_create(&p->primitive, pd);
    onednn_leave(before);
    if (s != ONEDNN_OK) p->primitive = NULL;
    p->scratch_bytes = described_bytes(pd, ONEDNN_QUERY_SCRATCHPAD);
    onednn.pd_destroy(pd);
    if (s == ONEDNN_OK && p->scratch_bytes) s = onednn_md_scratch(&p->scratch, p->scratch_bytes);
    return s;
}

typedef struct arguments {
    onednn_argument arg[ARGS_MAX];
    int count;
} arguments;

static onednn_status add(arguments *a, int name, const void *md, const void *at) {
    onednn_argument *one = &a->arg[a->count];
    one->name = name;
    onednn_status s = onednn.memory_create(&one->memory, md, onednn_engine, (void *)(uintptr_t)at);
    a->count += s == ONEDNN_OK;
    return s;
}

typedef struct work {
    onednn_object primitive;
    const arguments *a;
    onednn_status status;
} work;

static void execute_here(void *ctx) {
    work *w = ctx;
    onednn_object stream;
    w->status = onednn.stream_create(&stream, onednn_engine, ONEDNN_IN_ORDER);
    if (w->status != ONEDNN_OK) return;
    w->status = onednn.primitive_execute(w->primitive, stream, w->a->count, w->a->arg);
    if (w->status == ONEDNN_OK) w->status = onednn.stream_wait(stream);
    onednn.stream_destroy(stream);
}

static onednn_status execute(onednn_object p, const arguments *a, int threads) {
    work w = {p, a, ONEDNN_OK};
    return onednn_call(threads, execute_here, &w) ? w.status : ONEDNN_NO_MEMORY;
}

static void drop(arguments *a) {
    for (int i = 0; i < a->count; i++) onednn.memory_destroy(a->arg[i].memory);
}

static onednn_status reorder_primitive(const onednn_case *c, const onednn_md *from,
                                       const onednn_md *to, onednn_object *p) {
    onednn_object pd;
    openmp_before before = onednn_enter(c->threads);
    onednn_status s = onednn.reorder_pd_create(&pd, onednn_md_at(from), onednn_engine,
                                               onednn_md_at(to), onednn_engine, NULL);
    if (s == ONEDNN_OK) {
        s = onednn.primitive_create(p, pd);
        onednn.pd_destroy(pd);
    }
    onednn_leave(before);
    return s;
}

/* W[n][k] row by row, seen as k x n, into the layout that the primitive wants. */
static onednn_status reorder(const onednn_case *c, const void *w, const onednn_md *to, void *blob) {
    onednn_md from = {.object = NULL};
    onednn_object p = NULL;
    arguments a = {.count = 0};
    onednn_status s = onednn_md_matrix(&from, c->k, c->n, type_of(c->w), 1, c->k);
    if (s == ONEDNN_OK) s = reorder_primitive(c, &from, to, &p);
    if (s == ONEDNN_OK) s = add(&a, ONEDNN_FROM, onednn_md_at(&from), w);
    if (s == ONEDNN_OK) s = add(&a, ONEDNN_TO, onednn_md_at(to), blob);
    if (s == ONEDNN_OK) s = execute(p, &a, c->threads);
    drop(&a);
    if (p) onednn.primitive_destroy(p);
    onednn_md_clear(&from);
    return s;
}

static void state_destroy(state *s) {
    clear(&s->planned);
    clear(&s->other);
    onednn_md_clear(&s->weights);
    pthread_mutex_destroy(&s->lock);
    tare_free(s->other_scratch);
    tare_free(s);
}

/* `fits` is 0 where nothing failed but the room. */
static tare_status prepare(const onednn_case *c, const void *w, void *blob, size_t room, state *st,
                           int *fits) {
    onednn_object pd;
    onednn_status s = describe_any(c, &st->planned, &pd);
    if (s != ONEDNN_OK) return failed(s, "describing the product");
    s = onednn_md_copy(&st->weights, onednn.pd_query_md(pd, ONEDNN_QUERY_WEIGHTS, 0));
    if (s != ONEDNN_OK) {
        onednn.pd_destroy(pd);
        return failed(s, "describing the weights");
    }
    s = compile(pd, &st->planned);
    if (s != ONEDNN_OK) return failed(s, "compiling the product");
    *fits = onednn.md_get_size(onednn_md_at(&st->weights)) <= room;
    if (!*fits)
        TARE_FAIL(TARE_E_ARG, "oneDNN: weights need more room than planned: were the threads "
                              "changed between plan and pack?");
    s = reorder(c, w, &st->weights, (char *)blob + sizeof(header));
    return s == ONEDNN_OK ? TARE_OK : failed(s, "reordering weights");
}

static tare_status pack_as(const onednn_case *c, const void *w, void *blob, size_t room,
                           int *fits) {
    state *st = tare_alloc_zeroed(sizeof *st);
    if (!st) TARE_FAIL(TARE_E_NOMEM, "oneDNN: out of memory");
    pthread_mutex_init(&st->lock, NULL);
    tare_status s = prepare(c, w, blob, room, st, fits);
    if (s == TARE_OK)
        ((header *)blob)->s = st;
    else
        state_destroy(st);
    return s;
}

tare_status onednn_pack(const onednn_case *asked, const void *w, void *blob, size_t *used) {
    onednn_case c = *asked;
    int fits = 1;
    size_t room = *used - sizeof(header);
    c.threads = onednn_threads(asked->threads);
    tare_status s = pack_as(&c, w, blob, room, &fits);
    if (fits || c.threads == 1) return s;
    c.threads = 1;
    return pack_as(&c, w, blob, room, &fits);
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
    arguments a = {.count = 0};
    const void *weights = (const char *)r->blob + sizeof(header);
    onednn_status s = add(&a, ONEDNN_SRC, onednn_md_at(&p->x), r->x);
    if (s == ONEDNN_OK) s = add(&a, ONEDNN_WEIGHTS, onednn_md_at(&st->weights), weights);
    if (s == ONEDNN_OK) s = add(&a, ONEDNN_DST, onednn_md_at(&p->y), r->y);
    if (s == ONEDNN_OK && p->made.bias) s = add(&a, ONEDNN_BIAS, onednn_md_at(&p->bias), r->bias);
    if (s == ONEDNN_OK && p->scratch_bytes)
        s = add(&a, ONEDNN_SCRATCHPAD, onednn_md_at(&p->scratch), scratch);
    if (s == ONEDNN_OK) s = execute(p->primitive, &a, p->made.threads);
    drop(&a);
    return s == ONEDNN_OK ? TARE_OK : failed(s, "a run");
}

static tare_status make(const onednn_case *c, const onednn_md *weights, compiled *out) {
    onednn_object pd;
    onednn_status s = describe(c, weights, out, &pd);
    if (s != ONEDNN_OK) return failed(s, "describing the product for another case");
    s = compile(pd, out);
    return s == ONEDNN_OK ? TARE_OK : failed(s, "compiling the product for another case");
}

/* Under the lock. */
static tare_status make_other(state *st, const onednn_case *c) {
    compiled fresh;
    if (st->other.primitive && memcmp(&st->other.made, c, sizeof *c) == 0) return TARE_OK;
    tare_status s = make(c, &st->weights, &fresh);
    void *scratch = s == TARE_OK ? tare_alloc(fresh.scratch_bytes) : NULL;
    if (!scratch) {
        clear(&fresh);
        if (s != TARE_OK) return s;
        TARE_FAIL(TARE_E_NOMEM, "oneDNN: out of memory");
    }
    clear(&st->other);
    tare_free(st->other_scratch);
    st->other = fresh;
    st->other_scratch = scratch;
    return TARE_OK;
}

tare_status onednn_execute(const onednn_run *r) {
    state *st = ((const header *)r->blob)->s;
    onednn_case c = r->c;
    c.threads = onednn_threads(c.threads);
    if (memcmp(&st->planned.made, &c, sizeof c) == 0 &&
        st->planned.scratch_bytes <= r->scratch_bytes)
        return run_with(&st->planned, r, st, r->scratch);
    pthread_mutex_lock(&st->lock);
    tare_status s = make_other(st, &c);
    if (s == TARE_OK) s = run_with(&st->other, r, st, st->other_scratch);
    pthread_mutex_unlock(&st->lock);
    return s;
}
