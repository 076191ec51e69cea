/* A matrix of random weights and what is made of it once, for every m and every device: encodings,
 * and what the oracle needs of them whatever m is (a few rows, W under random signs).
 *
 * An encoding depends on format and share of zeros only, so schemes share it. What a group of
 * measurements did not use is dropped when the group ends. */
#ifndef TARE_BENCH_ENCODED_H
#define TARE_BENCH_ENCODED_H

#include "bench/scheme.h"
#include <tare/tare.h>

typedef struct bench_encoded {
    tare_format format;
    double sparsity;
    int used; /* by the running group */
    tare_tensor t;
    /* Rows of W that a check of all rows of y goes by, columns of y; none where n is small. */
    int64_t *columns;
    int column_count;
    tare_tensor sample; /* those rows */
    /* v^T W and |v|^T |W| for random signs v[n]; made when first asked for. */
    int8_t *sign;
    double *signed_sum, *sum_mag;
} bench_encoded;

typedef struct bench_matrix {
    float *w;
    int64_t n, k;
    uint64_t seed;
    bench_encoded **encoded;
    int count, room;
} bench_matrix;

/* The matrix of these sizes and seed: the one that is there, or a new one in its place. */
tare_status bench_matrix_make(bench_matrix *m, int64_t n, int64_t k, uint64_t seed);
/* Its encoding by a scheme, kept by the matrix. */
tare_status bench_matrix_encode(bench_matrix *m, const bench_scheme *s, bench_encoded **out);
/* Random signs and what they make of W; nothing to do where it is done. */
tare_status bench_encoded_sign(bench_encoded *e, uint64_t seed);
void bench_matrix_tidy(bench_matrix *m); /* a group has ended */
void bench_matrix_clear(bench_matrix *m);

#endif
