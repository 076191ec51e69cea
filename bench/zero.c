#include "bench/zero.h"
#include "bench/clock.h"
#include "bench/drift.h"
#include "bench/interrupt.h"
#include "bench/interval.h"
#include "bench/stats.h"
#include "src/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was seen ---- */

static bench_zero_row *row_of(bench_zero *z, const bench_shape *shape, int64_t m,
                              const char *scheme) {
    for (int i = 0; i < z->rows; i++)
        if (z->row[i].shape == shape && z->row[i].m == m && strcmp(z->row[i].scheme, scheme) == 0)
            return &z->row[i];
    if (z->rows == z->room) {
        int room = z->room ? 2 * z->room : 32;
        bench_zero_row *more = realloc(z->row, (size_t)room * sizeof *more);
        if (!more) return NULL;
        z->row = more;
        z->room = room;
    }
    bench_zero_row *r = &z->row[z->rows++];
    memset(r, 0, sizeof *r);
    r->shape = shape;
    r->m = m;
    r->worst = 1;
    snprintf(r->scheme, sizeof r->scheme, "%s", scheme);
    return r;
}

static tare_status see(bench_zero_row *row, const bench_cell *c) {
    if (row->seen_count == row->room) {
        int room = row->room ? 2 * row->room : 16;
        struct bench_zero_seen *more = realloc(row->seen, (size_t)room * sizeof *more);
        if (!more) TARE_FAIL(TARE_E_NOMEM, "zero: out of memory");
        row->seen = more;
        row->room = room;
    }
    row->seen[row->seen_count++] =
        (struct bench_zero_seen){c->result.median_ns, c->result.ci_lo, c->result.ci_hi};
    return TARE_OK;
}

/* The verdict on a row and its twin, as a bench would give it. */
static void judge_pair(bench_zero_count *n, const bench_cell *a, const bench_cell *b) {
    double lo, hi;
    int noisy = a->result.noise.noisy || b->result.noise.noisy;
    int told = bench_ratio_interval(&a->result, &b->result, &lo, &hi) &&
               !bench_cell_unresolved(a) && !bench_cell_unresolved(b);
    enum bench_verdict v = told && !noisy ? bench_judge(lo, hi) : BENCH_INCONCLUSIVE;
    n->pairs++;
    n->helps += v == BENCH_HELPS;
    n->hurts += v == BENCH_HURTS;
    n->neutral += v == BENCH_NEUTRAL;
    n->open += v == BENCH_INCONCLUSIVE;
    n->noisy += noisy;
}

static int is_of(const bench_cell *c, const char *scheme) {
    return c->result.n > 0 && strcmp(c->scheme.name, scheme) == 0;
}

/* Whether the heat took a row that the measurement then finds too slow. Where it is noisy it finds
 * nothing. */
static void judge_heat(bench_zero_row *row, const bench_cell *taken, const bench_cell *cells,
                       int count) {
    double best = taken->result.median_ns;
    if (row->kernel[0] && strcmp(row->kernel, taken->kernel) != 0) row->count.changes++;
    snprintf(row->kernel, sizeof row->kernel, "%s", taken->kernel);
    if (taken->result.noise.noisy) return;
    for (int i = 0; i < count; i++)
        if (is_of(&cells[i], row->scheme) && cells[i].lost && cells[i].result.median_ns < best)
            best = cells[i].result.median_ns;
    double behind = taken->result.median_ns / best;
    row->count.heats++;
    row->count.misses += behind > BENCH_ZERO_MISS;
    if (behind > row->worst) row->worst = behind;
}

tare_status bench_zero_add(bench_zero *z, const bench_shape *shape, int64_t m,
                           const bench_cell *cells, int count) {
    for (int i = 0; i < count; i++) {
        const bench_cell *a = &cells[i], *b = NULL;
        if (!is_of(a, a->scheme.name) || a->twin || a->lost) continue;
        for (int j = 0; j < count && !b; j++)
            if (is_of(&cells[j], a->scheme.name) && cells[j].twin) b = &cells[j];
        if (!b) continue;
        bench_zero_row *row = row_of(z, shape, m, a->scheme.name);
        if (!row) TARE_FAIL(TARE_E_NOMEM, "zero: out of memory");
        judge_heat(row, a, cells, count);
        judge_pair(&row->count, a, b);
        TARE_TRY(see(row, a));
        TARE_TRY(see(row, b));
    }
    return TARE_OK;
}

/* ---- sums ---- */

static void sum_row(bench_zero_row *row) {
    double *v = malloc((size_t)row->seen_count * sizeof *v);
    if (!v) return;
    for (int i = 0; i < row->seen_count; i++) v[i] = row->seen[i].median_ns;
    bench_sort(v, (size_t)row->seen_count);
    row->median_ns = bench_median(v, (size_t)row->seen_count);
    row->drift = (v[row->seen_count - 1] - v[0]) / row->median_ns;
    row->count.intervals = row->count.covered = 0;
    for (int i = 0; i < row->seen_count; i++) {
        const struct bench_zero_seen *s = &row->seen[i];
        if (isnan(s->lo)) continue;
        row->count.intervals++;
        row->count.covered += s->lo <= row->median_ns && row->median_ns <= s->hi;
    }
    free(v);
}

static void add_count(bench_zero_count *to, const bench_zero_count *c) {
    to->pairs += c->pairs, to->helps += c->helps, to->hurts += c->hurts;
    to->neutral += c->neutral, to->open += c->open, to->noisy += c->noisy;
    to->intervals += c->intervals, to->covered += c->covered, to->widened += c->widened;
    to->heats += c->heats, to->misses += c->misses, to->changes += c->changes;
}

/* |log| of a measurement's median (of row and twin: the first) over the long-run one; cycles of a
 * row share what they deviate from, so that the deviation is too small by sqrt(1 - 1 / cycles). */
static int add_deviations(const bench_zero_row *row, double *out) {
    int cycles = row->seen_count / 2;
    for (int i = 0; i < cycles && cycles > 1; i++)
        out[i] = fabs(log(row->seen[2 * i].median_ns / row->median_ns)) / sqrt(1 - 1.0 / cycles);
    return cycles > 1 ? cycles : 0;
}

/* The drift of all shapes but one (null: of all): so that 95 % of deviations lie within 1.96 of it.
 */
static double drift_without(const bench_zero *z, const bench_shape *left_out) {
    double *v, share = NAN;
    int n = 0, most = 0;
    for (int i = 0; i < z->rows; i++) most += z->row[i].seen_count;
    v = malloc((size_t)(most + 1) * sizeof *v);
    if (!v) return NAN;
    for (int i = 0; i < z->rows; i++)
        if (z->row[i].shape != left_out) n += add_deviations(&z->row[i], v + n);
    if (n > 0) {
        bench_sort(v, (size_t)n);
        share = bench_quantile(v, (size_t)n, 0.95) / 1.959963984540054;
    }
    free(v);
    return share;
}

static void count_widened(bench_zero_row *row, double share) {
    row->count.widened = 0;
    for (int i = 0; i < row->seen_count; i++) {
        double lo = row->seen[i].lo, hi = row->seen[i].hi;
        bench_drift_widen(share, row->seen[i].median_ns, &lo, &hi);
        row->count.widened += lo <= row->median_ns && row->median_ns <= hi;
    }
}

void bench_zero_sum(bench_zero *z) {
    double *drift = malloc((size_t)(z->rows + 1) * sizeof *drift);
    memset(&z->all, 0, sizeof z->all);
    for (int i = 0; i < z->rows; i++) sum_row(&z->row[i]);
    z->share = drift_without(z, NULL);
    for (int i = 0; i < z->rows; i++) {
        double share = drift_without(z, z->row[i].shape);
        count_widened(&z->row[i], isnan(share) ? z->share : share);
        add_count(&z->all, &z->row[i].count);
        if (drift) drift[i] = z->row[i].drift;
    }
    z->drift_median = z->drift_worst = NAN;
    if (drift && z->rows) {
        bench_sort(drift, (size_t)z->rows);
        z->drift_median = bench_median(drift, (size_t)z->rows);
        z->drift_worst = drift[z->rows - 1];
    }
    free(drift);
}

int bench_zero_exit(const bench_zero *z) {
    const bench_zero_count *n = &z->all;
    if (n->helps + n->hurts > BENCH_ZERO_FALSE * n->pairs) return 1;
    return 2 * (n->pairs - n->open) < n->pairs || n->pairs == 0 ? 5 : 0;
}

void bench_zero_clear(bench_zero *z) {
    for (int i = 0; i < z->rows; i++) free(z->row[i].seen);
    free(z->row);
    memset(z, 0, sizeof *z);
}

/* ---- the run ---- */

/* Data and encodings of a shape serve all its turns: the setup looks at them through `shared`. */
static tare_status one_turn(bench_setup *s, const bench_shape *shape, int64_t m,
                            const bench_scheme *schemes, int count, bench_matrix *matrix,
                            bench_zero *out) {
    bench_cells cells = {0};
    s->shared = matrix;
    tare_status st = bench_group(s, shape, m, schemes, count, &cells);
    if (st == TARE_OK) st = bench_zero_add(out, shape, m, cells.cell, cells.count);
    bench_cells_clear(&cells);
    s->shared = NULL;
    return st;
}

tare_status bench_zero_run(bench_setup *s, const bench_shape *shapes, int count, int64_t m,
                           const bench_scheme *schemes, int scheme_count, double seconds,
                           bench_zero *out) {
    static const char *const none[] = {NULL};
    bench_matrix *matrix = calloc((size_t)count, sizeof *matrix);
    double *took = calloc((size_t)count, sizeof *took), since = bench_now_ns();
    tare_status st = matrix && took ? TARE_OK : tare_fail(TARE_E_NOMEM, "zero: out of memory");
    s->baselines = none;
    s->twins = 1;
    for (int turn = 0; st == TARE_OK; turn++) {
        int at = turn % count;
        double start = bench_now_ns();
        if (turn >= count && start - since + took[at] > 1e9 * seconds) break;
        out->cycles = turn / count + 1;
        st = one_turn(s, &shapes[at], m, schemes, scheme_count, &matrix[at], out);
        took[at] = bench_now_ns() - start;
    }
    for (int i = 0; i < count && matrix; i++) bench_matrix_clear(&matrix[i]);
    free(matrix);
    free(took);
    bench_zero_sum(out);
    return st;
}
