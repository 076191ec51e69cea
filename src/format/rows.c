/* Rows shared among threads. What a row stores lies apart from what others do, so the bytes do not
 * depend on who did it; errors are told by the thread that asked, about the first row that fails.
 * Backend modules carry this file too and stay on one thread: the knob is the library's. */
#include "src/format/format.h"

enum { ALONE = 1 << 17 }; /* values that are not worth a second thread */

int format_threads(int64_t n, int64_t k) {
#ifdef TARE_MODULE_BACKEND
    (void)n, (void)k;
    return 1;
#else
    int threads = n * k < ALONE ? 1 : tare_threads();
    return threads < n ? threads : (int)n;
#endif
}

/* The first row of from..to that fails, or `to`. */
static int64_t first_bad(int64_t from, int64_t to, format_row one, void *ctx, int part) {
    while (from < to && one(ctx, from, part) == TARE_OK) from++;
    return from;
}

tare_status format_rows(int64_t rows, int threads, format_row one, void *ctx) {
    int64_t bad = rows;
#pragma omp parallel for schedule(static, 1) num_threads(threads) reduction(min : bad)
    for (int part = 0; part < threads; part++) {
        int64_t to = rows * (part + 1) / threads;
        int64_t at = first_bad(rows * part / threads, to, one, ctx, part);
        if (at < to && at < bad) bad = at;
    }
    return bad < rows ? one(ctx, bad, 0) : TARE_OK;
}
