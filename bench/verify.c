/* The oracle: two reference products of parts of the problem, and a product with random signs. */
#include "bench/verify.h"
#include "src/internal.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_LEAST = 2, ROWS_MOST = 16 };
static const double row_work = 5e8; /* multiply-adds to spend on full rows */

static tare_status need(size_t count, size_t size, void *out) {
    void *p = tare_alloc_zeroed((count ? count : 1) * size);
    if (!p) TARE_FAIL(TARE_E_NOMEM, "verify: no memory for %zu values", count);
    memcpy(out, &p, sizeof p);
    return TARE_OK;
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

static tare_status sampled_columns(bench_oracle *o, const bench_scheme *s, const void *x) {
    const tare_problem *p = &o->problem;
    size_t count = (size_t)o->of->column_count;
    if (count == 0) return TARE_OK;
    TARE_TRY(need((size_t)p->m * count, sizeof(double), &o->column_y));
    TARE_TRY(need((size_t)p->m * count, sizeof(double), &o->column_mag));
    tare_problem sub = bench_scheme_problem(s, &o->of->sample, p->m);
    return tare_reference(&sub, &o->of->sample, x, NULL, o->column_y, o->column_mag);
}

/* ---- random signs ---- */

/* x (W^T v), a row of x at a time. */
static void sum_row(const bench_oracle *o, const void *x, int64_t i, double *row) {
    double sum = 0, mag = 0;
    tare_reference_x(&o->problem, x, i, row);
    for (int64_t j = 0; j < o->problem.k; j++) {
        sum += row[j] * o->of->signed_sum[j];
        mag += fabs(row[j]) * o->of->sum_mag[j];
    }
    o->sum[i] = sum;
    o->sum_mag[i] = mag;
}

typedef struct sum_job {
    bench_oracle *o;
    const void *x;
    double *rows; /* k a part */
} sum_job;

static void sum_rows(void *ctx, int64_t from, int64_t to, int part) {
    const sum_job *j = ctx;
    for (int64_t i = from; i < to; i++)
        sum_row(j->o, j->x, i, j->rows + (int64_t)part * j->o->problem.k);
}

static tare_status signed_sums(bench_oracle *o, const void *x) {
    const tare_problem *p = &o->problem;
    int threads = tare_threads();
    double *rows = NULL;
    TARE_TRY(need((size_t)p->m, sizeof(double), &o->sum));
    TARE_TRY(need((size_t)p->m, sizeof(double), &o->sum_mag));
    TARE_TRY(need((size_t)threads * (size_t)p->k, sizeof(double), &rows));
    parallel_ranges(p->m, threads, sum_rows, &(sum_job){o, x, rows});
    tare_free(rows);
    return TARE_OK;
}

/* ---- making and checking ---- */

static tare_status make(const bench_scheme *s, bench_encoded *e, const void *x, uint64_t seed,
                        bench_oracle *o) {
    TARE_TRY(full_rows(o, &e->t, x));
    if (o->row_count == o->problem.m) return TARE_OK;
    TARE_TRY(sampled_columns(o, s, x));
    TARE_TRY(bench_encoded_sign(e, seed));
    return signed_sums(o, x);
}

tare_status bench_oracle_make(const bench_scheme *s, const tare_problem *p, bench_encoded *e,
                              const void *x, uint64_t seed, bench_oracle *out) {
    memset(out, 0, sizeof *out);
    out->problem = *p;
    out->of = e;
    tare_status st = make(s, e, x, seed, out);
    if (st != TARE_OK) bench_oracle_clear(out);
    return st;
}

void bench_oracle_clear(bench_oracle *o) {
    void *all[] = {o->rows, o->row_y, o->row_mag, o->column_y, o->column_mag, o->sum, o->sum_mag};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) tare_free(all[i]);
    memset(o, 0, sizeof *o);
}

typedef struct verdict_of_y {
    double worst;
    char what[160];
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
        got += o->of->sign[c] * one;
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

static void check_row(const bench_oracle *o, const void *y, int64_t i, verdict_of_y *v) {
    int count = o->column_y ? o->of->column_count : 0;
    for (int c = 0; c < count; c++) {
        size_t at = (size_t)(i * count + c);
        compare(v, &o->problem, y, i, o->of->columns[c], o->column_y[at], o->column_mag[at]);
    }
    if (o->sum) compare_sum(v, o, y, i);
}

static void check_full(const bench_oracle *o, const void *y, int i, verdict_of_y *v) {
    for (int64_t c = 0; c < o->problem.n; c++) {
        size_t at = (size_t)(i * o->problem.n + c);
        compare(v, &o->problem, y, o->rows[i], c, o->row_y[at], o->row_mag[at]);
    }
}

typedef struct check_job {
    const bench_oracle *o;
    const void *y;
    pthread_mutex_t lock;
    verdict_of_y worst;
    int64_t worst_at;
} check_job;

static void check_item(void *ctx, int64_t i, int part) {
    check_job *j = ctx;
    verdict_of_y v = {0, ""};
    (void)part;
    if (i < j->o->row_count)
        check_full(j->o, j->y, (int)i, &v);
    else
        check_row(j->o, j->y, i - j->o->row_count, &v);
    pthread_mutex_lock(&j->lock);
    if (v.worst > j->worst.worst || (v.worst == j->worst.worst && i < j->worst_at)) {
        j->worst = v;
        j->worst_at = i;
    }
    pthread_mutex_unlock(&j->lock);
}

/* First the rows that are checked in full, then all rows; of equal faults the first is told. */
double bench_oracle_check(const bench_oracle *o, const void *y, char what[160]) {
    int64_t count = o->row_count + o->problem.m;
    check_job j = {.o = o, .y = y, .lock = PTHREAD_MUTEX_INITIALIZER, .worst_at = count};
    parallel_items(count, tare_threads(), check_item, &j);
    memcpy(what, j.worst.what, sizeof j.worst.what);
    return j.worst.worst;
}
