/* W to squares of 16 x 16 (cuda/layout/blocks.h). A survey has flagged the blocks that hold a
 * value; a thread a square says whether it meets one, and counts the blocks that begin in it; sums
 * of that are the squares' places. Then a warp fills a square, and writes it in one piece.
 *
 * Reads W once and, of it, what is kept a second time: 4 bytes a weight and 4 a kept one. */
#include "cuda/kernels/pack.cuh"
#include "cuda/layout/blocks.h"

namespace {

CU_DEV int64_t ceiling(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

CU_DEV int flagged(const cu_args &a, const uint8_t *flags, int64_t block_row, int64_t block) {
    return flags[block_row * ceiling(a.k, a.i[CU_PACK_Q]) + block];
}

} // namespace

/* w: flags a block; y: the list of squares, [tile][square]. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_pack_squares(const __grid_constant__ cu_args a) {
    const uint8_t *flags = (const uint8_t *)a.w;
    int64_t across = a.i[CU_PACK_UNITS], r = a.i[CU_PACK_P], c = a.i[CU_PACK_Q];
    int64_t at = (int64_t)blockIdx.x * CU_PACK_THREADS + threadIdx.x;
    int64_t row = at / across * CU_SQUARE, column = at % across * CU_SQUARE;
    int64_t last_row = row + CU_SQUARE < a.n ? row + CU_SQUARE : a.n;
    int64_t last_column = column + CU_SQUARE < a.k ? column + CU_SQUARE : a.k;
    uint32_t any = 0, begin = 0;
    for (int64_t i = row / r; i * r < last_row; i++) /* none past W's end */
        for (int64_t j = column / c; j * c < last_column; j++) {
            if (!flagged(a, flags, i, j)) continue;
            any = 1;
            begin += i * r >= row && j * c >= column;
        }
    if (row < a.n) ((uint32_t *)a.y)[at] = any;
    begin = cu_warp_sum(begin);
    if (threadIdx.x % 32 == 0 && begin) atomicAdd(&cu_state_of(a)->nnz, (unsigned long long)begin);
}

/* w: places of squares, and behind them flags a block, from at[0] on; aux: scales of rows. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_pack_blocks(const __grid_constant__ cu_args a) {
    const uint32_t *places = (const uint32_t *)a.w;
    const uint8_t *flags = (const uint8_t *)a.w + a.at[0];
    int64_t across = a.i[CU_PACK_UNITS], unit = cu_warp_of_grid();
    int64_t tile = unit / across, square = unit % across;
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, type = a.i[CU_PACK_VALUE];
    uint32_t bits[8], bad = 0;
    if (tile * CU_SQUARE >= a.n || cu_unexpected(a)) return;
    uint32_t place = places[unit];
    if (places[unit + 1] == place) return;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int64_t row = tile * CU_SQUARE + g + 8 * h, column = square * CU_SQUARE + 4 * t;
        float v[4], scale = type == CU_I8 && row < a.n ? ((const float *)a.aux)[row] : 1.0f;
        cu_load_run<4>(a, row, column, v);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            /* A minus zero is stored where its block is, and nowhere else. */
            if (cu_float_as_uint(v[j]) == 0x80000000u &&
                !flagged(a, flags, row / a.i[CU_PACK_P], (column + j) / a.i[CU_PACK_Q]))
                v[j] = 0;
            uint32_t b = cu_bits_of(v[j], type, scale, bad);
            if (type == CU_I8) b = cu_float_as_uint(cu_fmul_rn(scale, (float)(int8_t)b));
            bits[j / 2 * 4 + h * 2 + j % 2] = b;
        }
    }
    char *blob = (char *)a.y;
    uint4 *to = (uint4 *)(blob + a.at[CU_BLOCKS_VALUES]);
    if (lane == 0) ((uint32_t *)(blob + a.at[CU_BLOCKS_COLUMNS]))[place] = (uint32_t)square;
    if (type == CU_F16 || type == CU_BF16) {
        to[(int64_t)place * 32 + lane] = {bits[0] | bits[1] << 16, bits[2] | bits[3] << 16,
                                          bits[4] | bits[5] << 16, bits[6] | bits[7] << 16};
    } else {
        to += ((int64_t)place * 32 + lane) * 2;
        to[0] = {bits[0], bits[1], bits[2], bits[3]};
        to[1] = {bits[4], bits[5], bits[6], bits[7]};
    }
    if (bad) cu_state_of(a)->bad = 1;
}
