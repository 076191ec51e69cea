/* Forces one row through all that it accepts. For each case: y is filled with NaN and has a red
 * zone of NaN behind it, x and bias are compared afterwards, a repeatable row is run twice, and
 * every element is held against the fp64 reference within tare_error_bound. */
#include "tests/rowcheck.h"

#include "tests/rowdata.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {
    "f32",           "f16",          "bf16",           "i8-row",         "i8-tensor",
    "i8-g64",        "i8-row-z",     "i8-g32-z",       "i4-g32",         "i4-g64",
    "i4-g128",       "i4-g64-z",     "i4-g128-z",      "2:4/f32",        "2:4/f16",
    "2:4/bf16",      "2:4/i8-row",   "1:4/f32",        "1:4/i8-row",     "4:8/f32",
    "4:8/i8-row",    "csr/f32",      "csr/f16",        "csr/i8-row",     "bs1x4/f32",
    "bs4x4/f32",     "bs16x16/f32",  "bs32x32/f32",    "bs3x5/f32",      "bs4x4/bf16",
    "bs16x16/f16",   "bs4x4/i8-row", "bitmap/f32",     "bitmap/f16",     "bitmap/i8-row",
    "bitmap/bf16",   "bs1x4/i8-row", "bs32x32/i8-row", "bs16x16/i8-row", "i8-tensor-z",
    "f8-row",        "f8-tensor",    "2:4/f8-row",     "csr/f8-row",     "bs4x4/f8-row",
    "bitmap/f8-row", "bs64x64/f16",  "bs64x4/f16",     "bs128x8/bf16",   "bs128x64/f16",
    "bs64x128/bf16", NULL,
};

const char *rowcheck_format(int i) {
    return formats[i];
}

typedef struct shape {
    int64_t n, k;
} shape;
/* Tile sizes +-1 of the kernels (16, 48, 64), groups +-1, primes, and the smallest there is. */
static const shape shapes[] = {{1, 1},    {48, 64},   {47, 63}, {49, 65},  {16, 128},
                               {17, 127}, {15, 129},  {97, 31}, {31, 257}, {3, 1021},
                               {64, 256}, {101, 512}, {2, 4},   {145, 67}, {33, 2049}};
static const int64_t ms[] = {1, 2, 3, 7, 16, 33};
/* Rows that a plan for more is run with: one, where some rows take a way of their own, a ragged
 * tile and a whole one with a rest. */
static const int64_t fewer[] = {1, 5, 17};
enum { M_MAX = 33, RED = 64 };

typedef struct kase {
    tare_format format;
    const char *name;
    shape s;
    tare_type x, y;
    uint32_t flags;
    pattern pattern;
    tare_tensor t;
    void *xs;
    float *bias;
    double *ref, *mag;
} kase;

static int fail(rowcheck *c, const tare_kernel *row, const kase *q, int64_t m, const char *what) {
    snprintf(c->failure, sizeof c->failure,
             "%s: %s; weights %s (%s), m %lld n %lld k %lld, x %s y %s flags %u, seed %llu",
             row->name, what, q->name, pattern_name(q->pattern), (long long)m, (long long)q->s.n,
             (long long)q->s.k, tare_type_name(q->x), tare_type_name(q->y), (unsigned)q->flags,
             (unsigned long long)c->seed);
    return 0;
}

static int compare(rowcheck *c, const tare_kernel *row, const kase *q, const tare_problem *p,
                   const void *y) {
    size_t count = (size_t)(p->m * p->n);
    for (size_t i = 0; i < count; i++) {
        double got = tare_load(p->y, y, i), bound = tare_error_bound(p, q->ref[i], q->mag[i]);
        double off = fabs(got - q->ref[i]) / bound;
        if (off > c->worst) {
            c->worst = off;
            snprintf(c->worst_at, sizeof c->worst_at, "%s n %lld k %lld", q->name, (long long)p->n,
                     (long long)p->k);
        }
        if (!(off <= 1)) {
            char what[160];
            snprintf(what, sizeof what, "y[%zu,%zu] is %.9g, must be %.9g within %.3g",
                     i / (size_t)p->n, i % (size_t)p->n, got, q->ref[i], bound);
            return fail(c, row, q, p->m, what);
        }
    }
    const uint8_t *red = (const uint8_t *)y + count * tare_type_bytes(p->y);
    for (int i = 0; i < RED; i++)
        if (red[i] != 0xff) return fail(c, row, q, p->m, "wrote behind y");
    return 1;
}

typedef struct rig { /* what a run needs, for plain release */
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y, *bias;
} rig;

static void rig_clear(rig *r) {
    tare_packed_destroy(r->w);
    tare_stream_destroy(r->s);
    tare_buffer_destroy(r->x);
    tare_buffer_destroy(r->y);
    tare_buffer_destroy(r->bias);
}

static tare_status rig_make(rig *r, const tare_plan *plan, const kase *q, size_t y_bytes) {
    const tare_problem *p = &plan->problem;
    size_t x_bytes = (size_t)(p->m * p->k) * tare_type_bytes(p->x);
    memset(r, 0, sizeof *r);
    TARE_TRY(tare_pack(plan, &q->t, &r->w));
    TARE_TRY(tare_stream_create(plan->device, &r->s));
    TARE_TRY(tare_stream_reserve(r->s, plan));
    TARE_TRY(tare_buffer_create(plan->device, x_bytes, &r->x));
    TARE_TRY(tare_buffer_write(r->s, r->x, 0, q->xs, x_bytes));
    TARE_TRY(tare_buffer_create(plan->device, y_bytes, &r->y));
    if (p->flags & TARE_BIAS) {
        size_t bytes = (size_t)p->n * sizeof(float);
        TARE_TRY(tare_buffer_create(plan->device, bytes, &r->bias));
        TARE_TRY(tare_buffer_write(r->s, r->bias, 0, q->bias, bytes));
    }
    return tare_stream_sync(r->s);
}

static tare_status run_once(const tare_plan *plan, rig *r, void *y, size_t y_bytes, int64_t m) {
    memset(y, 0xff, y_bytes);
    TARE_TRY(tare_buffer_write(r->s, r->y, 0, y, y_bytes));
    TARE_TRY(tare_run(plan, r->w, r->s, r->x, r->bias, r->y, m));
    TARE_TRY(tare_buffer_read(r->s, r->y, 0, y, y_bytes));
    return tare_stream_sync(r->s);
}

static int inputs_kept(rig *r, const kase *q, const tare_problem *p) {
    size_t x_bytes = (size_t)(p->m * p->k) * tare_type_bytes(p->x),
           n = (size_t)p->n * sizeof(float);
    void *back = malloc(x_bytes > n ? x_bytes : n);
    int same = tare_buffer_read(r->s, r->x, 0, back, x_bytes) == TARE_OK &&
               tare_stream_sync(r->s) == TARE_OK && memcmp(back, q->xs, x_bytes) == 0;
    if (same && r->bias)
        same = tare_buffer_read(r->s, r->bias, 0, back, n) == TARE_OK &&
               tare_stream_sync(r->s) == TARE_OK && memcmp(back, q->bias, n) == 0;
    free(back);
    return same;
}

/* One plan at m, run at m rows and, for the largest, at fewer rows than planned. */
static int check_m(tare_device *d, const tare_kernel *row, rowcheck *c, const kase *q, int64_t m) {
    tare_problem p = tare_problem_matmul(&q->t, m, q->x, q->y, q->flags);
    tare_plan plan;
    char why[160];
    if (!tare_plan_row(d, row, &p, NULL, &plan, why)) {
        c->refusals++;
        return why[0] ? 1 : fail(c, row, q, m, "refuses without a reason");
    }
    size_t y_bytes = (size_t)(m * p.n) * tare_type_bytes(p.y) + RED;
    char *y = malloc(y_bytes), *again = malloc(y_bytes);
    rig r;
    int ok = 1;
    tare_status s = rig_make(&r, &plan, q, y_bytes);
    if (s == TARE_OK && tare_packed_bytes(r.w) > plan.packed_bytes)
        ok = fail(c, row, q, m, "packed more bytes than its fit said");
    if (s == TARE_OK) s = run_once(&plan, &r, y, y_bytes, 0);
    if (s != TARE_OK) ok = fail(c, row, q, m, tare_last_error());
    if (ok) ok = compare(c, row, q, &p, y);
    if (ok && (row->flags & TARE_ROW_REPEATABLE)) {
        s = run_once(&plan, &r, again, y_bytes, 0);
        if (s != TARE_OK || memcmp(y, again, y_bytes) != 0)
            ok = fail(c, row, q, m, "a second run differs, though the row says it repeats");
    }
    for (size_t i = 0; ok && m > 17 && i < sizeof fewer / sizeof *fewer; i++) {
        p.m = fewer[i];
        s = run_once(&plan, &r, y, y_bytes, p.m);
        if (s != TARE_OK) ok = fail(c, row, q, p.m, tare_last_error());
        if (ok) ok = compare(c, row, q, &p, y);
    }
    p.m = m;
    if (ok && !inputs_kept(&r, q, &p)) ok = fail(c, row, q, m, "changed x or bias");
    c->runs++;
    rig_clear(&r);
    free(y);
    free(again);
    return ok;
}

static int accepts(tare_device *d, const tare_kernel *row, const kase *q) {
    tare_plan plan;
    char why[160];
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
        tare_problem p = tare_problem_matmul(&q->t, ms[i], q->x, q->y, q->flags);
        if (tare_plan_row(d, row, &p, NULL, &plan, why)) return 1;
    }
    return 0;
}

static int check_kase(tare_device *d, const tare_kernel *row, rowcheck *c, kase *q) {
    uint64_t state = c->seed;
    size_t nk = (size_t)(q->s.n * q->s.k), mk = (size_t)(M_MAX * q->s.k),
           mn = (size_t)(M_MAX * q->s.n);
    int ok = 1;
    float *w = malloc(nk * sizeof *w);
    fill_weights(w, q->s.n, q->s.k, &q->format, q->pattern, &state);
    if (tare_encode(&q->format, q->s.n, q->s.k, w, &q->t) != TARE_OK)
        ok = fail(c, row, q, 0, tare_last_error());
    free(w);
    if (!ok) return 0;
    if (!accepts(d, row, q)) { /* spares the reference */
        c->refusals++;
        tare_tensor_clear(&q->t);
        return 1;
    }
    q->xs = malloc(mk * 4);
    q->bias = malloc((size_t)q->s.n * sizeof(float));
    q->ref = malloc(mn * sizeof(double));
    q->mag = malloc(mn * sizeof(double));
    fill_x(q->xs, q->x, M_MAX, q->s.k, &state);
    for (int64_t i = 0; i < q->s.n; i++) q->bias[i] = random_unit(&state);
    tare_problem p = tare_problem_matmul(&q->t, M_MAX, q->x, q->y, q->flags);
    const float *bias = q->flags & TARE_BIAS ? q->bias : NULL;
    if (tare_reference(&p, &q->t, q->xs, bias, q->ref, q->mag) != TARE_OK)
        ok = fail(c, row, q, M_MAX, tare_last_error());
    for (size_t i = 0; ok && i < sizeof ms / sizeof *ms; i++)
        if (!c->quick || ms[i] == 3 || ms[i] == 33) ok = check_m(d, row, c, q, ms[i]);
    free(q->xs);
    free(q->bias);
    free(q->ref);
    free(q->mag);
    tare_tensor_clear(&q->t);
    return ok;
}

static const struct {
    tare_type x, y;
    uint32_t flags;
} kinds[] = {
    {TARE_F32, TARE_F32, 0},
    {TARE_F32, TARE_F32, TARE_BIAS | TARE_RELU},
    {TARE_BF16, TARE_BF16, 0},
    {TARE_BF16, TARE_F32, TARE_BIAS},
    {TARE_F16, TARE_F16, TARE_RELU},
    {TARE_F32, TARE_BF16, TARE_BIAS | TARE_RELU},
    {TARE_F16, TARE_F16, TARE_SUM_F16},
    {TARE_F32, TARE_F32, TARE_TF32 | TARE_BIAS},
    {TARE_F16, TARE_F32, TARE_W_ROUND | TARE_BIAS | TARE_RELU},
    {TARE_BF16, TARE_BF16, TARE_W_ROUND},
    {TARE_F16, TARE_F16, TARE_SUM_F8 | TARE_BIAS}, /* of f8 activations */
    {TARE_BF16, TARE_F32, TARE_SUM_F8},
};
enum { KINDS = sizeof kinds / sizeof *kinds, SHAPES = sizeof shapes / sizeof *shapes };

/* Of weights in which every value is kept, since none are made yet. */
static tare_problem problem_of(const kase *q, int64_t m) {
    const tare_format *f = &q->format;
    tare_problem p = {.op = TARE_MATMUL,
                      .m = m,
                      .n = q->s.n,
                      .k = q->s.k,
                      .nnz = q->s.n * q->s.k,
                      .w = *f,
                      .x = q->x,
                      .y = q->y,
                      .flags = q->flags};
    if (f->layout == TARE_NM) p.nnz = q->s.n * ((q->s.k + f->nm_m - 1) / f->nm_m * f->nm_n);
    if (f->layout == TARE_BLOCK)
        p.nnz = (q->s.n + f->block_r - 1) / f->block_r * f->block_r *
                ((q->s.k + f->block_c - 1) / f->block_c * f->block_c);
    return p;
}

/* Whether the row would take it: a share is a share of what concerns the row, the first included,
 * or rows for a single format would meet nothing. */
static int concerns(tare_device *d, const tare_kernel *row, const kase *q) {
    tare_plan plan;
    char why[160];
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
        tare_problem p = problem_of(q, ms[i]);
        if (tare_plan_row(d, row, &p, NULL, &plan, why)) return 1;
    }
    return 0;
}

int rowcheck_run(tare_device *d, const tare_kernel *row, rowcheck *c) {
    int turn = 0, met = 0;
    for (int f = 0; formats[f]; f++)
        for (int s = 0; s < SHAPES; s++)
            for (int v = 0; v < 2 * KINDS; v++) {
                if (c->quick && s % 5 != 2) continue;
                kase q = {.name = formats[f], .s = shapes[s]};
                if (tare_format_parse(formats[f], &q.format) != TARE_OK)
                    return fail(c, row, &q, 0, tare_last_error());
                q.x = kinds[v % KINDS].x;
                q.y = kinds[v % KINDS].y;
                q.flags = kinds[v % KINDS].flags | (v < KINDS                   ? 0
                                                    : q.format.value == TARE_F8 ? TARE_X_F8
                                                                                : TARE_X_I8);
                tare_problem p = problem_of(&q, 1);
                if (tare_problem_check(&p) != TARE_OK) continue; /* flags against types */
                q.pattern = (pattern)(turn++ % PATTERNS);
                if (c->share > 1 && (!concerns(d, row, &q) || met++ % c->share)) continue;
                if (!check_kase(d, row, c, &q)) return 0;
            }
    if (c->runs == 0) {
        snprintf(c->failure, sizeof c->failure, "%s: accepts nothing of what is tried", row->name);
        return 0;
    }
    return 1;
}
