/* Products of float operands by cuBLASLt, and the pass after a library's product: sums in scratch
 * to y. */
#ifndef TARE_CUDA_GEMM_FINISH_ROW_H
#define TARE_CUDA_GEMM_FINISH_ROW_H

#include "cuda/lib/gemm.h"

typedef struct cu_gemm_sums_at {
    const void *sums; /* f32, or int32 where `ints` */
    int64_t ld;       /* elements from row to row */
    int ints;
    const float *w_scale, *x_scale; /* n and m floats; null: 1 */
} cu_gemm_sums_at;

/* Whether cuBLASLt can write y itself and keep to the contract: bias in f32, one rounding from f32
 * sums, rows of y that begin at multiples of 16 bytes. */
int cu_gemm_writes_y(const tare_problem *p);
/* m rows of x by W in x's type, both in rows of k rounded up to CU_GEMM_PIECE; to y where `direct`,
 * else to f32 sums in rows of n rounded up to 4. */
enum { CU_GEMM_PIECE = 8 };
cu_gemm_spec cu_gemm_spec_of(const tare_problem *p, int64_t m, cu_gemm_sums sums, int direct);

/* 1: the passes around a library's product can count m, n and k; 0: why not is filled. */
int cu_gemm_counts(const tare_problem *p, tare_fit *f);
/* Queues y = relu?(sums * scales + bias?) for the rows of the run. */
tare_status cu_gemm_finish_of(const tare_run_args *a, const cu_gemm_sums_at *at);
/* The pass as cost: what it reads and writes beyond y, and its launch. */
void cu_gemm_finish_cost(const tare_rates *r, const tare_problem *p, tare_fit *f);

#endif
