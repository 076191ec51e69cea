/* Rows of x in a form that kernels read 16 or 32 bytes at a time: a multiple of 8 columns, zeros
 * behind them, in x's own 16-bit type or in f32. */
#ifndef TARE_CUDA_X_ROWS_H
#define TARE_CUDA_X_ROWS_H

#include "cuda/cu.h"

/* Bytes of scratch that cu_x_rows_of needs for the problem's x as `want`: 0 where x lies right
 * already; a multiple of 256. */
size_t cu_x_rows_bytes(const tare_problem *p, tare_type want);
/* Queues the copy where one is needed. *x, *ld: where the rows are, elements from one to the next.
 */
tare_status cu_x_rows_of(const tare_run_args *a, tare_type want, const void **x, int32_t *ld);
/* Queues a copy whose rows are ld elements long, p->k or more. */
tare_status cu_x_rows_to(const tare_run_args *a, int64_t ld, tare_type want, void *to);

#endif
