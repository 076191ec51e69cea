/* Squares of 16 x 16 back to rows, a warp to a tile by eight squares: a tile's squares are in
 * order, so a binary search finds the first, and those that are not there are zeros. */
#include "cuda/kernels/unpack.cuh"
#include "cuda/layout/blocks.h"

namespace {

enum { SPAN = 8 };

CU_DEV uint32_t find(const uint32_t *columns, uint32_t low, uint32_t high, uint32_t square) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (columns[middle] < square)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

template <int TO>
__global__ void __launch_bounds__(CU_PACK_THREADS)
    unpack_blocks(const __grid_constant__ cu_args a) {
    int64_t across = (a.at[CU_UNPACK_LD] + CU_SQUARE * SPAN - 1) / (CU_SQUARE * SPAN);
    int64_t unit = cu_warp_of_grid(), tile = unit / across, first = unit % across * SPAN;
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    int type = a.i[CU_PACK_VALUE] == CU_I8 ? CU_F32 : a.i[CU_PACK_VALUE];
    const char *blob = (const char *)a.w, *values = blob + a.at[CU_BLOCKS_VALUES];
    const uint32_t *offsets = (const uint32_t *)blob;
    const uint32_t *columns = (const uint32_t *)(blob + a.at[CU_BLOCKS_COLUMNS]);
    if (tile * CU_SQUARE >= a.n) return;
    uint32_t end = offsets[tile + 1], at = find(columns, offsets[tile], end, (uint32_t)first);
    for (int q = 0; q < SPAN; q++) {
        int there = at < end && columns[at] == (uint32_t)(first + q);
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int64_t row = tile * CU_SQUARE + g + 8 * h;
            float factor = cu_row_factor(a, row), v[4];
#pragma unroll
            for (int j = 0; j < 4; j++)
                v[j] = there ? cu_times<TO>(cu_load_x(values, type,
                                                      (int64_t)at * 256 + lane * 8 + j / 2 * 4 +
                                                          h * 2 + j % 2),
                                            factor)
                             : 0;
            cu_store_run<TO, 4>(a, row, (first + q) * CU_SQUARE + 4 * t, v);
        }
        at += there;
    }
}

} // namespace

extern "C" const void *cu_unpack_blocks(int to) {
    return CU_UNPACK_BY_TYPE(unpack_blocks, to);
}
