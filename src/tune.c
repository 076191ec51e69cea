/* tune: measures rows instead of modelling them, and remembers for the life of the process. Rows
 * take turns, so that a slow spell of a shared machine hits all of them alike. Before that each
 * must be right on the caller's weights (verify.c): the fastest row may be one that lies. */
#include "fpenv.h"
#include "internal.h"
#include "memos.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEMORY = 512, SAMPLES = 64, ROWS = 64 };

typedef struct memo {
    const tare_device *device;
    tare_problem problem;
    const char *kernel;
    double ns;
} memo;

static memo memos[MEMORY];
static int memo_count, memo_next;

double tare_tuned_cost(const tare_device *d, const tare_problem *p, const char *kernel) {
    double ns = -1;
    memos_lock();
    for (int i = 0; i < memo_count && ns < 0; i++)
        if (memos[i].device == d && memos[i].kernel == kernel &&
            tare_same_problem(&memos[i].problem, p))
            ns = memos[i].ns;
    memos_unlock();
    return ns;
}

static void remember(const tare_device *d, const tare_problem *p, const char *kernel, double ns) {
    memos_lock();
    int at = -1;
    for (int i = 0; i < memo_count; i++)
        if (memos[i].device == d && memos[i].kernel == kernel &&
            tare_same_problem(&memos[i].problem, p))
            at = i;
    if (at < 0) {
        at = memo_next;
        memo_next = (memo_next + 1) % MEMORY;
        if (memo_count < MEMORY) memo_count++;
    }
    memos[at] = (memo){d, *p, kernel, ns};
    memos_unlock();
}

typedef struct contestant {
    tare_plan plan;
    tare_packed *packed;
    double ns[SAMPLES];
    int count;
} contestant;

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static tare_status once(contestant *c, tare_stream *s, tare_buffer *x, tare_buffer *bias,
                        tare_buffer *y) {
    double t = now_ns();
    TARE_TRY(tare_run(&c->plan, c->packed, s, x, bias, y, 0));
    TARE_TRY(tare_stream_sync(s));
    if (c->count < SAMPLES) c->ns[c->count++] = now_ns() - t;
    return TARE_OK;
}

/* What the contestants share. y_host is as large as y. */
typedef struct rig {
    tare_stream *s;
    tare_buffer *x, *bias, *y;
    void *y_host;
    size_t y_bytes;
    tare_verify *right;
} rig;

/* The first run, not kept: is y right? A row whose y is not has declined the problem for good. */
static tare_status prove(contestant *c, const rig *r) {
    TARE_TRY(tare_stream_reserve(r->s, &c->plan));
    memset(r->y_host, 0xff, r->y_bytes); /* NaN in every type of y */
    TARE_TRY(tare_buffer_write(r->s, r->y, 0, r->y_host, r->y_bytes));
    TARE_TRY(tare_run(&c->plan, c->packed, r->s, r->x, r->bias, r->y, 0));
    TARE_TRY(tare_buffer_read(r->s, r->y, 0, r->y_host, r->y_bytes));
    TARE_TRY(tare_stream_sync(r->s));
    return tare_decline(&c->plan, tare_verify_check(r->right, r->y_host));
}

/* Rows that fail in their first run take no further part; those that do not are moved to the front,
 * and their number is returned. */
static int warm(contestant *c, int n, const rig *r, tare_status *last) {
    int left = 0;
    for (int i = 0; i < n; i++) {
        tare_status st = prove(&c[i], r);
        if (st != TARE_OK) {
            *last = st;
            continue;
        }
        contestant t = c[left];
        c[left++] = c[i];
        c[i] = t;
    }
    return left;
}

static tare_status race(contestant *c, int n, const rig *r, double seconds) {
    tare_status last = TARE_OK;
    n = warm(c, n, r, &last);
    if (n == 0) return last;
    double end = now_ns() + seconds * 1e9;
    for (int round = 0; round < SAMPLES && (round < 3 || now_ns() < end); round++)
        for (int i = 0; i < n; i++) TARE_TRY(once(&c[i], r->s, r->x, r->bias, r->y));
    return TARE_OK;
}

/* Values that no kernel can shortcut: a fixed sequence in [-1, 1), never zero; on the device too.
 */
static tare_status fill(tare_device *d, tare_stream *s, tare_type type, size_t count, void **host,
                        tare_buffer **b) {
    size_t bytes = count * tare_type_bytes(type);
    *host = tare_alloc(bytes);
    if (!*host) TARE_FAIL(TARE_E_NOMEM, "tune: out of memory");
    uint64_t z = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < count; i++) {
        z = z * 6364136223846793005u + 1442695040888963407u;
        tare_store(type, *host, i, (float)((int32_t)(z >> 32) | 1) * 0x1p-31f);
    }
    TARE_TRY(tare_buffer_create(d, bytes, b));
    TARE_TRY(tare_buffer_write(s, *b, 0, *host, bytes));
    return tare_stream_sync(s);
}

static int gather(tare_device *d, const tare_problem *p, const tare_tensor *t,
                  const tare_plan_options *o, contestant *c, tare_status *status) {
    int n = 0;
    char why[160];
    for (const tare_kernel *const *row = d->backend->rows; *row && n < ROWS; row++) {
        if ((*row)->flags & TARE_ROW_REFERENCE) continue;
        memset(&c[n], 0, sizeof c[n]);
        if (!tare_plan_row(d, *row, p, o, &c[n].plan, why)) continue;
        tare_status st = tare_pack(&c[n].plan, t, &c[n].packed);
        if (st == TARE_OK)
            n++;
        else
            *status = st;
    }
    if (n) *status = TARE_OK;
    return n;
}

static tare_status ready(tare_device *d, const tare_problem *p, const tare_tensor *t, rig *r,
                         void **x, void **bias) {
    size_t ys = (size_t)(p->m * p->n);
    TARE_TRY(fill(d, r->s, p->x, (size_t)(p->m * p->k), x, &r->x));
    if (p->flags & TARE_BIAS) TARE_TRY(fill(d, r->s, TARE_F32, (size_t)p->n, bias, &r->bias));
    r->y_bytes = ys * tare_type_bytes(p->y);
    TARE_TRY(tare_buffer_create(d, r->y_bytes, &r->y));
    r->y_host = tare_alloc(r->y_bytes);
    if (!r->y_host) TARE_FAIL(TARE_E_NOMEM, "tune: out of memory");
    return tare_verify_make(p, t, *x, *bias, &r->right);
}

static tare_status tune_on(tare_device *d, const tare_problem *p, const tare_tensor *t,
                           contestant *c, int n, double seconds) {
    rig r = {.s = NULL};
    void *x = NULL, *bias = NULL;
    tare_status st = tare_stream_create(d, &r.s);
    if (st == TARE_OK) st = ready(d, p, t, &r, &x, &bias);
    tare_free(x);
    tare_free(bias);
    if (st == TARE_OK) st = race(c, n, &r, seconds);
    tare_verify_free(r.right);
    tare_free(r.y_host);
    tare_buffer_destroy(r.x);
    tare_buffer_destroy(r.y);
    tare_buffer_destroy(r.bias);
    tare_stream_destroy(r.s);
    return st;
}

tare_status tare_tune(tare_device *d, const tare_problem *p, const tare_tensor *t,
                      const tare_plan_options *o, double seconds) {
    TARE_FP_DEFAULT;
    if (!d || !t || !(seconds > 0)) TARE_FAIL(TARE_E_ARG, "tune: bad argument");
    TARE_TRY(tare_problem_check(p));
    contestant *c = tare_alloc(ROWS * sizeof *c);
    if (!c) TARE_FAIL(TARE_E_NOMEM, "tune: out of memory");
    tare_status st = TARE_OK;
    int n = gather(d, p, t, o, c, &st);
    if (st == TARE_OK && n) st = tune_on(d, p, t, c, n, seconds);
    for (int i = 0; i < n; i++) {
        if (st == TARE_OK && c[i].count) {
            qsort(c[i].ns, (size_t)c[i].count, sizeof(double), ascending);
            remember(d, p, c[i].plan.kernel, c[i].ns[c[i].count / 2]);
        }
        tare_packed_destroy(c[i].packed);
    }
    tare_free(c);
    return st;
}
