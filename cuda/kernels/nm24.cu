/* Around a library's 2:4 product: y out of rows that the library wanted longer, and operands to
 * choose an algorithm by, which are no zeros, because zeros take less power and run faster. */
#include "cuda/kernels/finish.cuh"
#include "cuda/layout/nm24.h"

extern "C" __global__ void __launch_bounds__(CU_NM24_THREADS)
    cu_nm24_crop(const __grid_constant__ cu_args a) {
    int64_t i = (int64_t)blockIdx.x * CU_NM24_THREADS + threadIdx.x, row = i / a.n;
    if (row >= a.m) return;
    ((uint16_t *)a.y)[i] = ((const uint16_t *)a.x)[row * a.i[CU_NM24_LD] + i % a.n];
}

/* A finaliser of MurmurHash3 (Appleby, 2011) over the word's number. */
extern "C" __global__ void __launch_bounds__(CU_NM24_THREADS)
    cu_nm24_fill(const __grid_constant__ cu_args a) {
    int64_t i = (int64_t)blockIdx.x * CU_NM24_THREADS + threadIdx.x;
    if (i >= a.at[0]) return;
    uint32_t h = (uint32_t)i + 0x9e3779b9u;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    h ^= h >> 16;
    ((uint32_t *)a.y)[i] = (h & (uint32_t)a.i[CU_NM24_MASK]) | (uint32_t)a.i[CU_NM24_BASE];
}
