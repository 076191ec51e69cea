/* Seeded data for the row checks. */
#ifndef TARE_TESTS_ROWDATA_H
#define TARE_TESTS_ROWDATA_H

#include "src/internal.h"

typedef enum pattern {
    PATTERN_SPARSE, /* about half the values zero, in whole blocks where the format has blocks */
    PATTERN_EMPTY_ROWS, /* every other row all zero */
    PATTERN_ZERO,       /* all zero */
    PATTERN_FULL,       /* nothing zero */
    PATTERN_EXTREME,    /* every value at +-1: quantised formats hit their ends */
    PATTERNS
} pattern;

const char *pattern_name(pattern p);
uint64_t next_random(uint64_t *state);
float random_unit(uint64_t *state); /* in [-1, 1), never 0 */
/* w[n*k]; block sides of f decide the grain of sparsity. */
void fill_weights(float *w, int64_t n, int64_t k, const tare_format *f, pattern p, uint64_t *state);
/* x[m*k] of type t, with one all-zero row and one large row among them when m > 2. */
void fill_x(void *x, tare_type t, int64_t m, int64_t k, uint64_t *state);

#endif
