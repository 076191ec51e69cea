/* What the kernels that unpack share: scale (q - zero), rounded once to the type wanted, into rows
 * of `ld` elements, zeros behind k.
 *
 * A float holds the product rounded to nearest. For halves and bf16 it is rounded to odd first:
 * cut, and the last bit set where something was lost, after which rounding to nearest is that of
 * the exact product (Boldo and Melquiond, Emulation of a FMA and correctly rounded sums, IEEE
 * Trans. Computers 57, 2008). */
#ifndef TARE_CUDA_UNPACK_CUH
#define TARE_CUDA_UNPACK_CUH

#include "cuda/kernels/pack.cuh"

/* cu_args of unpacking beside those of packing: at[3] is ld. */
enum { CU_UNPACK_LD = CU_PACK_EXPECT };

/* What the values of a row are multiplied by; of integers, the scale and the row's factor. */
CU_DEV float cu_row_factor(const cu_args &a, int64_t row) {
    return a.aux && row < a.n ? ((const float *)a.aux)[row] : 1.0f;
}

template <int TO> CU_DEV float cu_times(float v, float factor) {
    if (TO == CU_F32) return cu_fmul_rn(v, factor);
    float cut = cu_fmul_rz(v, factor);
    uint32_t lost = cu_fma(v, factor, -cut) != 0;
    return cu_uint_as_float(cu_float_as_uint(cut) | lost);
}

template <int TO> CU_DEV uint32_t cu_half_of(float v) {
    return TO == CU_F16 ? cu_float_to_half(v) : cu_float_to_bf16(v);
}

/* N neighbours of a row, 4 or 8, from a multiple of N on; nothing past the end of rows of ld. */
template <int TO, int N>
CU_DEV void cu_store_run(const cu_args &a, int64_t row, int64_t column, const float v[N]) {
    int64_t ld = a.at[CU_UNPACK_LD], at = row * ld + column;
    constexpr int PER = TO == CU_F32 ? 4 : N; /* a store of 16 or 8 bytes */
    if (row >= a.n) return;
    if (column + N <= ld && ld % PER == 0) {
        if constexpr (TO == CU_F32) {
            uint4 *to = (uint4 *)((float *)a.y + at);
#pragma unroll
            for (int i = 0; i < N; i += 4)
                to[i / 4] = {cu_float_as_uint(v[i]), cu_float_as_uint(v[i + 1]),
                             cu_float_as_uint(v[i + 2]), cu_float_as_uint(v[i + 3])};
        } else {
            uint32_t pair[N / 2];
#pragma unroll
            for (int i = 0; i < N / 2; i++)
                pair[i] = cu_half_of<TO>(v[2 * i]) | cu_half_of<TO>(v[2 * i + 1]) << 16;
            if constexpr (N == 8)
                *(uint4 *)((uint16_t *)a.y + at) = {pair[0], pair[1], pair[2], pair[3]};
            else
                *(uint2 *)((uint16_t *)a.y + at) = {pair[0], pair[1]};
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < N; i++)
        if (column + i < ld) {
            if constexpr (TO == CU_F32)
                ((float *)a.y)[at + i] = v[i];
            else
                ((uint16_t *)a.y)[at + i] = (uint16_t)cu_half_of<TO>(v[i]);
        }
}

/* Value i of a float type or of i8, not scaled. */
CU_DEV float cu_value_of(const void *values, int type, int64_t i) {
    return type == CU_I8 ? (float)((const int8_t *)values)[i] : cu_load_x(values, type, i);
}

/* The scale of a row of sparse weights where it counts, times the row's factor. */
CU_DEV float cu_sparse_factor(const cu_args &a, int64_t row) {
    float f = cu_row_factor(a, row);
    if (a.i[CU_PACK_VALUE] != CU_I8 || a.i[CU_PACK_WHAT] || row >= a.n) return f;
    return cu_fmul_rn(((const float *)((const char *)a.w + a.at[0]))[row], f);
}

#define CU_UNPACK_BY_TYPE(kernel, to)                                                              \
    ((to) == CU_F32   ? (const void *)kernel<CU_F32>                                               \
     : (to) == CU_F16 ? (const void *)kernel<CU_F16>                                               \
                      : (const void *)kernel<CU_BF16>)

#endif
