/* How far medians of one kernel on one problem drift between measurements, on this machine.
 *
 * An interval knows what its measurement saw; what a neighbour does ten seconds later it can't
 * know. `tare zero` measures that: it keeps the deviation of medians from their long-run median in
 * the user's cache folder, and intervals of medians are widened by it from then on. Ratios are
 * formed within a measurement and are not. */
#ifndef TARE_BENCH_DRIFT_H
#define TARE_BENCH_DRIFT_H

#include "bench/cell.h"

typedef struct bench_drift {
    double share;  /* standard deviation of a median's logarithm; 0: not known */
    char date[32]; /* when it was measured; "" */
} bench_drift;

/* What was kept for this machine (CPU, device, threads, cold or hot). What is not there, can't be
 * read or says what can't be is not known. */
bench_drift bench_drift_load(const bench_setup *s, enum bench_cache cache);
/* Keeps it, beside that of others. An error where there is no folder for it. */
tare_status bench_drift_store(const bench_setup *s, enum bench_cache cache, double share);
/* Widens the interval of a median: both ends move out so that the logarithm of the half is the root
 * of the sum of its square and (1.96 share)^2. */
void bench_drift_widen(double share, double median, double *lo, double *hi);

#endif
