/* Dense weights by few rows of x: bound by the bytes of W, which each warp streams from memory,
 * once, by way of shared memory of its own (tile_ring.cuh), decodes in registers and gives to the
 * tensor cores.
 *
 * A block is WN warps side by side along n, T tiles of W each, by WK warps that share out k, and
 * 8 MT rows of x. x is read 16 bytes a lane from the caches, a step ahead: WN warps ask for the
 * same x, so that L2 gives little of it beside W. The WK sums meet in shared memory, those of the
 * blocks along y in scratch (arrive.cuh).
 *
 * Lane-instructions a weight, counted in the machine code for sm_90a at MT = 1, 2, 4: i4 in groups
 * of 128 1.9, 2.4, 3.0 of the 5 that an H100 has at full bandwidth; i8 1.9, 2.1, 2.6 of 10. A block
 * has 32 KB of W under way. More in docs/cuda-kernels.md; no time was measured. */
#include "cuda/kernels/arrive.cuh"
#include "cuda/kernels/tile_ring.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS };

/* What the cut of a kernel follows from. */
template <class D, int MT, int GROUPED, int ZEROS> struct cut {
    enum {
        T = D::ROW_TILES == 4 && MT == 4 && ZEROS ? 2 : D::ROW_TILES,
        WN = MT == 1 ? 2 : 4,
        WK = WARPS / WN,
        TILES = T * WN,
        PER_SM = T * MT * (GROUPED ? 2 : 1) >= 16 ? 1 : 2 /* sums in registers */
    };
};

/* Rows of x that a lane reads, from its first column. Past the last row it reads the last again:
 * what comes of it is not stored. */
template <int MT> struct rows {
    const uint16_t *at[MT];
    int end; /* of x, counted from there */
};

template <int MT> CU_DEV rows<MT> rows_of(const cu_args &a, int row) {
    int lane = threadIdx.x % 32, column = lane % 4 * 8;
    rows<MT> v;
    v.end = a.k - column;
#pragma unroll
    for (int j = 0; j < MT; j++) {
        int r = row + 8 * j + lane / 4, there = r < a.m ? r : a.m - 1;
        v.at[j] = (const uint16_t *)a.x + (int64_t)there * a.i[CU_TILE_LDX] + column;
        cu_keep(v.at[j]);
    }
    return v;
}

/* Eight columns of each row in a step; zeros past the last. */
template <int MT> CU_DEV void load_x(const rows<MT> &v, int step, uint4 x[MT]) {
#pragma unroll
    for (int j = 0; j < MT; j++) {
        x[j] = {0, 0, 0, 0};
        if (step * CU_TILE_STEP < v.end) x[j] = cu_ldg16(v.at[j] + (int64_t)step * CU_TILE_STEP);
    }
}

/* One step: two products of 16 columns for each pair of tiles. */
template <class D, int T, int MT>
CU_DEV void multiply(const uint32_t words[T][4 * D::QUADS], int step, const uint4 x[MT],
                     const uint32_t zeros[T], float sum[T][MT][4]) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        uint32_t w[2][4];
        cu_zero z[2] = {D::zero(zeros[i] & 255), D::zero(zeros[i] >> 8)};
        D::fragments(words[i], step, z, w);
#pragma unroll
        for (int j = 0; j < MT; j++) {
            uint32_t first[2] = {x[j].x, x[j].y}, second[2] = {x[j].z, x[j].w};
            cu_mma_float<D::BF16>(sum[i][j], w[0], first);
            cu_mma_float<D::BF16>(sum[i][j], w[1], second);
        }
    }
}

/* Adds up the WK sums of the block's tiles and stores them: each warp's tile i in turn. */
template <int X_SCALED, int T, int WN, int MT>
CU_DEV void store(const cu_args &a, int64_t tile, int row, float *all, float sum[T][MT][4]) {
    enum { COLUMNS = 8 * MT, WIDE = COLUMNS + 1, WK = WARPS / WN, COUNT = WN * 16 * COLUMNS };
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int i = 0; i < T; i++) {
        __syncthreads(); /* the tiles before have been read, or the rings */
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                all[(warp * 16 + g + e / 2 * 8) * WIDE + 8 * j + 2 * t + e % 2] = sum[i][j][e];
        __syncthreads();
        for (int at = threadIdx.x; at < COUNT; at += THREADS) {
            int r = at % 16, wn = at / 16 % WN, c = at / 16 / WN;
            int64_t column = (tile + wn * T + i) * CU_TILE_ROWS + r;
            float v = 0;
#pragma unroll
            for (int w = 0; w < WK; w++) v += all[((w * WN + wn) * 16 + r) * WIDE + c];
            if (row + c < a.m && column < a.n) cu_tile_out<X_SCALED>(a, blockIdx.y, row + c, (int)column, v);
        }
    }
}

/* The last block along y adds up what all left of its TILES tiles. */
template <int X_SCALED, int TILES, int MT>
CU_DEV void add_splits(const cu_args &a, int64_t tile, int row) {
    if (gridDim.y == 1 || !cu_last_to_arrive(a)) return;
    for (int at = threadIdx.x; at < 16 * TILES * 8 * MT; at += THREADS) {
        int64_t column = tile * CU_TILE_ROWS + at % (16 * TILES);
        int r = row + at / (16 * TILES);
        if (r < a.m && column < a.n)
            cu_finish(a, r, (int)column,
                      cu_add_splits<float>(a, r, (int)column) *
                          (X_SCALED ? cu_tile_x_scale(a, r) : 1.0f));
    }
}

template <class D, int MT, int GROUPED, int ZEROS>
__global__ void __launch_bounds__(THREADS, (cut<D, MT, GROUPED, ZEROS>::PER_SM))
    stream(const __grid_constant__ cu_args a) {
    typedef cut<D, MT, GROUPED, ZEROS> C;
    enum { T = C::T, Q = D::QUADS };
    typedef cu_ring<Q, T, GROUPED, ZEROS> ring;
    typedef cu_walk<Q, T> walk;
    union shared {
        ring rings[WARPS];
        float all[WARPS * CU_TILE_ROWS * (8 * MT + 1)];
    };
    __shared__ __align__(16) shared at;
    int warp = threadIdx.x / 32, wn = warp % C::WN, turn = 0;
    int64_t tile = (int64_t)blockIdx.x * C::TILES;
    int row = (int)blockIdx.z * 8 * MT, stride = C::WK * gridDim.y;
    walk v = walk::of(a, tile + wn * T);
    rows<MT> from = rows_of<MT>(a, row);
    ring &r = at.rings[warp];
    float sum[T][MT][4] = {}, part[GROUPED ? T : 1][MT][4] = {};
    uint32_t zeros[T] = {};
    uint4 x[MT], next_x[MT];
    int unit = (int)blockIdx.y * C::WK + warp / C::WN;
    if constexpr (D::INTEGER) {
#pragma unroll
        for (int i = 0; i < T; i++) {
            zeros[i] = D::NO_ZERO * 0x101u;
            if (ZEROS && !GROUPED) zeros[i] = walk::row_zeros(a, tile + wn * T + i);
        }
    }
    walk::fetch(v, r, unit, 0, 0);
    cu_cp_async_commit();
    walk::fetch(v, r, unit, 1, 0);
    cu_cp_async_commit();
    load_x(from, 4 * unit, next_x);
    for (; 2 * unit < v.chunks; unit += stride, turn ^= GROUPED) {
#pragma unroll
        for (int odd = 0; odd < 2; odd++) {
            uint32_t words[T][4 * Q];
            cu_cp_async_wait<1>();
            if (GROUPED && !odd) __syncwarp(); /* heads are other lanes' copies */
            cu_ring_words<Q, T>(r.words[odd], words);
            walk::fetch(v, r, unit + stride, odd, turn ^ 1);
            cu_cp_async_commit();
#pragma unroll
            for (int s = 0; s < 2; s++) {
                int step = 2 * odd + s;
                memcpy(x, next_x, sizeof x);
                load_x(from, step < 3 ? 4 * unit + step + 1 : 4 * (unit + stride), next_x);
                if constexpr (GROUPED) {
                    int group = step >> v.shift, first = (group << v.shift) == step;
                    int last = (group + 1) << v.shift == step + 1;
                    if (ZEROS && first) cu_ring_zeros<T>(r.zeros[turn][group], zeros);
                    if (!odd || 2 * unit + 1 < v.chunks)
                        multiply<D, T, MT>(words, s, x, zeros, part);
                    if (last) cu_ring_flush<T, MT>(r.scales[turn][group], part, sum);
                } else if (!odd || 2 * unit + 1 < v.chunks) {
                    multiply<D, T, MT>(words, s, x, zeros, sum);
                }
            }
        }
        if (GROUPED) __syncwarp();
    }
    cu_cp_async_wait<0>();
    store<D::X_SCALED, T, C::WN, MT>(a, tile, row, at.all, sum);
    add_splits<D::X_SCALED, C::TILES, MT>(a, tile, row);
}

template <class D, int MT, int GROUPED, int ZEROS> cu_tile_kernel with() {
    typedef cut<D, MT, GROUPED, ZEROS> C;
    return {(const void *)stream<D, MT, GROUPED, ZEROS>,
            C::TILES,
            8 * MT,
            THREADS,
            0,
            C::WK,
            C::PER_SM};
}
template <class D, int GROUPED, int ZEROS> cu_tile_kernel of(int mt) {
    return mt == 1   ? with<D, 1, GROUPED, ZEROS>()
           : mt == 2 ? with<D, 2, GROUPED, ZEROS>()
                     : with<D, 4, GROUPED, ZEROS>();
}
template <class D, int GROUPED> cu_tile_kernel integers(int zeros, int mt) {
    return zeros ? of<D, GROUPED, 1>(mt) : of<D, GROUPED, 0>(mt);
}

} // namespace

extern "C" cu_tile_kernel cu_tile_stream(int bits, int bf16, int grouped, int zeros, int mt) {
    if (bits == 16) return bf16 ? of<cu_tile_16<1>, 0, 0>(mt) : of<cu_tile_16<0>, 0, 0>(mt);
    if (bits == CU_TILE_F8) return bf16 ? of<cu_tile_f8<1>, 0, 0>(mt) : of<cu_tile_f8<0>, 0, 0>(mt);
    if (bits == 4)
        return bf16 ? integers<cu_tile_4<1>, 1>(zeros, mt) : integers<cu_tile_4<0>, 1>(zeros, mt);
    if (grouped)
        return bf16 ? integers<cu_tile_8<1>, 1>(zeros, mt) : integers<cu_tile_8<0>, 1>(zeros, mt);
    return bf16 ? integers<cu_tile_8<1>, 0>(zeros, mt) : integers<cu_tile_8<0>, 0>(zeros, mt);
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
