/* After a library's 2:4 product whose sums have y's type already: y out of rows that the library
 * wanted longer, or out of more of them. */
#include "cuda/kernels/finish.cuh"
#include "cuda/layout/splt.h"

extern "C" __global__ void __launch_bounds__(CU_SPLT_THREADS)
    cu_splt_crop(const __grid_constant__ cu_args a) {
    int64_t i = (int64_t)blockIdx.x * CU_SPLT_THREADS + threadIdx.x, row = i / a.n;
    if (row >= a.m) return;
    ((uint16_t *)a.y)[i] = ((const uint16_t *)a.x)[row * a.i[CU_SPLT_LD] + i % a.n];
}
