/* Both ends of a product: x as float whatever its type, and bias, ReLU and the cast of y. Types are
 * runtime numbers (tare_type): a branch that all threads take together costs less than three times
 * the kernels. */
#ifndef TARE_CUDA_FINISH_CUH
#define TARE_CUDA_FINISH_CUH

#include "cuda/args.h"
#include "cuda/kernels/ptx.cuh"

enum { CU_F32 = 1, CU_F16, CU_BF16, CU_I8, CU_I4, CU_F8 };
enum { CU_RELU = 1 << 2 };

CU_DEV float cu_load_x(const void *x, int type, int64_t i) {
    if (type == CU_F32) return ((const float *)x)[i];
    uint16_t h = ((const uint16_t *)x)[i];
    return type == CU_F16 ? cu_half_to_float(h) : cu_bf16_to_float(h);
}

/* Stores v as y[row][column], row < m and column < n. */
CU_DEV void cu_finish(const cu_args &a, int row, int column, float v) {
    int64_t i = (int64_t)row * a.n + column;
    if (a.bias) v = cu_fadd_rn(v, a.bias[column]);
    if (a.flags & CU_RELU) v = v < 0 ? 0 : v; /* NaN stays */
    if (a.y_type == CU_F32)
        ((float *)a.y)[i] = v;
    else
        ((uint16_t *)a.y)[i] = a.y_type == CU_F16 ? cu_float_to_half(v) : cu_float_to_bf16(v);
}

#endif
