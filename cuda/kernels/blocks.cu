/* Block-sparse weights as squares of 16 x 16 (cuda/layout/blocks.h): a square of 16-bit values is
 * 16 bytes a lane, as the tensor cores want it. A block takes a tile of 16 rows; its warps, and the
 * blocks along y, take its squares in turn and add up at the end. f32 x, and values kept as floats,
 * go to the plain cores. */
#include "cuda/kernels/tile_decode.cuh"
#include "cuda/layout/blocks.h"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS };

/* Values e = 0..3 of the lane's columns 4t .. 4t + 3, of row g and of g + 8. */
template <int VALUE> CU_DEV void floats_of(const void *values, int64_t square, float v[2][4]) {
    int lane = threadIdx.x % 32;
    if constexpr (VALUE == CU_F32) {
        const char *at = (const char *)values + (square * 32 + lane) * 32;
        uint4 low = cu_ldg_stream(at), high = cu_ldg_stream(at + 16);
        v[0][0] = cu_uint_as_float(low.x), v[0][1] = cu_uint_as_float(low.y);
        v[1][0] = cu_uint_as_float(low.z), v[1][1] = cu_uint_as_float(low.w);
        v[0][2] = cu_uint_as_float(high.x), v[0][3] = cu_uint_as_float(high.y);
        v[1][2] = cu_uint_as_float(high.z), v[1][3] = cu_uint_as_float(high.w);
    } else {
        uint4 all = cu_ldg_stream((const uint4 *)values + square * 32 + lane);
        uint32_t w[4] = {all.x, all.y, all.z, all.w};
#pragma unroll
        for (int i = 0; i < 8; i++) {
            uint16_t h = (uint16_t)(w[i / 2] >> 16 * (i % 2));
            v[i / 2 % 2][i / 4 * 2 + i % 2] =
                VALUE == CU_F16 ? cu_half_to_float(h) : cu_bf16_to_float(h);
        }
    }
}

template <int BF16, int MT>
CU_DEV void multiply_16(const cu_args &a, const void *values, int64_t square, int column, int row,
                        float sum[MT][4]) {
    int lane = threadIdx.x % 32;
    uint4 w = cu_ldg_stream((const uint4 *)values + square * 32 + lane);
    uint32_t f[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
    for (int j = 0; j < MT; j++) {
        int r = row + 8 * j + lane / 4, c = column + lane % 4 * 4;
        uint32_t x[2] = {0, 0};
        if (r < a.m && c < a.k) {
            uint2 v = cu_ldg8((const uint16_t *)a.x + (int64_t)r * a.i[CU_TILE_LDX] + c);
            x[0] = v.x;
            x[1] = v.y;
        }
        cu_mma_float<BF16>(sum[j], f, x);
    }
}

template <int VALUE, int MT>
CU_DEV void multiply_float(const cu_args &a, const void *values, int64_t square, int column,
                           int row, float sum[2][MT]) {
    float v[2][4];
    int c = column + threadIdx.x % 4 * 4;
    floats_of<VALUE>(values, square, v);
    if (c >= a.k) return;
#pragma unroll
    for (int j = 0; j < MT; j++) {
        if (row + j >= a.m) continue;
        uint4 p = cu_ldg16((const float *)a.x + (int64_t)(row + j) * a.i[CU_TILE_LDX] + c);
        uint32_t x[4] = {p.x, p.y, p.z, p.w};
#pragma unroll
        for (int e = 0; e < 4; e++) {
            sum[0][j] = cu_fma(v[0][e], cu_uint_as_float(x[e]), sum[0][j]);
            sum[1][j] = cu_fma(v[1][e], cu_uint_as_float(x[e]), sum[1][j]);
        }
    }
}

template <int VALUE, int TENSOR, int MT>
__global__ void __launch_bounds__(THREADS) blocks(const __grid_constant__ cu_args a) {
    enum { COLUMNS = TENSOR ? 8 * MT : MT };
    __shared__ float all[WARPS][CU_SQUARE][COLUMNS];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    int row = (int)blockIdx.z * COLUMNS;
    const uint32_t *offsets = (const uint32_t *)a.w;
    const uint32_t *columns = (const uint32_t *)((const char *)a.w + a.at[CU_BLOCKS_COLUMNS]);
    const void *values = (const char *)a.w + a.at[CU_BLOCKS_VALUES];
    float sum[TENSOR ? MT : 2][TENSOR ? 4 : MT] = {};
    uint32_t end = offsets[blockIdx.x + 1];
    for (uint32_t i = offsets[blockIdx.x] + blockIdx.y * WARPS + warp; i < end;
         i += WARPS * a.i[CU_TILE_SPLITS]) {
        int column = (int)columns[i] * CU_SQUARE;
        if constexpr (TENSOR)
            multiply_16<VALUE == CU_BF16, MT>(a, values, i, column, row, sum);
        else
            multiply_float<VALUE, MT>(a, values, i, column, row, sum);
    }
    if constexpr (TENSOR) {
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) all[warp][g + e / 2 * 8][8 * j + 2 * t + e % 2] = sum[j][e];
    } else {
#pragma unroll
        for (int r = 0; r < 2; r++)
#pragma unroll
            for (int j = 0; j < MT; j++) {
                float v = sum[r][j];
                v += cu_shfl_xor_f(v, 1);
                v += cu_shfl_xor_f(v, 2);
                if (t == 0) all[warp][g + 8 * r][j] = v;
            }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < CU_SQUARE * COLUMNS; i += THREADS) {
        int r = i % CU_SQUARE, c = i / CU_SQUARE;
        int64_t to = (int64_t)blockIdx.x * CU_SQUARE + r;
        float v = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) v += all[w][r][c];
        if (row + c < a.m && to < a.n) cu_tile_out(a, blockIdx.y, row + c, (int)to, v);
    }
}

template <int VALUE> cu_tile_kernel floats(int mt) {
    return {mt == 1   ? (const void *)blocks<VALUE, 0, 1>
            : mt == 4 ? (const void *)blocks<VALUE, 0, 4>
                      : (const void *)blocks<VALUE, 0, 8>,
            1, mt, THREADS, 0};
}
template <int VALUE> cu_tile_kernel tensor(int mt) {
    return {mt == 1   ? (const void *)blocks<VALUE, 1, 1>
            : mt == 2 ? (const void *)blocks<VALUE, 1, 2>
                      : (const void *)blocks<VALUE, 1, 4>,
            1, 8 * mt, THREADS, 0};
}

} // namespace

extern "C" cu_tile_kernel cu_blocks(int value, int on_tensor_cores, int mt) {
    if (on_tensor_cores) return value == CU_BF16 ? tensor<CU_BF16>(mt) : tensor<CU_F16>(mt);
    return value == CU_F16    ? floats<CU_F16>(mt)
           : value == CU_BF16 ? floats<CU_BF16>(mt)
                              : floats<CU_F32>(mt);
}
