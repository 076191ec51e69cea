/* The blocks that share out k of a tile of y leave their sums in scratch, [split][m][n]. The last
 * of them to arrive adds up what all left, in the order of the splits, so that sums come out the
 * same whoever is last; no second launch and no second walk over y.
 *
 * Each tile has a counter of the stream's; who finds it full sets it back to zero. */
#ifndef TARE_CUDA_ARRIVE_CUH
#define TARE_CUDA_ARRIVE_CUH

#include "cuda/args.h"
#include "cuda/kernels/ptx.cuh"

/* By all threads of the block, after their stores: 1 in all of them if the others' sums are there.
 * The grid is tiles, splits, blocks of rows of x. */
CU_DEV int cu_last_to_arrive(const cu_args &a) {
    __shared__ int last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        uint32_t *count = a.arrivals + blockIdx.z * gridDim.x + blockIdx.x;
        last = atomicAdd(count, 1u) == gridDim.y - 1;
        if (last) *count = 0;
    }
    __syncthreads();
    if (last) __threadfence();
    return last;
}

/* What the splits left of an element, as floats or as integers. */
template <class SUM> CU_DEV SUM cu_add_splits(const cu_args &a, int row, int column) {
    const uint32_t *from = (const uint32_t *)a.extra + (int64_t)row * a.n + column;
    int64_t count = (int64_t)a.m * a.n;
    SUM v = 0;
    for (unsigned s = 0; s < gridDim.y; s++, from += count) {
        uint32_t bits = cu_ldcg4(from);
        SUM part;
        memcpy(&part, &bits, sizeof part);
        v += part;
    }
    return v;
}

#endif
