/* The data that is multiplied: normal random numbers, none of them zero, the same for a seed on
 * every machine and thread count; and pruning by magnitude. */
#ifndef TARE_BENCH_DATA_H
#define TARE_BENCH_DATA_H

#include "bench/scheme.h"
#include <tare/tare.h>

/* As records give it. */
#define BENCH_DISTRIBUTION "w normal(0, 1/k), x normal(0, 1), none zero"

/* w[n*k], variance 1/k so that y has about that of x. Free with tare_free. */
tare_status bench_data_weights(int64_t n, int64_t k, uint64_t seed, float **out);
/* x[m*k] of a type. */
tare_status bench_data_x(int64_t m, int64_t k, tare_type type, uint64_t seed, void **out);

/* Zeroes the blocks of least mean magnitude, a share `sparsity` of all r x c blocks (1x1: single
 * values), to the nearest count; edge blocks are smaller. Of equals the last go. A share that no
 * count comes near (none, all) is TARE_E_VALUE. */
tare_status bench_data_prune(float *w, int64_t n, int64_t k, int r, int c, double sparsity);

/* The pruned w of a scheme: a copy, or null in *out where the scheme keeps everything. */
tare_status bench_data_pruned(const bench_scheme *s, const float *w, int64_t n, int64_t k,
                              float **out);

#endif
