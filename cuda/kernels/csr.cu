/* CSR weights on the plain cores, for high sparsities: sums in f32, x turned to [k][m_pad] floats
 * (cu_x_turned), so that a stored value meets all rows of x in neighbouring addresses.
 *
 * Few rows of x: a warp takes a row of W, its lanes neighbouring values, and adds up at the end.
 * Many: a warp takes a row of W and 64 rows of x, two a lane; values are read 32 at a time and
 * handed round the warp. */
#include "cuda/kernels/tile_decode.cuh"
#include "cuda/layout/csr.h"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS, ROWS = 64 };

struct entry {
    int column;
    float value;
};

CU_DEV entry entry_of(const cu_args &a, int64_t i) {
    const char *w = (const char *)a.w;
    const void *columns = w + a.at[CU_CSR_COLUMNS], *values = w + a.at[CU_CSR_VALUES];
    entry e;
    e.column = a.i[CU_CSR_WIDE] ? (int)((const uint32_t *)columns)[i]
                                : (int)((const uint16_t *)columns)[i];
    if (a.i[CU_CSR_VALUE] == CU_F32)
        e.value = ((const float *)values)[i];
    else if (a.i[CU_CSR_VALUE] == CU_I8)
        e.value = (float)((const int8_t *)values)[i];
    else
        e.value = cu_load_x(values, a.i[CU_CSR_VALUE], i);
    return e;
}

/* MT rows of x, which are all there are side by side. */
template <int MT> CU_DEV void add(const cu_args &a, const entry &e, float sum[MT]) {
    const float *x = (const float *)a.x + (int64_t)e.column * MT;
    if constexpr (MT == 1) {
        sum[0] = cu_fma(e.value, x[0], sum[0]);
    } else {
#pragma unroll
        for (int j = 0; j < MT; j += 4) {
            uint4 v = cu_ldg16(x + j);
            sum[j] = cu_fma(e.value, cu_uint_as_float(v.x), sum[j]);
            sum[j + 1] = cu_fma(e.value, cu_uint_as_float(v.y), sum[j + 1]);
            sum[j + 2] = cu_fma(e.value, cu_uint_as_float(v.z), sum[j + 2]);
            sum[j + 3] = cu_fma(e.value, cu_uint_as_float(v.w), sum[j + 3]);
        }
    }
}

template <int MT>
__global__ void __launch_bounds__(THREADS) few(const __grid_constant__ cu_args a) {
    int lane = threadIdx.x % 32;
    int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / 32;
    float sum[MT] = {};
    int64_t i = 0, end = 0;
    if (row < a.n) {
        i = ((const uint32_t *)a.w)[row] + (int64_t)lane;
        end = ((const uint32_t *)a.w)[row + 1];
    }
    for (; i + 32 < end; i += 64) { /* two at once: the gathers need not wait for each other */
        entry first = entry_of(a, i), second = entry_of(a, i + 32);
        add<MT>(a, first, sum);
        add<MT>(a, second, sum);
    }
    if (i < end) add<MT>(a, entry_of(a, i), sum);
#pragma unroll
    for (int j = 0; j < MT; j++) {
        float v = sum[j];
#pragma unroll
        for (int by = 16; by; by /= 2) v += cu_shfl_xor_f(v, by);
        if (lane == 0 && row < a.n && j < a.m) cu_tile_out(a, 0, j, (int)row, v);
    }
}

__global__ void __launch_bounds__(THREADS) many(const __grid_constant__ cu_args a) {
    int lane = threadIdx.x % 32, first = (int)blockIdx.z * ROWS + lane;
    int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / 32;
    const float *x = (const float *)a.x + first;
    float sum[2] = {};
    int64_t begin = 0, end = 0;
    if (row < a.n) {
        begin = ((const uint32_t *)a.w)[row];
        end = ((const uint32_t *)a.w)[row + 1];
    }
    for (int64_t i = begin; i < end; i += 32) {
        entry own = {0, 0};
        if (i + lane < end) own = entry_of(a, i + lane);
        int count = end - i < 32 ? (int)(end - i) : 32;
        for (int j = 0; j < count; j++) {
            int column = (int)cu_shfl((uint32_t)own.column, j);
            float value = cu_uint_as_float(cu_shfl(cu_float_as_uint(own.value), j));
            const float *at = x + (int64_t)column * a.m_pad;
            sum[0] = cu_fma(value, at[0], sum[0]);
            sum[1] = cu_fma(value, at[32], sum[1]);
        }
    }
    if (row >= a.n) return;
    if (first < a.m) cu_tile_out(a, 0, first, (int)row, sum[0]);
    if (first + 32 < a.m) cu_tile_out(a, 0, first + 32, (int)row, sum[1]);
}

} // namespace

extern "C" cu_tile_kernel cu_csr(int mt) {
    const void *address = mt == 1   ? (const void *)few<1>
                          : mt == 4 ? (const void *)few<4>
                          : mt == 8 ? (const void *)few<8>
                                    : (const void *)many;
    return {address, WARPS, mt <= 8 ? mt : ROWS, THREADS, 0};
}

/* [m][k] of any type to [k][m_pad] floats, zeros past m: 32 x 32 at a time by way of shared memory,
 * so that both sides are read and written in rows. */
extern "C" __global__ void __launch_bounds__(256) cu_x_turned(const __grid_constant__ cu_args a) {
    __shared__ float square[32][33];
    int lane = threadIdx.x % 32, line = threadIdx.x / 32;
    int64_t column = (int64_t)blockIdx.x * 32, row = (int64_t)blockIdx.z * 32;
    for (int r = line; r < 32; r += 8) {
        float v = 0;
        if (row + r < a.m && column + lane < a.k)
            v = cu_load_x(a.x, a.x_type, (row + r) * a.k + column + lane);
        square[r][lane] = v;
    }
    __syncthreads();
    for (int c = line; c < 32; c += 8)
        if (column + c < a.k && row + lane < a.m_pad)
            ((float *)a.y)[(column + c) * a.m_pad + row + lane] = square[lane][c];
}
