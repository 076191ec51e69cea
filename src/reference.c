/* The fp64 answer to every problem, plainly: decode a row of W, multiply, round once at the end.
 * What every kernel of every backend is held against, so it shares no code with any of them. */
#include "fpenv.h"
#include "internal.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The float steps belong to the definition. */
void tare_reference_x(const tare_problem *p, const void *x, int64_t row, double *out) {
    size_t base = (size_t)row * (size_t)p->k;
    if (!(p->flags & TARE_X_QUANTISED)) {
        for (int64_t j = 0; j < p->k; j++) out[j] = tare_load(p->x, x, base + (size_t)j);
        return;
    }
    float a = 0;
    int finite = 1;
    for (int64_t j = 0; j < p->k; j++) {
        float v = fabsf(tare_load(p->x, x, base + (size_t)j));
        if (!isfinite(v)) finite = 0;
        if (v > a) a = v;
    }
    float top = p->flags & TARE_X_F8 ? 448 : 127;
    float s = a < 0x1p-100f ? 0 : a / top, inv = a < 0x1p-100f ? 0 : top / a;
    for (int64_t j = 0; j < p->k; j++) {
        float v = tare_load(p->x, x, base + (size_t)j) * inv;
        out[j] = !finite
                     ? NAN
                     : (double)s * (double)(p->flags & TARE_X_F8 ? tare_f8_to_f32(tare_f32_to_f8(v))
                                                                 : rintf(v));
    }
}

/* Four partial sums: the order does not matter at fp64 against bounds at fp32. */
static void dot(const double *x, const double *w, int64_t k, double *sum, double *mag) {
    double s[4] = {0}, a[4] = {0};
    int64_t j = 0;
    for (; j + 4 <= k; j += 4)
        for (int i = 0; i < 4; i++) {
            double v = x[j + i] * w[j + i];
            s[i] += v;
            a[i] += fabs(v);
        }
    for (; j < k; j++) {
        s[0] += x[j] * w[j];
        a[0] += fabs(x[j] * w[j]);
    }
    *sum = (s[0] + s[1]) + (s[2] + s[3]);
    *mag = (a[0] + a[1]) + (a[2] + a[3]);
}

void tare_reference_one(const tare_problem *p, const double *x, const double *w, float bias,
                        double *y, double *mag) {
    dot(x, w, p->k, y, mag);
    *y += (double)bias;
    *mag += fabs((double)bias);
    if ((p->flags & TARE_RELU) && *y < 0) *y = 0;
}

static void finish_row(const tare_problem *p, const double *xs, const double *w, int64_t col,
                       float bias, double *y, double *mag) {
    for (int64_t i = 0; i < p->m; i++) {
        double one;
        tare_reference_one(p, xs + i * p->k, w, bias, &y[i * p->n + col], &one);
        if (mag) mag[i * p->n + col] = one;
    }
}

typedef struct reference_job {
    const tare_problem *p;
    const tare_tensor *t;
    const void *x;
    const float *bias;
    double *xs, *rows; /* rows: k a part */
    double *y, *mag;
    atomic_int failed; /* a tare_status */
} reference_job;

static void load_rows(void *ctx, int64_t from, int64_t to, int part) {
    const reference_job *j = ctx;
    (void)part;
    for (int64_t i = from; i < to; i++) tare_reference_x(j->p, j->x, i, j->xs + i * j->p->k);
}

static void columns(void *ctx, int64_t from, int64_t to, int part) {
    reference_job *j = ctx;
    double *w = j->rows + part * j->p->k;
    for (int64_t c = from; c < to; c++) {
        tare_status one = tare_decode_row_f64(j->t, c, w);
        if (one != TARE_OK) {
            atomic_store(&j->failed, (int)one);
            return;
        }
        finish_row(j->p, j->xs, w, c, j->bias ? j->bias[c] : 0, j->y, j->mag);
    }
}

tare_status tare_reference(const tare_problem *p, const tare_tensor *t, const void *x,
                           const float *bias, double *y, double *mag) {
    TARE_FP_DEFAULT;
    TARE_TRY(tare_problem_check(p));
    if (!t || !x || !y || !(p->flags & TARE_BIAS) != !bias)
        TARE_FAIL(TARE_E_ARG, "reference: null argument, or bias and problem disagree");
    if (t->n != p->n || t->k != p->k || t->nnz != p->nnz)
        TARE_FAIL(TARE_E_ARG, "reference: the tensor is not the problem's");
    size_t k = (size_t)p->k, m = (size_t)p->m;
    int threads = tare_threads();
    reference_job j = {.p = p, .t = t, .x = x, .bias = bias, .y = y, .mag = mag};
    j.xs = tare_alloc(m * k * sizeof *j.xs);
    j.rows = tare_alloc((size_t)threads * k * sizeof *j.rows);
    int ok = j.xs && j.rows;
    if (ok) {
        parallel_ranges(p->m, threads, load_rows, &j);
        parallel_ranges(p->n, threads, columns, &j);
    }
    tare_free(j.xs);
    tare_free(j.rows);
    if (!ok) TARE_FAIL(TARE_E_NOMEM, "reference: out of memory for %lld rows", (long long)p->m);
    if (atomic_load(&j.failed))
        TARE_FAIL((tare_status)atomic_load(&j.failed), "reference: a row of W does not decode");
    return TARE_OK;
}

/* The spacing of type t at |v|. */
static double ulp(tare_type t, double v) {
    int bits = t == TARE_F32 ? 23 : t == TARE_F16 ? 10 : 7;
    int least = t == TARE_F16 ? -14 : -126, e;
    frexp(v, &e);
    e -= 1;
    if (v == 0 || e < least) e = least;
    return ldexp(1.0, e - bits);
}

/* What the flags allow beside the rounding of sums, as a share of mag. */
static double allowed(const tare_problem *p) {
    double share = 0;
    if (p->flags & TARE_TF32) share += 0x1p-9;
    if (p->flags & TARE_W_ROUND) share += p->x == TARE_BF16 ? 0x1p-8 : 0x1p-11;
    if (p->flags & TARE_SUM_F8) share += (double)((p->k < 128 ? p->k : 128) + 4) * 0x1p-13;
    return share;
}

double tare_error_bound(const tare_problem *p, double y, double mag) {
    double terms = (double)p->k;
    if (p->flags & TARE_X_I8)
        terms =
            p->w.scaling == TARE_SCALE_GROUP ? (double)((p->k + p->w.group - 1) / p->w.group) : 1;
    /* bf16 dot instructions flush subnormals: what they may drop is an absolute term. */
    double flush = (double)p->k * 0x1p-120, u = 0x1p-24;
    if (p->flags & TARE_SUM_F16) {
        u = 0x1p-11;
        flush = (double)p->k * 0x1p-24;
    }
    return (terms + 4) * u * mag + allowed(p) * mag + 0.5 * ulp(p->y, y) * (1 + 0x1p-10) + flush;
}
