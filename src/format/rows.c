/* Rows shared among threads. What a row stores lies apart from what others do, so the bytes do not
 * depend on who did it; errors are told by the thread that asked, about the first row that fails.
 */
#include "src/format/format.h"

#include <stdatomic.h>

enum { ALONE = 1 << 17 }; /* values that are not worth a second thread */

int format_threads(int64_t n, int64_t k) {
    int threads = n * k < ALONE ? 1 : tare_threads();
    return threads < n ? threads : (int)n;
}

typedef struct sum_job {
    int64_t (*in)(void *ctx, int64_t from, int64_t to);
    void *ctx;
    atomic_llong sum;
} sum_job;

static void sum_share(void *ctx, int64_t from, int64_t to, int part) {
    sum_job *j = ctx;
    (void)part;
    atomic_fetch_add(&j->sum, j->in(j->ctx, from, to));
}

int64_t format_sum(int64_t total, int threads, int64_t (*in)(void *ctx, int64_t from, int64_t to),
                   void *ctx) {
    sum_job j = {.in = in, .ctx = ctx};
    parallel_ranges(total, threads, sum_share, &j);
    return atomic_load(&j.sum);
}

typedef struct rows_job {
    format_row one;
    void *ctx;
    atomic_llong bad; /* the first row that failed */
} rows_job;

static void rows_share(void *ctx, int64_t from, int64_t to, int part) {
    rows_job *j = ctx;
    while (from < to && j->one(j->ctx, from, part) == TARE_OK) from++;
    if (from == to) return;
    long long first = atomic_load(&j->bad);
    while (from < first && !atomic_compare_exchange_weak(&j->bad, &first, from)) {
    }
}

tare_status format_rows(int64_t rows, int threads, format_row one, void *ctx) {
    rows_job j = {.one = one, .ctx = ctx, .bad = rows};
    parallel_ranges(rows, threads, rows_share, &j);
    int64_t bad = atomic_load(&j.bad);
    return bad < rows ? one(ctx, bad, 0) : TARE_OK;
}
