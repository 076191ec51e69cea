/* How the kernels over tiles share out a product among blocks. */
#ifndef TARE_CUDA_TILE_CUT_H
#define TARE_CUDA_TILE_CUT_H

#include "cuda/cu.h"
#include "cuda/tile_kernels.h"

enum { CU_TILE_STREAM_ROWS = 32 }; /* rows of x up to which the kernels of few rows run */

typedef struct cu_tile_cut {
    int64_t row_blocks, m_blocks, splits; /* splits of k: more than 1, and sums go to scratch */
} cu_tile_cut;

/* parts: how often k can be split at most. */
cu_tile_cut cu_tile_cut_of(const cu_tile_kernel *k, int64_t tiles, int64_t parts, int64_t m);

/* The most that `bytes` gives for a run with 1..p->m rows, where it grows with m but for the steps
 * at which another kernel or one more block along m takes over. */
size_t cu_tile_most(const tare_problem *p, size_t (*bytes)(const tare_problem *p, int64_t m));

/* 1: the kernels can count m, n and k; 0: why not is filled. */
int cu_tile_counts(const tare_problem *p, tare_fit *f);

/* Queues a kernel over tiles, its grid as cut. */
tare_status cu_tile_launch(cu_stream *s, const cu_tile_kernel *k, const cu_tile_cut *c,
                           const cu_args *a);
/* A thread for each element of y. */
tare_status cu_tile_launch_sum(cu_stream *s, const void *kernel, const cu_args *a);

#endif
