/* Is y right? Asked of every kernel before it is timed.
 *
 * The whole fp64 product costs 2mnk operations, too many for large m. So an oracle keeps
 *   - the first and last rows of y, all columns (all rows where m is small),
 *   - all rows of y, a sample of columns: the first, the last, random ones between,
 *   - for all of y: the sum of each row under random signs v, against x (W^T v).
 * The first two compare element by element with the derived bound (tare_error_bound); the third has
 * the sum of the bounds of a row, so it catches what is grossly wrong anywhere (a tile that was not
 * written, NaN, rows exchanged), not one element slightly off. */
#ifndef TARE_BENCH_VERIFY_H
#define TARE_BENCH_VERIFY_H

#include "bench/encoded.h"
#include <tare/tare.h>

typedef struct bench_oracle {
    tare_problem problem;
    int64_t *rows; /* checked in full */
    int row_count;
    double *row_y, *row_mag;       /* row_count x n */
    const bench_encoded *of;       /* its columns are checked in every row, its signs in all */
    double *column_y, *column_mag; /* m x column_count; null where all rows are checked in full */
    double *sum, *sum_mag;         /* m */
} bench_oracle;

/* x in the problem's type. The oracle refers to e. */
tare_status bench_oracle_make(const bench_scheme *s, const tare_problem *p, bench_encoded *e,
                              const void *x, uint64_t seed, bench_oracle *out);
void bench_oracle_clear(bench_oracle *o);

/* The worst |y - y64| / bound over all checks, infinite where y is not finite. Above 1 is wrong;
 * `what` then says where. */
double bench_oracle_check(const bench_oracle *o, const void *y, char what[160]);

#endif
