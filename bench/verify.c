/* The oracle: two reference products of parts of the problem, and a product with random signs. */
#include "bench/verify.h"
#include "bench/data.h"
#include "bench/rng.h"
#include "src/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_LEAST = 2, ROWS_MOST = 16, EDGE = 16, RANDOM = 32 };
static const double row_work = 5e8; /* multiply-adds to spend on full rows */

static tare_status need(size_t count, size_t size, void *out) {
    void *p = tare_alloc_zeroed((count ? count : 1) * size);
    if (!p) TARE_FAIL(TARE_E_NOMEM, "verify: no memory for %zu values", count);
    memcpy(out, &p, sizeof p);
    return TARE_OK;
}

static int is_sparse(const tare_problem *p) {
    return p->w.layout == TARE_CSR || p->w.layout == TARE_BITMAP || p->w.layout == TARE_BLOCK;
}

/* ---- full rows ---- */

static tare_status full_rows(bench_oracle *o, const tare_tensor *t, const char *x) {
    const tare_problem *p = &o->problem;
    double fit = row_work / ((double)p->n * (double)p->k);
    int64_t most = fit < ROWS_LEAST ? ROWS_LEAST : fit > ROWS_MOST ? ROWS_MOST : (int64_t)fit;
    int64_t count = p->m < most ? p->m : most;
    size_t row = (size_t)p->k * tare_type_bytes(p->x);
    char *part = NULL;
    o->row_count = (int)count;
    TARE_TRY(need((size_t)count, sizeof *o->rows, &o->rows));
    TARE_TRY(need((size_t)(count * p->n), sizeof(double), &o->row_y));
    TARE_TRY(need((size_t)(count * p->n), sizeof(double), &o->row_mag));
    TARE_TRY(need((size_t)count, row, &part));
    for (int64_t i = 0; i < count; i++) { /* the first half, then the last rows */
        o->rows[i] = i < (count + 1) / 2 ? i : p->m - count + i;
        memcpy(part + (size_t)i * row, x + (size_t)o->rows[i] * row, row);
    }
    tare_problem sub = *p;
    sub.m = count;
    tare_status s = tare_reference(&sub, t, part, NULL, o->row_y, o->row_mag);
    tare_free(part);
    return s;
}

/* ---- sampled columns ---- */

/* Columns of y are rows of W. They are taken in whole block rows, and encoded anew from the pruned
 * matrix: every format codes its (block) rows independently of each other. */
static void choose_columns(bench_oracle *o, int64_t unit, uint64_t seed) {
    int64_t n = o->problem.n, units = (n + unit - 1) / unit;
    int64_t edge = EDGE / unit > 1 ? EDGE / unit : 1,
            random = RANDOM / unit > 1 ? RANDOM / unit : 1;
    bench_rng r;
    bench_rng_seed(&r, seed, 0x636f6c);
    for (int64_t i = 0; i < 2 * edge + random; i++) {
        int64_t u = i < edge       ? i
                    : i < 2 * edge ? units - 2 * edge + i
                                   : (int64_t)bench_rng_below(&r, (uint64_t)units);
        for (int64_t c = u * unit; c < (u + 1) * unit; c++) o->columns[o->column_count++] = c;
    }
}

static tare_status sampled_columns(bench_oracle *o, const bench_scheme *s, const float *w,
                                   const void *x, uint64_t seed) {
    const tare_problem *p = &o->problem;
    int64_t unit = p->w.layout == TARE_BLOCK ? p->w.block_r : 1, room = 3 * (RANDOM + unit) + unit;
    if (p->n / unit * unit < room) return TARE_OK; /* a short y: the other checks see enough */
    TARE_TRY(need((size_t)room, sizeof *o->columns, &o->columns));
    choose_columns(o, unit, seed);
    for (int i = 0; i < o->column_count; i++) /* the ragged last block row has no whole unit */
        if (o->columns[i] >= p->n) o->columns[i] -= unit;
    size_t count = (size_t)o->column_count, k = (size_t)p->k;
    TARE_TRY(need((size_t)p->m * count, sizeof(double), &o->column_y));
    TARE_TRY(need((size_t)p->m * count, sizeof(double), &o->column_mag));
    float *part = NULL;
    TARE_TRY(need(count * k, sizeof *part, &part));
    for (size_t i = 0; i < count; i++)
        memcpy(part + i * k, w + (size_t)o->columns[i] * k, k * sizeof *part);
    tare_tensor t;
    tare_status st = tare_encode(&s->w, (int64_t)count, p->k, part, &t);
    if (st == TARE_OK) {
        tare_problem sub = bench_scheme_problem(s, &t, p->m);
        st = tare_reference(&sub, &t, x, NULL, o->column_y, o->column_mag);
        tare_tensor_clear(&t);
    }
    tare_free(part);
    return st;
}

/* ---- random signs ---- */

/* A row of x as doubles, quantised as tare.h defines it. */
static void load_x(const tare_problem *p, const void *x, int64_t row, double *out) {
    size_t base = (size_t)row * (size_t)p->k;
    float a = 0;
    for (int64_t j = 0; j < p->k; j++) {
        float v = tare_load(p->x, x, base + (size_t)j);
        out[j] = (double)v;
        a = fmaxf(a, fabsf(v));
    }
    if (!(p->flags & TARE_X_QUANTISED)) return;
    float top = p->flags & TARE_X_F8 ? 448 : 127;
    float s = a < 0x1p-100f ? 0 : a / top, inv = a < 0x1p-100f ? 0 : top / a;
    for (int64_t j = 0; j < p->k; j++) {
        float q = (float)out[j] * inv;
        out[j] = (double)s *
                 (double)(p->flags & TARE_X_F8 ? tare_f8_to_f32(tare_f32_to_f8(q)) : rintf(q));
    }
}

static tare_status signed_sums(bench_oracle *o, const tare_tensor *t, const void *x,
                               uint64_t seed) {
    const tare_problem *p = &o->problem;
    size_t k = (size_t)p->k;
    double *u = NULL, *row, *mag;
    TARE_TRY(need((size_t)p->n, 1, &o->sign));
    TARE_TRY(need((size_t)p->m, sizeof(double), &o->sum));
    TARE_TRY(need((size_t)p->m, sizeof(double), &o->sum_mag));
    TARE_TRY(need(3 * k, sizeof(double), &u));
    mag = u + k;
    row = u + 2 * k;
    bench_rng r;
    bench_rng_seed(&r, seed, 0x7369676e);
    tare_status s = TARE_OK;
    for (int64_t c = 0; c < p->n && s == TARE_OK; c++) {
        o->sign[c] = bench_rng_next(&r) >> 63 ? 1 : -1;
        s = tare_decode_row_f64(t, c, row);
        for (size_t j = 0; j < k; j++) {
            u[j] += o->sign[c] * row[j];
            mag[j] += fabs(row[j]);
        }
    }
    for (int64_t i = 0; i < p->m && s == TARE_OK; i++) {
        load_x(p, x, i, row);
        for (size_t j = 0; j < k; j++) {
            o->sum[i] += row[j] * u[j];
            o->sum_mag[i] += fabs(row[j]) * mag[j];
        }
    }
    tare_free(u);
    return s;
}

/* ---- making and checking ---- */

static tare_status make(const bench_scheme *s, const tare_tensor *t, const float *w, const void *x,
                        uint64_t seed, bench_oracle *o) {
    TARE_TRY(full_rows(o, t, x));
    if (o->row_count == o->problem.m) return TARE_OK;
    float *pruned = NULL;
    if (is_sparse(&o->problem)) TARE_TRY(bench_data_pruned(s, w, t->n, t->k, &pruned));
    tare_status st = sampled_columns(o, s, pruned ? pruned : w, x, seed);
    tare_free(pruned);
    return st == TARE_OK ? signed_sums(o, t, x, seed) : st;
}

tare_status bench_oracle_make(const bench_scheme *s, const tare_problem *p, const tare_tensor *t,
                              const float *w, const void *x, uint64_t seed, bench_oracle *out) {
    memset(out, 0, sizeof *out);
    out->problem = *p;
    tare_status st = make(s, t, w, x, seed, out);
    if (st != TARE_OK) bench_oracle_clear(out);
    return st;
}

void bench_oracle_clear(bench_oracle *o) {
    void *all[] = {o->rows,       o->row_y, o->row_mag, o->columns, o->column_y,
                   o->column_mag, o->sign,  o->sum,     o->sum_mag};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) tare_free(all[i]);
    memset(o, 0, sizeof *o);
}

typedef struct verdict_of_y {
    double worst;
    char *what;
} verdict_of_y;

static void compare(verdict_of_y *v, const tare_problem *p, const void *y, int64_t row, int64_t c,
                    double want, double mag) {
    double got = (double)tare_load(p->y, y, (size_t)(row * p->n + c));
    double bound = tare_error_bound(p, want, mag);
    double off = isfinite(got) ? fabs(got - want) / bound : INFINITY;
    if (off <= v->worst) return;
    v->worst = off;
    if (off > 1)
        snprintf(v->what, 160, "y[%lld,%lld] is %.9g, must be %.9g within %.3g", (long long)row,
                 (long long)c, got, want, bound);
}

static void compare_sum(verdict_of_y *v, const bench_oracle *o, const void *y, int64_t row) {
    const tare_problem *p = &o->problem;
    double got = 0, bound = tare_error_bound(p, 0, o->sum_mag[row]);
    for (int64_t c = 0; c < p->n; c++) {
        double one = (double)tare_load(p->y, y, (size_t)(row * p->n + c));
        got += o->sign[c] * one;
        bound += tare_error_bound(p, one, 0);
    }
    double off = isfinite(got) ? fabs(got - o->sum[row]) / bound : INFINITY;
    if (off <= v->worst) return;
    v->worst = off;
    if (off > 1)
        snprintf(v->what, 160,
                 "row %lld of y sums to %.9g under random signs, must be %.9g +- %.3g",
                 (long long)row, got, o->sum[row], bound);
}

double bench_oracle_check(const bench_oracle *o, const void *y, char what[160]) {
    const tare_problem *p = &o->problem;
    verdict_of_y v = {.what = what};
    what[0] = 0;
    for (int i = 0; i < o->row_count; i++)
        for (int64_t c = 0; c < p->n; c++) {
            size_t at = (size_t)(i * p->n + c);
            compare(&v, p, y, o->rows[i], c, o->row_y[at], o->row_mag[at]);
        }
    for (int64_t i = 0; i < p->m && o->column_count; i++)
        for (int c = 0; c < o->column_count; c++) {
            size_t at = (size_t)(i * o->column_count + c);
            compare(&v, p, y, i, o->columns[c], o->column_y[at], o->column_mag[at]);
        }
    for (int64_t i = 0; i < p->m && o->sum; i++) compare_sum(&v, o, y, i);
    return v.worst;
}
