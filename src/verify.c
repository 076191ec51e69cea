/* Is y right, on the caller's own weights? Asked of each row before tare_tune times it: a row that
 * does half of the work is fast.
 *
 * A whole fp64 product costs 2mnk operations, too many for large problems. Looked at are
 *   every element            that it was written: y is filled with NaN before
 *   every column of y        in the first row, the last and ROVING others, each time others
 *   some columns             in all rows of a pool: the first ones, the last, some between
 *   a small problem          all of it
 * so that each row of W is decoded once, and what is looked at lies all over y: a tile of 16 x 64
 * that is wrong is met with near certainty, a single element that is wrong may be missed. */
#include "internal.h"
#include "src/format/format.h"

#include <math.h>
#include <string.h>

enum {
    ROVING = 4,
    WHOLE_COLUMNS = 12, /* beside the two at either end */
    POOL_LEAST = 64,
    POOL_VALUES = 1 << 22, /* of x as doubles: 32 MiB */
    SMALL = 1 << 24        /* multiply-adds up to which all is looked at */
};

struct tare_verify {
    tare_problem p;
    int64_t pool, step; /* rows of x that are looked at, and every how manieth column in all */
    double *x;          /* [pool][k] */
    int64_t *at;        /* of column c: its elements begin at at[c] of y and mag */
    double *y, *mag;
    double most; /* where magnitudes reach it, sums may overflow on the way */
    int huge;    /* some do */
};

static int64_t row_of(const tare_verify *v, int64_t i) {
    return v->pool == 1 ? 0 : i * (v->p.m - 1) / (v->pool - 1);
}

static int is_whole(const tare_verify *v, int64_t c) {
    return c < 2 || c >= v->p.n - 2 || c % v->step == 0;
}

static int64_t picks(const tare_verify *v, int64_t c) {
    return is_whole(v, c) || v->pool <= ROVING + 2 ? v->pool : ROVING + 2;
}

/* Pick i of column c, as a row of the pool. */
static int64_t pick(const tare_verify *v, int64_t c, int64_t i) {
    if (picks(v, c) == v->pool) return i;
    if (i < 2) return i == 0 ? 0 : v->pool - 1;
    uint64_t z = (uint64_t)(c * ROVING + i) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 32) * 0xd6e8feb86659fd93u;
    return (int64_t)((z >> 33) % (uint64_t)v->pool);
}

/* ---- making ---- */

typedef struct job {
    tare_verify *v;
    const tare_tensor *t;
    const void *x;
    const float *bias;
    double *rows; /* k a thread */
} job;

static tare_status load_row(void *ctx, int64_t i, int part) {
    const job *j = ctx;
    (void)part;
    tare_reference_x(&j->v->p, j->x, row_of(j->v, i), j->v->x + i * j->v->p.k);
    return TARE_OK;
}

static tare_status do_column(void *ctx, int64_t c, int part) {
    const job *j = ctx;
    tare_verify *v = j->v;
    double *w = j->rows + part * v->p.k;
    TARE_TRY(tare_decode_row_f64(j->t, c, w));
    for (int64_t i = 0; i < picks(v, c); i++)
        tare_reference_one(&v->p, v->x + pick(v, c, i) * v->p.k, w, j->bias ? j->bias[c] : 0,
                           &v->y[v->at[c] + i], &v->mag[v->at[c] + i]);
    return TARE_OK;
}

/* How much is looked at. */
static void choose(tare_verify *v) {
    const tare_problem *p = &v->p;
    int64_t most = POOL_VALUES / p->k;
    int all = (double)p->m * (double)p->n * (double)p->k <= SMALL;
    if (most < POOL_LEAST) most = POOL_LEAST;
    v->pool = all || p->m < most ? p->m : most;
    v->step = all ? 1 : (p->n + WHOLE_COLUMNS - 1) / WHOLE_COLUMNS;
}

static tare_status make(tare_verify *v, const tare_tensor *t, const void *x, const float *bias) {
    size_t n = (size_t)v->p.n, k = (size_t)v->p.k;
    int threads = format_threads(v->p.n, v->p.k);
    choose(v);
    v->at = tare_alloc((n + 1) * sizeof *v->at);
    v->x = tare_alloc((size_t)v->pool * k * sizeof *v->x);
    if (v->at) {
        v->at[0] = 0;
        for (int64_t c = 0; c < v->p.n; c++) v->at[c + 1] = v->at[c] + picks(v, c);
        v->y = tare_alloc((size_t)v->at[n] * sizeof *v->y);
        v->mag = tare_alloc((size_t)v->at[n] * sizeof *v->mag);
    }
    job j = {.v = v, .t = t, .x = x, .bias = bias};
    j.rows = tare_alloc((size_t)threads * k * sizeof *j.rows);
    tare_status s = TARE_OK;
    if (!v->at || !v->x || !v->y || !v->mag || !j.rows)
        s = tare_fail(TARE_E_NOMEM, "verify: out of memory for %lld x %lld", (long long)v->p.n,
                      (long long)v->p.k);
    if (s == TARE_OK) s = format_rows(v->pool, threads, load_row, &j);
    if (s == TARE_OK) s = format_rows(v->p.n, threads, do_column, &j);
    tare_free(j.rows);
    v->most = v->p.flags & TARE_SUM_F16 ? 65504 : 0x1p126;
    for (int64_t i = 0; s == TARE_OK && i < v->at[n]; i++) v->huge |= v->mag[i] >= v->most;
    return s;
}

tare_status tare_verify_make(const tare_problem *p, const tare_tensor *t, const void *x,
                             const float *bias, tare_verify **out) {
    *out = NULL;
    tare_verify *v = tare_alloc_zeroed(sizeof *v);
    if (!v) TARE_FAIL(TARE_E_NOMEM, "verify: out of memory");
    v->p = *p;
    tare_status s = make(v, t, x, bias);
    if (s != TARE_OK) {
        tare_verify_free(v);
        return s;
    }
    *out = v;
    return TARE_OK;
}

void tare_verify_free(tare_verify *v) {
    if (!v) return;
    tare_free(v->at);
    tare_free(v->x);
    tare_free(v->y);
    tare_free(v->mag);
    tare_free(v);
}

/* ---- checking ---- */

/* By their bits: this has to be fast, y may be large. */
static int is_nan(tare_type t, const void *y, size_t i) {
    if (t == TARE_F32) return (((const uint32_t *)y)[i] & 0x7fffffffu) > 0x7f800000u;
    return (((const uint16_t *)y)[i] & 0x7fffu) > (t == TARE_F16 ? 0x7c00u : 0x7f80u);
}

/* The bits that y was filled with, a NaN that no arithmetic makes: where NaN may be an answer. */
static int is_unwritten(tare_type t, const void *y, size_t i) {
    return t == TARE_F32 ? ((const uint32_t *)y)[i] == 0xffffffffu
                         : ((const uint16_t *)y)[i] == 0xffffu;
}

/* Within the bound, or past what the type of y holds and therefore infinite. */
static int is_right(const tare_verify *v, double got, int64_t at, double bound) {
    double want = v->y[at], largest = v->p.y == TARE_F16 ? 65504 : 0x1p127;
    if (fabs(got - want) <= bound) return 1;
    if (v->mag[at] >= v->most && !isfinite(got)) return 1;
    return isinf(got) && (fabs(want) + bound >= largest && (got > 0) == (want > 0));
}

tare_status tare_verify_check(const tare_verify *v, const void *y) {
    const tare_problem *p = &v->p;
    int (*missing)(tare_type t, const void *y, size_t i) = v->huge ? is_unwritten : is_nan;
    for (int64_t i = 0; i < p->m * p->n; i++)
        if (missing(p->y, y, (size_t)i))
            TARE_FAIL(TARE_E_UNSUPPORTED, "wrong: y[%lld,%lld] is NaN or was not written",
                      (long long)(i / p->n), (long long)(i % p->n));
    for (int64_t c = 0; c < p->n; c++)
        for (int64_t i = 0; i < picks(v, c); i++) {
            int64_t row = row_of(v, pick(v, c, i)), at = v->at[c] + i;
            double got = (double)tare_load(p->y, y, (size_t)(row * p->n + c));
            double bound = tare_error_bound(p, v->y[at], v->mag[at]);
            if (!is_right(v, got, at, bound))
                TARE_FAIL(TARE_E_UNSUPPORTED,
                          "wrong: y[%lld,%lld] is %.9g, should be %.9g within %.3g", (long long)row,
                          (long long)c, got, v->y[at], bound);
        }
    return TARE_OK;
}
