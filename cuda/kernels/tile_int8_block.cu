/* Int8 activations by many rows: 64 rows of codes come to shared memory in slabs of one chunk,
 * three of them under way, while each warp streams its tiles of W to registers (tile_block.cu in
 * int8). A row of a slab is 64 bytes, and the eight lanes that are served together take two whole
 * rows: no two meet in a bank. */
#include "cuda/kernels/tile_int8.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 4, THREADS = 32 * WARPS, MT = 8, ROWS = 8 * MT, STAGES = 3, T = 2, PIECES = 4 };

typedef uint4 slab[ROWS][PIECES];

/* Queues a slab; zeros past m. A chunk past `end` queues nothing, as an empty group. */
CU_DEV void fetch(const cu_args &a, slab &to, int first, int chunk, int end) {
    if (chunk < end)
        for (int i = threadIdx.x; i < ROWS * PIECES; i += THREADS) {
            int r = i / PIECES, p = i % PIECES, there = first + r < a.m;
            const char *from = (const char *)a.x;
            if (there)
                from += (int64_t)(first + r) * a.i[CU_TILE_LDX] + (int64_t)chunk * CU_TILE_CHUNK +
                        p * 16;
            cu_cp_async16(&to[r][p], from, there ? 16 : 0);
        }
    cu_cp_async_commit();
}

template <class D>
CU_DEV void multiply(const uint32_t w[T][4 * D::QUADS], const slab &x, int step,
                     int32_t sum[T][MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    uint32_t f[T][4];
#pragma unroll
    for (int i = 0; i < T; i++) D::fragment(w[i], step, f[i]);
#pragma unroll
    for (int j = 0; j < MT; j++) {
        uint4 v = x[8 * j + g][t];
        uint32_t b[2] = {step ? v.z : v.x, step ? v.w : v.y};
#pragma unroll
        for (int i = 0; i < T; i++) cu_mma_s8(sum[i][j], f[i], b);
    }
}

template <class D, class SUM>
CU_DEV void store(const cu_args &a, int64_t tile, int first, SUM sum[MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int j = 0; j < MT; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            int row = first + 8 * j + 2 * t + e % 2;
            int64_t column = tile * CU_TILE_ROWS + g + e / 2 * 8;
            if (row < a.m && column < a.n)
                cu_int8_out<D>(a, blockIdx.y, row, (int)column, sum[j][e]);
        }
}

template <class D, int GROUPED>
__global__ void __launch_bounds__(THREADS) block(const __grid_constant__ cu_args a) {
    __shared__ slab slabs[STAGES];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int chunks = a.i[CU_TILE_CHUNKS], splits = a.i[CU_TILE_SPLITS], units = (chunks + 1) / 2;
    int flush_steps = a.i[CU_TILE_FLUSH], first = (int)blockIdx.z * ROWS;
    int64_t tiles = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS;
    int64_t tile = ((int64_t)blockIdx.x * WARPS + warp) * T;
    int begin = (int)((int64_t)units * blockIdx.y / splits) * 2;
    int end = (int)((int64_t)units * (blockIdx.y + 1) / splits) * 2;
    int32_t part[T][MT][4] = {};
    float sum[T][GROUPED ? MT : 1][4] = {};
    uint32_t now[T][4 * D::QUADS], next[T][4 * D::QUADS];
    if (end > chunks) end = chunks;
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) fetch(a, slabs[s], first, begin + s, end);
    if (begin < end) cu_tile_load<D, T>(a, tile, tiles, begin, lane, next);
    for (int chunk = begin; chunk < end; chunk++) {
        int at = (chunk - begin) % STAGES;
        memcpy(now, next, sizeof now);
        if (chunk + 1 < end) cu_tile_load<D, T>(a, tile, tiles, chunk + 1, lane, next);
        cu_cp_async_wait<STAGES - 2>();
        __syncthreads(); /* this slab is whole, and nobody reads the one that is fetched next */
        fetch(a, slabs[(at + STAGES - 1) % STAGES], first, chunk + STAGES - 1, end);
#pragma unroll
        for (int s = 0; s < 2; s++) {
            int step = 2 * chunk + s;
            if (step * CU_TILE_STEP >= a.k) break;
            multiply<D>(now, slabs[at], s, part);
            if constexpr (GROUPED)
                if ((step + 1) % flush_steps == 0 || (step + 1) * CU_TILE_STEP >= a.k)
                    cu_int8_flush<D, T, MT>(a, tile, tiles, first, step / flush_steps, part, sum);
        }
    }
    cu_cp_async_wait<0>();
#pragma unroll
    for (int i = 0; i < T; i++) {
        if (tile + i >= tiles) continue;
        if constexpr (GROUPED)
            store<D, float>(a, tile + i, first, sum[i]);
        else
            store<D, int32_t>(a, tile + i, first, part[i]);
    }
}

} // namespace

extern "C" cu_tile_kernel cu_tile_int8_block(int bits, int grouped) {
    cu_tile_kernel k = {nullptr, WARPS * T, ROWS, THREADS, 0};
    if (bits == 4) k.address = (const void *)block<cu_int8_4, 1>;
    if (bits == 8)
        k.address = grouped ? (const void *)block<cu_int8_8, 1> : (const void *)block<cu_int8_8, 0>;
    return k;
}
