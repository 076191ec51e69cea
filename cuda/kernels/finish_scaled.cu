/* What is left to do where a library has multiplied codes: sums times the scales of x's row and of
 * W's, then bias, ReLU and the cast of y. */
#include "cuda/kernels/finish.cuh"
#include "cuda/layout/finish_scaled.h"

extern "C" __global__ void __launch_bounds__(CU_FINISH_THREADS)
    cu_finish_scaled(const __grid_constant__ cu_args a) {
    int64_t i = (int64_t)blockIdx.x * CU_FINISH_THREADS + threadIdx.x;
    int64_t row = i / a.n, column = i % a.n, at = row * a.i[CU_FINISH_LD] + column;
    if (row >= a.m) return;
    float v = a.i[CU_FINISH_INTEGER] ? (float)((const int32_t *)a.x)[at] : ((const float *)a.x)[at];
    if (a.aux) v = cu_fmul_rn(v, ((const float *)a.aux)[row]);
    if (a.w) v = cu_fmul_rn(v, ((const float *)((const char *)a.w + a.at[0]))[column]);
    cu_finish(a, (int)row, (int)column, v);
}
