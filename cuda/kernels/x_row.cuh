/* What quantising a row of x begins with: eight neighbours of it as floats, whatever x's type, and
 * the largest magnitude among a block's threads, and the scale from it. */
#ifndef TARE_CUDA_X_ROW_CUH
#define TARE_CUDA_X_ROW_CUH

#include "cuda/kernels/finish.cuh"

enum { CU_X_PIECE = 8 };

/* Columns from `column` on, a multiple of 8; zeros past k. Whole pieces of 16 bytes where rows
 * begin at such. */
CU_DEV void cu_x_piece(const cu_args &a, int64_t row, int column, float v[CU_X_PIECE]) {
    int64_t from = row * a.k + column;
    if (a.k % CU_X_PIECE || column >= a.k) {
#pragma unroll
        for (int e = 0; e < CU_X_PIECE; e++)
            v[e] = column + e < a.k ? cu_load_x(a.x, a.x_type, from + e) : 0.0f;
    } else if (a.x_type == CU_F32) {
        uint4 low = cu_ldg16((const float *)a.x + from),
              high = cu_ldg16((const float *)a.x + from + 4);
        uint32_t w[CU_X_PIECE] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
        for (int e = 0; e < CU_X_PIECE; e++) v[e] = cu_uint_as_float(w[e]);
    } else {
        uint4 all = cu_ldg16((const uint16_t *)a.x + from);
        uint32_t w[4] = {all.x, all.y, all.z, all.w};
#pragma unroll
        for (int e = 0; e < CU_X_PIECE; e++) {
            uint16_t h = (uint16_t)(w[e / 2] >> 16 * (e % 2));
            v[e] = a.x_type == CU_F16 ? cu_half_to_float(h) : cu_bf16_to_float(h);
        }
    }
}

/* Magnitudes by their bits, which order finite numbers, infinity and NaN. */
CU_DEV uint32_t cu_x_larger(const float v[CU_X_PIECE], uint32_t most) {
#pragma unroll
    for (int e = 0; e < CU_X_PIECE; e++) {
        uint32_t size = cu_float_as_uint(v[e]) & 0x7fffffffu;
        most = size > most ? size : most;
    }
    return most;
}

/* Of the threads of a block of WARPS; once a kernel. */
template <int WARPS> CU_DEV uint32_t cu_x_largest(uint32_t most) {
    __shared__ uint32_t part[WARPS];
#pragma unroll
    for (int by = 16; by; by /= 2) {
        uint32_t other = cu_shfl_xor(most, by);
        most = other > most ? other : most;
    }
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = most;
    __syncthreads();
#pragma unroll
    for (int w = 0; w < WARPS; w++) most = part[w] > most ? part[w] : most;
    return most;
}

/* The scale of a row of codes up to `top` and what x is multiplied by. A row that is not finite has
 * NaN for its scale, so that all of its y is NaN, whatever the codes. */
CU_DEV float cu_x_scale(uint32_t most, float top, float *inverse) {
    float a = cu_uint_as_float(most);
    int finite = most < 0x7f800000u, zero = a < 0x1p-100f;
    *inverse = zero || !finite ? 0.0f : cu_fdiv_rn(top, a);
    return !finite ? cu_uint_as_float(0x7fc00000u) : zero ? 0.0f : cu_fdiv_rn(a, top);
}

#endif
