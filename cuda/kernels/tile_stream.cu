/* Dense weights by few rows of x: bound by the bytes of W, which each warp streams from memory to
 * its own registers, once, decodes there and gives to the tensor cores.
 *
 * A block has T tiles of W and 8 MT rows of x; its eight warps, and the blocks along y, share out k
 * in units of two chunks, so that a group of 128 is one warp's. x is small and read 16 bytes a lane
 * from the caches. A unit's bytes of W and x are loaded while the one before is multiplied.
 *
 * Lane-instructions an i4 weight at MT = 1, counted from the code below: 1.1 to decode, 0.03 loads
 * of W, 0.15 of mma, 0.25 scales of groups of 128 and addresses: about 1.6 of the 5 that an H100
 * has at full bandwidth; not yet measured on a device. */
#include "cuda/kernels/finish.cuh"
#include "cuda/kernels/tile_decode.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS };

/* What of a chunk is under way. */
template <class D, int T, int MT> struct bytes {
    uint32_t w[T][4 * D::QUADS];
    uint4 x[2][MT];
};

/* Eight columns of a row of x; zeros past its end and past the last row. */
CU_DEV uint4 load_x(const cu_args &a, int row, int column) {
    if (row >= a.m || column >= a.k) return {0, 0, 0, 0};
    return cu_ldg16((const uint16_t *)a.x + (int64_t)row * a.i[CU_TILE_LDX] + column);
}

template <class D, int T, int MT>
CU_DEV void load(const cu_args &a, int64_t tile, int64_t tiles, int row, int chunk, int lane,
                 bytes<D, T, MT> &b) {
    cu_tile_load<D, T>(a, tile, tiles, chunk, lane, b.w);
#pragma unroll
    for (int s = 0; s < 2; s++)
#pragma unroll
        for (int j = 0; j < MT; j++)
            b.x[s][j] = load_x(a, row + 8 * j + lane / 4,
                               chunk * CU_TILE_CHUNK + s * CU_TILE_STEP + lane % 4 * 8);
}

/* One step: two products of 16 columns for each pair of tiles. */
template <class D, int T, int MT>
CU_DEV void multiply(const bytes<D, T, MT> &b, int step, const cu_zero z[T][2],
                     float sum[T][MT][4]) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        uint32_t w[2][4];
        D::fragments(b.w[i], step, z[i], w);
#pragma unroll
        for (int j = 0; j < MT; j++) {
            uint32_t first[2] = {b.x[step][j].x, b.x[step][j].y};
            uint32_t second[2] = {b.x[step][j].z, b.x[step][j].w};
            cu_mma_float<D::BF16>(sum[i][j], w[0], first);
            cu_mma_float<D::BF16>(sum[i][j], w[1], second);
        }
    }
}

/* A group is over: its integer sums times its scales. */
template <int T, int MT>
CU_DEV void flush(const cu_args &a, int64_t tile, int64_t tiles, int group, int g,
                  float part[T][MT][4], float sum[T][MT][4]) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        float s[2];
        cu_tile_scales(a, tile + i, tiles, group, g, s);
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                sum[i][j][e] = cu_fma(part[i][j][e], s[e / 2], sum[i][j][e]);
                part[i][j][e] = 0;
            }
    }
}

template <int T, int MT> CU_DEV void clear(float v[T][MT][4]) {
#pragma unroll
    for (int i = 0; i < T; i++)
#pragma unroll
        for (int j = 0; j < MT; j++) v[i][j][0] = v[i][j][1] = v[i][j][2] = v[i][j][3] = 0;
}

/* Adds up the warps' sums of a tile through shared memory and stores them. */
template <int MT>
CU_DEV void store(const cu_args &a, int64_t tile, int64_t tiles, int row, float sum[MT][4]) {
    enum { COLUMNS = 8 * MT };
    __shared__ float all[WARPS][CU_TILE_ROWS][COLUMNS];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    __syncthreads(); /* the tile before has been read */
#pragma unroll
    for (int j = 0; j < MT; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) all[warp][g + e / 2 * 8][8 * j + 2 * t + e % 2] = sum[j][e];
    __syncthreads();
    if (tile >= tiles) return;
    for (int i = threadIdx.x; i < CU_TILE_ROWS * COLUMNS; i += THREADS) {
        int r = i % CU_TILE_ROWS, c = i / CU_TILE_ROWS;
        int column = (int)(tile * CU_TILE_ROWS) + r;
        float v = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) v += all[w][r][c];
        if (row + c < a.m && column < a.n) cu_tile_out(a, blockIdx.y, row + c, column, v);
    }
}

template <class D, int T, int MT, int GROUPED>
__global__ void __launch_bounds__(THREADS, MT == 4 ? 1 : 2)
    stream(const __grid_constant__ cu_args a) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4;
    int chunks = a.i[CU_TILE_CHUNKS], flush_steps = a.i[CU_TILE_FLUSH];
    int64_t tiles = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS, tile = (int64_t)blockIdx.x * T;
    int row = (int)blockIdx.z * 8 * MT, stride = 2 * WARPS * a.i[CU_TILE_SPLITS];
    int has_zeros = D::INTEGER && (a.i[CU_TILE_HEADS] & CU_HAS_ZEROS);
    float sum[T][MT][4], part[GROUPED ? T : 1][MT][4];
    cu_zero z[T][2];
    bytes<D, T, MT> now, next;
    clear<T, MT>(sum);
    clear<GROUPED ? T : 1, MT>(part);
    if constexpr (D::INTEGER) {
#pragma unroll
        for (int i = 0; i < T; i++) z[i][0] = z[i][1] = D::zero(D::NO_ZERO);
        if (has_zeros && !GROUPED) cu_tile_zeros<D, T>(a, tile, tiles, 0, g, z);
    }
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
            if constexpr (GROUPED) {
                int group = step / flush_steps;
                if (has_zeros && step % flush_steps == 0)
                    cu_tile_zeros<D, T>(a, tile, tiles, group, g, z);
                multiply<D, T, MT>(now, s, z, part);
                if ((step + 1) % flush_steps == 0 || (step + 1) * CU_TILE_STEP >= a.k)
                    flush<T, MT>(a, tile, tiles, group, g, part, sum);
            } else {
                multiply<D, T, MT>(now, s, z, sum);
            }
        }
        chunk = after;
    }
#pragma unroll
    for (int i = 0; i < T; i++) store<MT>(a, tile + i, tiles, row, sum[i]);
}

template <class D, int GROUPED> const void *of(int mt) {
    enum { FEWER = D::ROW_TILES < 2 ? D::ROW_TILES : 2 }; /* what registers allow */
    return mt == 1   ? (const void *)stream<D, D::ROW_TILES, 1, GROUPED>
           : mt == 2 ? (const void *)stream<D, FEWER, 2, GROUPED>
                     : (const void *)stream<D, FEWER, 4, GROUPED>;
}

} // namespace

extern "C" cu_tile_kernel cu_tile_stream(int bits, int bf16, int grouped, int mt) {
    int t = bits == 4 ? 4 : bits == 16 ? 1 : 2;
    cu_tile_kernel k = {nullptr, mt > 1 && t > 2 ? 2 : t, 8 * mt, THREADS, 0};
    if (bits == 16) k.address = bf16 ? of<cu_tile_16<1>, 0>(mt) : of<cu_tile_16<0>, 0>(mt);
    if (bits == 8 && grouped) k.address = bf16 ? of<cu_tile_8<1>, 1>(mt) : of<cu_tile_8<0>, 1>(mt);
    if (bits == 8 && !grouped) k.address = bf16 ? of<cu_tile_8<1>, 0>(mt) : of<cu_tile_8<0>, 0>(mt);
    if (bits == 4) k.address = bf16 ? of<cu_tile_4<1>, 1>(mt) : of<cu_tile_4<0>, 1>(mt);
    if (bits == CU_TILE_F8) k.address = bf16 ? of<cu_tile_f8<1>, 0>(mt) : of<cu_tile_f8<0>, 0>(mt);
    return k;
}

/* Adds up what the splits left. */
extern "C" __global__ void __launch_bounds__(256) cu_tile_sum(const __grid_constant__ cu_args a) {
    int64_t count = (int64_t)a.m * a.n, i = (int64_t)blockIdx.x * 256 + threadIdx.x;
    if (i >= count) return;
    float v = 0;
    for (int s = 0; s < a.i[CU_TILE_SPLITS]; s++) v += ((const float *)a.extra)[s * count + i];
    int row = (int)(i / a.n);
    cu_finish(a, row, (int)(i % a.n), v * cu_tile_x_scale(a, row));
}
