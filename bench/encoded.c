#include "bench/encoded.h"
#include "bench/data.h"
#include "bench/rng.h"
#include "src/internal.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { EDGE = 16, RANDOM = 32 }; /* sampled columns of y: at either end, between */

static void drop(bench_encoded *e) {
    if (!e) return;
    tare_tensor_clear(&e->t);
    tare_tensor_clear(&e->sample);
    tare_free(e->columns);
    tare_free(e->sign);
    tare_free(e->signed_sum);
    free(e);
}

void bench_matrix_tidy(bench_matrix *m) {
    int kept = 0;
    for (int i = 0; i < m->count; i++) {
        bench_encoded *e = m->encoded[i];
        int used = e->used;
        e->used = 0;
        if (used)
            m->encoded[kept++] = e;
        else
            drop(e);
    }
    m->count = kept;
}

void bench_matrix_clear(bench_matrix *m) {
    for (int i = 0; i < m->count; i++) drop(m->encoded[i]);
    free(m->encoded);
    tare_free(m->w);
    memset(m, 0, sizeof *m);
}

tare_status bench_matrix_make(bench_matrix *m, int64_t n, int64_t k, uint64_t seed) {
    if (m->w && m->n == n && m->k == k && m->seed == seed) return TARE_OK;
    bench_matrix_clear(m);
    TARE_TRY(bench_data_weights(n, k, seed, &m->w));
    m->n = n;
    m->k = k;
    m->seed = seed;
    return TARE_OK;
}

/* ---- sampled columns ---- */

/* Columns of y are rows of W. They are taken in whole block rows, and encoded anew from the pruned
 * matrix: every format codes its (block) rows independently of each other. */
static void choose_columns(bench_encoded *e, int64_t n, int64_t unit, uint64_t seed) {
    int64_t units = (n + unit - 1) / unit;
    int64_t edge = EDGE / unit > 1 ? EDGE / unit : 1,
            random = RANDOM / unit > 1 ? RANDOM / unit : 1;
    bench_rng r;
    bench_rng_seed(&r, seed, 0x636f6c);
    for (int64_t i = 0; i < 2 * edge + random; i++) {
        int64_t u = i < edge       ? i
                    : i < 2 * edge ? units - 2 * edge + i
                                   : (int64_t)bench_rng_below(&r, (uint64_t)units);
        for (int64_t c = u * unit; c < (u + 1) * unit; c++) e->columns[e->column_count++] = c;
    }
    for (int i = 0; i < e->column_count; i++) /* the ragged last block row has no whole unit */
        if (e->columns[i] >= n) e->columns[i] -= unit;
}

static tare_status sample(bench_encoded *e, const float *w, int64_t n, int64_t k, uint64_t seed) {
    int64_t unit = e->format.layout == TARE_BLOCK ? e->format.block_r : 1,
            room = 3 * (RANDOM + unit) + unit;
    if (n / unit * unit < room) return TARE_OK; /* a short y: the other checks see enough */
    e->columns = tare_alloc((size_t)room * sizeof *e->columns);
    if (!e->columns) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
    choose_columns(e, n, unit, seed);
    size_t count = (size_t)e->column_count, row = (size_t)k * sizeof *w;
    float *part = tare_alloc(count * row);
    if (!part) TARE_FAIL(TARE_E_NOMEM, "bench: no memory for %zu rows", count);
    for (size_t i = 0; i < count; i++)
        memcpy(part + i * (size_t)k, w + (size_t)e->columns[i] * (size_t)k, row);
    tare_status s = tare_encode(&e->format, (int64_t)count, k, part, &e->sample);
    tare_free(part);
    return s;
}

/* ---- random signs ---- */

static tare_status add_rows(bench_encoded *e, int64_t from, int64_t to, double *sum, double *mag,
                            double *row) {
    for (int64_t c = from; c < to; c++) {
        TARE_TRY(tare_decode_row_f64(&e->t, c, row));
        for (int64_t j = 0; j < e->t.k; j++) {
            sum[j] += e->sign[c] * row[j];
            mag[j] += fabs(row[j]);
        }
    }
    return TARE_OK;
}

typedef struct add_job {
    bench_encoded *e;
    double *parts;
    atomic_int failed; /* a tare_status */
} add_job;

static void add_share(void *ctx, int64_t from, int64_t to, int part) {
    add_job *j = ctx;
    int64_t k = j->e->t.k;
    double *at = j->parts + (int64_t)part * 3 * k;
    tare_status one = add_rows(j->e, from, to, at, at + k, at + 2 * k);
    if (one != TARE_OK) atomic_store(&j->failed, (int)one);
}

/* Each thread adds up rows of its own: parts of 3k doubles, the sums of the first are all's. */
static tare_status add_up(bench_encoded *e, double *parts, int threads) {
    int64_t k = e->t.k;
    add_job job = {.e = e, .parts = parts};
    parallel_ranges(e->t.n, threads, add_share, &job);
    for (int p = 1; p < threads; p++)
        for (int64_t j = 0; j < 2 * k; j++) parts[j] += parts[(int64_t)p * 3 * k + j];
    int failed = atomic_load(&job.failed);
    if (failed) TARE_FAIL((tare_status)failed, "verify: a row of W does not decode");
    return TARE_OK;
}

tare_status bench_encoded_sign(bench_encoded *e, uint64_t seed) {
    size_t k = (size_t)e->t.k;
    int threads = tare_threads();
    bench_rng r;
    if (e->signed_sum) return TARE_OK;
    tare_free(e->sign);
    e->sign = tare_alloc((size_t)e->t.n);
    double *parts = tare_alloc_zeroed((size_t)threads * 3 * k * sizeof *parts);
    double *sums = tare_alloc(2 * k * sizeof *sums);
    tare_status s = TARE_OK;
    if (!e->sign || !parts || !sums) s = tare_fail(TARE_E_NOMEM, "verify: out of memory");
    bench_rng_seed(&r, seed, 0x7369676e);
    for (int64_t c = 0; s == TARE_OK && c < e->t.n; c++)
        e->sign[c] = bench_rng_next(&r) >> 63 ? 1 : -1;
    if (s == TARE_OK) s = add_up(e, parts, threads);
    if (s == TARE_OK) memcpy(sums, parts, 2 * k * sizeof *sums);
    tare_free(parts);
    if (s != TARE_OK) {
        tare_free(sums);
        return s;
    }
    e->signed_sum = sums;
    e->sum_mag = sums + k;
    return TARE_OK;
}

/* ---- encoding ---- */

static tare_status make(const bench_matrix *m, const bench_scheme *s, bench_encoded *e) {
    float *pruned;
    TARE_TRY(bench_data_pruned(s, m->w, m->n, m->k, &pruned));
    const float *w = pruned ? pruned : m->w;
    tare_status st = tare_encode(&s->w, m->n, m->k, w, &e->t);
    if (st == TARE_OK) st = sample(e, w, m->n, m->k, m->seed);
    tare_free(pruned);
    return st;
}

static tare_status keep(bench_matrix *m, bench_encoded *e) {
    if (m->count == m->room) {
        int room = m->room ? 2 * m->room : 16;
        bench_encoded **more = realloc(m->encoded, (size_t)room * sizeof *more);
        if (!more) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
        m->encoded = more;
        m->room = room;
    }
    m->encoded[m->count++] = e;
    return TARE_OK;
}

tare_status bench_matrix_encode(bench_matrix *m, const bench_scheme *s, bench_encoded **out) {
    for (int i = 0; i < m->count; i++) {
        bench_encoded *e = m->encoded[i];
        if (!tare_same_format(&e->format, &s->w) || e->sparsity != s->sparsity) continue;
        e->used = 1;
        *out = e;
        return TARE_OK;
    }
    bench_encoded *e = calloc(1, sizeof *e);
    if (!e) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
    e->format = s->w;
    e->sparsity = s->sparsity;
    e->used = 1;
    tare_status st = make(m, s, e);
    if (st == TARE_OK) st = keep(m, e);
    if (st != TARE_OK) {
        drop(e);
        return st;
    }
    *out = e;
    return TARE_OK;
}
