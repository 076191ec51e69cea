/* The pass after a library's product: sums in scratch to y. */
#ifndef TARE_CUDA_GEMM_FINISH_ROW_H
#define TARE_CUDA_GEMM_FINISH_ROW_H

#include "cuda/cu.h"

typedef struct cu_gemm_sums_at {
    const void *sums; /* f32, or int32 where `ints` */
    int64_t ld;       /* elements from row to row */
    int ints;
    const float *w_scale, *x_scale; /* n and m floats; both null: none */
} cu_gemm_sums_at;

/* 1: the passes around a library's product can count m, n and k; 0: why not is filled. */
int cu_gemm_counts(const tare_problem *p, tare_fit *f);
/* Queues y = relu?(sums * scales + bias?) for the rows of the run. */
tare_status cu_gemm_finish_of(const tare_run_args *a, const cu_gemm_sums_at *at);
/* The pass as cost: what it reads and writes beyond y, and its launch. */
void cu_gemm_finish_cost(const tare_rates *r, const tare_problem *p, tare_fit *f);

#endif
