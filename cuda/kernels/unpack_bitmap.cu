/* A bitmap's chunks back to rows, a warp to 16 rows by 64 columns: masks and values are read once,
 * the values 16 bytes at a time by way of shared memory, and rows are written once. */
#include "cuda/kernels/unpack.cuh"
#include "cuda/layout/bitmap.h"

namespace {

template <int TO>
__global__ void __launch_bounds__(CU_PACK_THREADS)
    unpack_bitmap(const __grid_constant__ cu_args a) {
    __shared__ __align__(16) uint8_t room[CU_PACK_WARPS][CU_TILE_ROWS * CU_TILE_CHUNK * 4];
    int64_t across = (a.at[CU_UNPACK_LD] + CU_TILE_CHUNK - 1) / CU_TILE_CHUNK;
    int64_t unit = cu_warp_of_grid(), tile = unit / across, chunk = unit % across;
    int64_t chunks = a.i[CU_PACK_UNITS];
    int lane = threadIdx.x % 32, type = a.i[CU_PACK_VALUE];
    const char *blob = (const char *)a.w;
    uint8_t *own = room[threadIdx.x / 32];
    uint32_t mask = 0;
    if (tile * CU_TILE_ROWS >= a.n) return;
    if (chunk < chunks) {
        const uint32_t *o =
            (const uint32_t *)(blob + a.at[CU_BITMAP_OFFSETS]) + tile * (chunks + 1) + chunk;
        const char *from = blob + a.at[CU_BITMAP_VALUES] + (int64_t)o[0] * CU_BITMAP_PIECE;
        uint32_t pieces = o[1] - o[0];
        mask = ((const uint32_t *)blob)[(tile * chunks + chunk) * 32 + lane];
        for (uint32_t i = lane; i < pieces; i += 32)
            ((uint4 *)own)[i] = cu_ldg16(from + (int64_t)i * CU_BITMAP_PIECE);
    }
    __syncwarp();
    uint32_t at = cu_warp_before((uint32_t)cu_popc(mask), lane);
#pragma unroll
    for (int q = 0; q < 4; q++) {
        int64_t row = tile * CU_TILE_ROWS + cu_bitmap_row(lane, 8 * q);
        float factor = cu_sparse_factor(a, row), v[8];
#pragma unroll
        for (int e = 0; e < 8; e++)
            v[e] = mask >> (8 * q + e) & 1 ? cu_times<TO>(cu_value_of(own, type, at++), factor) : 0;
        cu_store_run<TO, 8>(a, row, chunk * CU_TILE_CHUNK + cu_bitmap_column(lane, 8 * q), v);
    }
}

} // namespace

extern "C" const void *cu_unpack_bitmap(int to) {
    return CU_UNPACK_BY_TYPE(unpack_bitmap, to);
}
