/* Block-sparse int8 weights by int8 activations, as pairs of squares (cuda/layout/blocks_int8.h),
 * each the fragment of one mma.m16n8k32, 16 bytes a lane: nothing is decoded. A block takes a tile of
 * 16 rows; its warps, and the blocks along y, take its pairs in turn and add up at the end. Of x a
 * lane reads four codes of each square's columns. Values and columns of a pair are loaded while the
 * one before is multiplied. Not yet run on a device. */
#include "cuda/kernels/tile_int8.cuh"
#include "cuda/layout/blocks_int8.h"
#include "cuda/layout/x_int8.h"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS };

struct pair_of_squares {
    uint32_t w[4];
    uint2 column;
};

CU_DEV void load(const cu_args &a, uint32_t pair, pair_of_squares &p) {
    const char *values = (const char *)a.w + a.at[CU_BLOCKS_VALUES];
    uint4 v = cu_ldg_stream((const uint4 *)values + (int64_t)pair * 32 + threadIdx.x % 32);
    p.w[0] = v.x;
    p.w[1] = v.y;
    p.w[2] = v.z;
    p.w[3] = v.w;
    p.column = cu_ldg8((const uint2 *)((const char *)a.w + a.at[CU_BLOCKS_COLUMNS]) + pair);
}

/* A lane's four columns of a square; zeros past the last row. */
CU_DEV uint32_t codes(const cu_args &a, int row, uint32_t square) {
    int column = (int)square * CU_SQUARE + threadIdx.x % 4 * 4;
    if (row >= a.m) return 0;
    return *(const uint32_t *)((const char *)a.x + (int64_t)row * a.i[CU_TILE_LDX] +
                               cu_x8_place(column, 0));
}

template <int MT>
__global__ void __launch_bounds__(THREADS) blocks_int8(const __grid_constant__ cu_args a) {
    enum { COLUMNS = 8 * MT };
    __shared__ int32_t all[WARPS][CU_SQUARE][COLUMNS];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    int row = (int)blockIdx.z * COLUMNS;
    const uint32_t *offsets = (const uint32_t *)a.w;
    uint32_t pair = offsets[blockIdx.x] + blockIdx.y * WARPS + warp;
    uint32_t end = offsets[blockIdx.x + 1], stride = WARPS * a.i[CU_TILE_SPLITS];
    int32_t sum[MT][4] = {};
    pair_of_squares now, next;
    if (pair < end) load(a, pair, next);
    for (; pair < end; pair += stride) {
        now = next;
        if (pair + stride < end) load(a, pair + stride, next);
#pragma unroll
        for (int j = 0; j < MT; j++) {
            int r = row + 8 * j + g;
            uint32_t x[2] = {codes(a, r, now.column.x), codes(a, r, now.column.y)};
            cu_mma_s8(sum[j], now.w, x);
        }
    }
#pragma unroll
    for (int j = 0; j < MT; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) all[warp][g + e / 2 * 8][8 * j + 2 * t + e % 2] = sum[j][e];
    __syncthreads();
    for (int i = threadIdx.x; i < CU_SQUARE * COLUMNS; i += THREADS) {
        int r = i % CU_SQUARE, c = i / CU_SQUARE;
        int64_t to = (int64_t)blockIdx.x * CU_SQUARE + r;
        int32_t v = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) v += all[w][r][c];
        if (row + c < a.m && to < a.n)
            cu_int8_out<cu_int8_8>(a, blockIdx.y, row + c, (int)to, v);
    }
}

} // namespace

extern "C" cu_tile_kernel cu_blocks_int8(int mt) {
    return {mt == 1   ? (const void *)blocks_int8<1>
            : mt == 2 ? (const void *)blocks_int8<2>
                      : (const void *)blocks_int8<4>,
            1, 8 * mt, THREADS, 0};
}
