/* Rows of x that are not finite: NaN, +Inf and -Inf at the first, a middle and the last column, in
 * some rows of x and not in others. Held against tare_problem's definition:
 *   quantised x   all of that row of y is NaN, bias and ReLU or not; also where W is all zero
 *   other x       of dense weights NaN gives NaN, through ReLU too but for a library's own (vendor
 *                 rows), and an infinity nothing finite; of sparse ones only what stands on weights
 *                 that are not stored is open, and is not looked at
 *   other rows    as if nothing had happened */
#include "tests/rowcheck.h"
#include "tests/rowdata.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {
    "f32",       "f16",        "bf16",           "i8-row",      "i8-tensor-z", "i8-g64",
    "i8-g32-z",  "i4-g32",     "i4-g64-z",       "f8-row",      "2:4/f16",     "2:4/bf16",
    "2:4/bf16",  "2:4/i8-row", "2:4/f8-row",     "1:4/i8-row",  "csr/f32",     "csr/i8-row",
    "bs4x4/f32", "bs3x5/f32",  "bs16x16/i8-row", "bs64x64/f16", "bitmap/f32",  "bitmap/i8-row"};
static const struct { int64_t n, k; } shapes[] = {{37, 67}, {17, 703}, {33, 130}, {3, 1}};
static const struct {
    tare_type x, y;
} types[] = {{TARE_F32, TARE_F32}, {TARE_F16, TARE_F16},  {TARE_BF16, TARE_BF16},
             {TARE_F32, TARE_F16}, {TARE_BF16, TARE_F32}, {TARE_F32, TARE_BF16}};
static const uint32_t ends[] = {TARE_BIAS | TARE_RELU, TARE_RELU, TARE_BIAS, 0};
/* Of shapes and types, on devices whose runs cost more than their arithmetic. */
enum { FEW_SHAPES = 2, FEW_TYPES = 3 };
/* One row of x, a few, tiles of them: what runs by other ways. Each is poisoned in every other row,
 * `turns` times with another kind of poison (kind_of). */
static const struct { int m, turns; } sizes[] = {{1, 3}, {3, 2}, {12, 1}, {70, 1}};
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))
enum { M_MAX = 70, KINDS = 9 };

typedef struct kase {
    const char *name;
    tare_tensor t;
    tare_problem p;
    void *x, *clean, *y;
    float *bias;
    double *ref, *mag;
    char what[200];
} kase;

/* Kind 0..8: three values by three columns. */
static void poison(kase *q, int64_t row, int kind) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    int64_t k = q->p.k, column = kind / 3 == 0 ? 0 : kind / 3 == 1 ? k / 2 : k - 1;
    tare_store(q->p.x, q->x, (size_t)(row * k + column), bad[kind % 3]);
}

static int poisoned(const kase *q, int64_t row) {
    return q->p.m == 1 || row % 2 == 1;
}

/* Each turn another, and where types and flags differ as well: 4 and 9 share no factor. */
static int kind_of(const kase *q, int64_t row, int turn) {
    return (int)(row / 2 + 4 * turn + q->p.x + 3 * q->p.y + q->p.k) % KINDS;
}

static int is_wrong(const kase *q, const tare_kernel *row, size_t i, int kind) {
    double got = (double)tare_load(q->p.y, q->y, i);
    if (!poisoned(q, (int64_t)i / q->p.n))
        return !(fabs(got - q->ref[i]) <= tare_error_bound(&q->p, q->ref[i], q->mag[i]));
    if (q->p.flags & TARE_X_QUANTISED) return !isnan(got);
    if (q->p.w.layout != TARE_DENSE) return 0;
    if (row->vendor && (q->p.flags & TARE_RELU)) return 0;
    if (kind % 3 == 0) return !isnan(got);
    return !(q->p.flags & TARE_RELU) && isfinite(got);
}

static tare_status run(const tare_plan *plan, tare_packed *w, tare_stream *s, kase *q) {
    const tare_problem *p = &q->p;
    size_t xs = (size_t)(p->m * p->k) * tare_type_bytes(p->x),
           ys = (size_t)(p->m * p->n) * tare_type_bytes(p->y), bs = (size_t)p->n * sizeof(float);
    tare_buffer *x = NULL, *y = NULL, *b = NULL;
    tare_status st = tare_buffer_create(plan->device, xs, &x);
    if (st == TARE_OK) st = tare_buffer_create(plan->device, ys, &y);
    if (st == TARE_OK && q->bias) st = tare_buffer_create(plan->device, bs, &b);
    if (st == TARE_OK) st = tare_buffer_write(s, x, 0, q->x, xs);
    if (st == TARE_OK && b) st = tare_buffer_write(s, b, 0, q->bias, bs);
    if (st == TARE_OK) st = tare_run(plan, w, s, x, b, y, 0);
    if (st == TARE_OK) st = tare_buffer_read(s, y, 0, q->y, ys);
    if (st == TARE_OK) st = tare_stream_sync(s);
    tare_buffer_destroy(x);
    tare_buffer_destroy(y);
    tare_buffer_destroy(b);
    return st;
}

static int fail(rowcheck *c, const tare_kernel *row, const kase *q, const char *what) {
    snprintf(c->failure, sizeof c->failure,
             "%s: %s; weights %s, m %d n %d k %d, x %s y %s flags %u", row->name, what, q->name,
             (int)q->p.m, (int)q->p.n, (int)q->p.k, tare_type_name(q->p.x), tare_type_name(q->p.y),
             (unsigned)q->p.flags);
    return 0;
}

static int check_turn(const tare_plan *plan, tare_packed *w, tare_stream *s, rowcheck *c, kase *q,
                      int turn) {
    const tare_problem *p = &q->p;
    char what[160];
    memcpy(q->x, q->clean, (size_t)(p->m * p->k) * tare_type_bytes(p->x));
    for (int64_t r = 0; r < p->m; r++)
        if (poisoned(q, r)) poison(q, r, kind_of(q, r, turn));
    memset(q->y, 0, (size_t)(p->m * p->n) * tare_type_bytes(p->y));
    if (run(plan, w, s, q) != TARE_OK) return fail(c, plan->row, q, tare_last_error());
    c->runs++;
    for (size_t i = 0; i < (size_t)(p->m * p->n); i++) {
        int64_t r = (int64_t)i / p->n;
        int kind = kind_of(q, r, turn);
        if (!is_wrong(q, plan->row, i, kind)) continue;
        snprintf(what, sizeof what, "x[%d] %s: y[%d,%d] is %g", (int)r,
                 !poisoned(q, r) ? "is finite"
                 : kind % 3 == 0 ? "has a NaN"
                                 : "has an infinity",
                 (int)r, (int)((int64_t)i % p->n), (double)tare_load(p->y, q->y, i));
        return fail(c, plan->row, q, what);
    }
    return 1;
}

/* The plan's row with these many rows of x. What only its library refuses is no fault. */
static int check_size(const tare_plan *plan, rowcheck *c, kase *q, int turns) {
    tare_packed *w = NULL;
    tare_stream *s = NULL;
    tare_status st = tare_pack(plan, &q->t, &w);
    if (st == TARE_OK) st = tare_stream_create(plan->device, &s);
    if (st == TARE_OK) st = tare_stream_reserve(s, plan);
    int ok = st == TARE_OK || st == TARE_E_UNSUPPORTED;
    if (!ok) fail(c, plan->row, q, tare_last_error());
    if (st == TARE_OK && tare_reference(&q->p, &q->t, q->clean, q->bias, q->ref, q->mag) != TARE_OK)
        ok = fail(c, plan->row, q, tare_last_error());
    for (int t = 0; ok && st == TARE_OK && t < turns; t++) ok = check_turn(plan, w, s, c, q, t);
    tare_stream_destroy(s);
    tare_packed_destroy(w);
    return ok;
}

static int check_kase(tare_device *d, const tare_kernel *row, rowcheck *c, kase *q, uint32_t flags,
                      int types_at, float *bias) {
    tare_plan plan;
    char why[160];
    int ok = 1;
    for (int i = 0; ok && i < COUNT(sizes); i++) {
        q->p = tare_problem_matmul(&q->t, sizes[i].m, types[types_at].x, types[types_at].y, flags);
        q->bias = flags & TARE_BIAS ? bias : NULL;
        if (tare_problem_check(&q->p) != TARE_OK || !tare_plan_row(d, row, &q->p, NULL, &plan, why))
            continue;
        uint64_t state = c->seed + 1;
        fill_x(q->clean, q->p.x, q->p.m, q->p.k, &state);
        ok = check_size(&plan, c, q, d->backend->host_memory ? sizes[i].turns : 1);
    }
    return ok;
}

static int check_shape(tare_device *d, const tare_kernel *row, rowcheck *c, const tare_format *f,
                       kase *q, int64_t n, int64_t k, int zero) {
    uint64_t state = c->seed;
    float *w = malloc((size_t)(n * k) * sizeof *w), *bias = malloc((size_t)n * sizeof *bias);
    fill_weights(w, n, k, f, zero ? PATTERN_ZERO : PATTERN_SPARSE, &state);
    for (int64_t i = 0; i < n; i++) bias[i] = random_unit(&state);
    int ok = tare_encode(f, n, k, w, &q->t) == TARE_OK || fail(c, row, q, tare_last_error());
    q->x = malloc((size_t)(M_MAX * k) * 4), q->clean = malloc((size_t)(M_MAX * k) * 4);
    q->y = malloc((size_t)(M_MAX * n) * 4);
    q->ref = malloc((size_t)(M_MAX * n) * sizeof(double));
    q->mag = malloc((size_t)(M_MAX * n) * sizeof(double));
    uint32_t quantised = tare_x_quantised(f);
    for (int i = 0; ok && i < (d->backend->host_memory ? COUNT(types) : FEW_TYPES); i++) {
        uint32_t end = ends[(i + (int)k / 64) % COUNT(ends)];
        if (quantised) ok = check_kase(d, row, c, q, quantised | end, i, bias);
        if (ok && quantised == TARE_X_F8)
            ok = check_kase(d, row, c, q, quantised | TARE_SUM_F8 | end, i, bias);
        if (ok) ok = check_kase(d, row, c, q, end, i, bias);
        if (ok && !quantised && types[i].x == TARE_F32)
            ok = check_kase(d, row, c, q, TARE_TF32 | end, i, bias);
        if (ok && quantised && types[i].x != TARE_F32)
            ok = check_kase(d, row, c, q, TARE_W_ROUND | end, i, bias);
    }
    free(w), free(bias), free(q->x), free(q->clean), free(q->y), free(q->ref), free(q->mag);
    tare_tensor_clear(&q->t);
    return ok;
}

int rowcheck_xnan(tare_device *d, const tare_kernel *row, rowcheck *c) {
    int ok = 1;
    for (int i = 0; ok && i < COUNT(formats) * COUNT(shapes); i++) {
        tare_format f;
        kase q = {.name = formats[i / COUNT(shapes)]};
        int s = i % COUNT(shapes);
        if (s >= FEW_SHAPES && !d->backend->host_memory) continue;
        if (tare_format_parse(q.name, &f) != TARE_OK) return fail(c, row, &q, tare_last_error());
        ok = check_shape(d, row, c, &f, &q, shapes[s].n, shapes[s].k, 0);
        if (ok && s == 0) ok = check_shape(d, row, c, &f, &q, shapes[s].n, shapes[s].k, 1);
    }
    return ok;
}
