/* Int8 activations by few rows: the walk of tile_stream.cu over codes instead of halves. */
#include "cuda/kernels/tile_int8.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS };

template <class D, int T, int MT> struct bytes {
    uint32_t w[T][4 * D::QUADS];
    uint4 x[MT];
};

template <class D, int T, int MT>
CU_DEV void load(const cu_args &a, int64_t tile, int64_t tiles, int row, int chunk, int lane,
                 bytes<D, T, MT> &b) {
    cu_tile_load<D, T>(a, tile, tiles, chunk, lane, b.w);
#pragma unroll
    for (int j = 0; j < MT; j++) {
        int r = row + 8 * j + lane / 4;
        const char *from = (const char *)a.x + (int64_t)r * a.i[CU_TILE_LDX];
        b.x[j] = {0, 0, 0, 0};
        if (r < a.m) b.x[j] = cu_ldg16(from + (int64_t)chunk * CU_TILE_CHUNK + lane % 4 * 16);
    }
}

template <class D, int T, int MT>
CU_DEV void multiply(const bytes<D, T, MT> &b, int step, int32_t sum[T][MT][4]) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        uint32_t w[4];
        D::fragment(b.w[i], step, w);
#pragma unroll
        for (int j = 0; j < MT; j++) {
            uint32_t x[2] = {step ? b.x[j].z : b.x[j].x, step ? b.x[j].w : b.x[j].y};
            cu_mma_s8(sum[i][j], w, x);
        }
    }
}

/* The warps' sums of a tile, floats or integers, through shared memory. */
template <class D, class SUM, int MT>
CU_DEV void store(const cu_args &a, int64_t tile, int64_t tiles, int row, SUM sum[MT][4]) {
    enum { COLUMNS = 8 * MT };
    __shared__ SUM all[WARPS][CU_TILE_ROWS][COLUMNS];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    __syncthreads();
#pragma unroll
    for (int j = 0; j < MT; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) all[warp][g + e / 2 * 8][8 * j + 2 * t + e % 2] = sum[j][e];
    __syncthreads();
    if (tile >= tiles) return;
    for (int i = threadIdx.x; i < CU_TILE_ROWS * COLUMNS; i += THREADS) {
        int r = i % CU_TILE_ROWS, c = i / CU_TILE_ROWS;
        int column = (int)(tile * CU_TILE_ROWS) + r;
        SUM v = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) v += all[w][r][c];
        if (row + c < a.m && column < a.n) cu_int8_out<D>(a, blockIdx.y, row + c, column, v);
    }
}

template <class D, int T, int MT, int GROUPED>
__global__ void __launch_bounds__(THREADS, MT == 4 ? 1 : 2)
    stream(const __grid_constant__ cu_args a) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int chunks = a.i[CU_TILE_CHUNKS], flush_steps = a.i[CU_TILE_FLUSH];
    int64_t tiles = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS, tile = (int64_t)blockIdx.x * T;
    int row = (int)blockIdx.z * 8 * MT, stride = 2 * WARPS * a.i[CU_TILE_SPLITS];
    int32_t part[T][MT][4] = {};
    float sum[GROUPED ? T : 1][MT][4] = {};
    bytes<D, T, MT> now, next;
    int chunk = 2 * ((int)blockIdx.y * WARPS + warp);
    if (chunk < chunks) load<D, T, MT>(a, tile, tiles, row, chunk, lane, next);
    while (chunk < chunks) {
        now = next;
        int after = chunk % 2 || chunk + 1 == chunks ? (chunk & ~1) + stride : chunk + 1;
        if (after < chunks) load<D, T, MT>(a, tile, tiles, row, after, lane, next);
#pragma unroll
        for (int s = 0; s < 2; s++) {
            int step = 2 * chunk + s;
            if (step * CU_TILE_STEP >= a.k) break; /* padding: it has no group */
            multiply<D, T, MT>(now, s, part);
            if constexpr (GROUPED)
                if ((step + 1) % flush_steps == 0 || (step + 1) * CU_TILE_STEP >= a.k)
                    cu_int8_flush<D, T, MT>(a, tile, tiles, row, step / flush_steps, part, sum);
        }
        chunk = after;
    }
#pragma unroll
    for (int i = 0; i < T; i++) {
        if constexpr (GROUPED)
            store<D, float, MT>(a, tile + i, tiles, row, sum[i]);
        else
            store<D, int32_t, MT>(a, tile + i, tiles, row, part[i]);
    }
}

template <class D, int GROUPED> const void *of(int mt) {
    enum { FEWER = 2 };
    return mt == 1   ? (const void *)stream<D, D::ROW_TILES, 1, GROUPED>
           : mt == 2 ? (const void *)stream<D, FEWER, 2, GROUPED>
                     : (const void *)stream<D, FEWER, 4, GROUPED>;
}

} // namespace

extern "C" cu_tile_kernel cu_tile_int8_stream(int bits, int grouped, int mt) {
    cu_tile_kernel k = {nullptr, bits == 4 && mt == 1 ? 4 : 2, 8 * mt, THREADS, 0};
    if (bits == 4) k.address = of<cu_int8_4, 1>(mt);
    if (bits == 8) k.address = grouped ? of<cu_int8_8, 1>(mt) : of<cu_int8_8, 0>(mt);
    return k;
}

/* Adds up what the splits left: integers where all of k has one scale, floats else. */
extern "C" __global__ void __launch_bounds__(256)
    cu_tile_int8_sum(const __grid_constant__ cu_args a) {
    int64_t count = (int64_t)a.m * a.n, i = (int64_t)blockIdx.x * 256 + threadIdx.x;
    if (i >= count) return;
    int row = (int)(i / a.n), column = (int)(i % a.n);
    if (a.i[CU_TILE_FLUSH]) {
        float v = 0;
        for (int s = 0; s < a.i[CU_TILE_SPLITS]; s++) v += ((const float *)a.extra)[s * count + i];
        cu_finish(a, row, column, v * ((const float *)a.aux)[row]);
    } else {
        int32_t v = 0;
        for (int s = 0; s < a.i[CU_TILE_SPLITS]; s++)
            v += ((const int32_t *)a.extra)[s * count + i];
        cu_int8_end<cu_int8_8>(a, row, column, v);
    }
}
