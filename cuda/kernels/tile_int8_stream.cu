/* Int8 activations by few rows: the walk of tile_stream.cu over codes instead of halves. A lane's
 * 16 bytes of a row of x are both steps of a chunk; they are read a chunk ahead. */
#include "cuda/kernels/arrive.cuh"
#include "cuda/kernels/tile_int8.cuh"
#include "cuda/kernels/tile_ring.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS };

/* Sums of all of k are integers, those of groups floats. */
template <int GROUPED> struct pick { typedef int32_t type; };
template <> struct pick<1> { typedef float type; };

/* What the cut of a kernel follows from. */
template <class D, int MT, int GROUPED> struct cut {
    enum {
        T = D::ROW_TILES,
        WN = MT == 1 ? 2 : 4,
        WK = WARPS / WN,
        TILES = T * WN,
        PER_SM = T * MT * (GROUPED ? 2 : 1) >= 16 ? 1 : 2 /* sums in registers */
    };
    typedef typename pick<GROUPED>::type sum;
};

/* Rows of codes; past the last row the last again: what comes of it is not stored. */
template <int MT> struct rows { const char *at[MT]; };

template <int MT> CU_DEV rows<MT> rows_of(const cu_args &a, int row) {
    int lane = threadIdx.x % 32;
    rows<MT> v;
#pragma unroll
    for (int j = 0; j < MT; j++) {
        int r = row + 8 * j + lane / 4, there = r < a.m ? r : a.m - 1;
        v.at[j] = (const char *)a.x + (int64_t)there * a.i[CU_TILE_LDX] + lane % 4 * 16;
        cu_keep(v.at[j]);
    }
    return v;
}

template <int MT> CU_DEV void load_x(const rows<MT> &v, int chunk, int chunks, uint4 x[MT]) {
#pragma unroll
    for (int j = 0; j < MT; j++)
        if (chunk < chunks) x[j] = cu_ldg16(v.at[j] + (int64_t)chunk * CU_TILE_CHUNK);
}

template <class D, int T, int MT>
CU_DEV void multiply(const uint32_t words[T][4 * D::QUADS], int step, const uint4 x[MT],
                     int32_t sum[T][MT][4]) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        uint32_t w[4];
        D::fragment(words[i], step, w);
#pragma unroll
        for (int j = 0; j < MT; j++) {
            uint32_t b[2] = {step ? x[j].z : x[j].x, step ? x[j].w : x[j].y};
            cu_mma_s8(sum[i][j], w, b);
        }
    }
}

/* A group is over: its integers, less what the zero points make, times its scales. `sums`: those of
 * the codes of rows 8j + 2t and 8j + 2t + 1. */
template <class D, int T, int MT, int ZEROS>
CU_DEV void flush(const uint32_t scales[8][T], const uint32_t zeros[T][4],
                  const int32_t sums[MT][2], int32_t part[T][MT][4], float sum[T][MT][4]) {
    int g = threadIdx.x % 32 / 4;
#pragma unroll
    for (int i = 0; i < T; i++) {
        uint32_t pair = scales[g][i], z = ZEROS ? ((const uint16_t *)zeros[i])[g] : 0;
        float s[2] = {cu_half_to_float((uint16_t)pair) * (1.0f / D::TIMES),
                      cu_half_to_float((uint16_t)(pair >> 16)) * (1.0f / D::TIMES)};
        int32_t minus[2] = {((int32_t)(z & 255) - D::OFFSET) * D::TIMES,
                            ((int32_t)(z >> 8) - D::OFFSET) * D::TIMES};
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int32_t v = part[i][j][e];
                if (ZEROS) v -= minus[e / 2] * sums[j][e % 2];
                sum[i][j][e] = cu_fma((float)v, s[e / 2], sum[i][j][e]);
                part[i][j][e] = 0;
            }
    }
}

/* Adds up the WK sums of the block's tiles and stores them: each warp's tile i in turn. */
template <class D, int T, int WN, int MT, class SUM>
CU_DEV void store(const cu_args &a, int64_t tile, int row, SUM *all, SUM sum[T][MT][4]) {
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
            SUM v = 0;
#pragma unroll
            for (int w = 0; w < WK; w++) v += all[((w * WN + wn) * 16 + r) * WIDE + c];
            if (row + c < a.m && column < a.n)
                cu_int8_out<D>(a, blockIdx.y, row + c, (int)column, v);
        }
    }
}

CU_DEV void end(const cu_args &a, int row, int column, int32_t v) {
    cu_int8_end<cu_int8_8>(a, row, column, v); /* int4 has groups */
}
CU_DEV void end(const cu_args &a, int row, int column, float v) {
    cu_finish(a, row, column, v * ((const float *)a.aux)[row]);
}

/* The last block along y adds up what all left of its TILES tiles. */
template <class SUM, int TILES, int MT>
CU_DEV void add_splits(const cu_args &a, int64_t tile, int row) {
    if (gridDim.y == 1 || !cu_last_to_arrive(a)) return;
    for (int at = threadIdx.x; at < 16 * TILES * 8 * MT; at += THREADS) {
        int64_t column = tile * CU_TILE_ROWS + at % (16 * TILES);
        int r = row + at / (16 * TILES);
        if (r < a.m && column < a.n) end(a, r, (int)column, cu_add_splits<SUM>(a, r, (int)column));
    }
}

template <class D, int MT, int GROUPED, int ZEROS>
__global__ void __launch_bounds__(THREADS, (cut<D, MT, GROUPED>::PER_SM))
    stream(const __grid_constant__ cu_args a) {
    typedef cut<D, MT, GROUPED> C;
    typedef typename C::sum SUM;
    enum { T = C::T, Q = D::QUADS };
    typedef cu_ring<Q, T, GROUPED, ZEROS> ring;
    typedef cu_walk<Q, T> walk;
    union shared {
        ring rings[WARPS];
        SUM all[WARPS * CU_TILE_ROWS * (8 * MT + 1)];
    };
    __shared__ __align__(16) shared at;
    int warp = threadIdx.x / 32, t = threadIdx.x % 4, wn = warp % C::WN, turn = 0;
    int64_t tile = (int64_t)blockIdx.x * C::TILES;
    int row = (int)blockIdx.z * 8 * MT, stride = C::WK * gridDim.y;
    walk v = walk::of(a, tile + wn * T);
    rows<MT> from = rows_of<MT>(a, row);
    ring &r = at.rings[warp];
    int32_t part[T][MT][4] = {};
    float sum[GROUPED ? T : 1][MT][4] = {};
    uint4 x[MT], next_x[MT] = {};
    int unit = (int)blockIdx.y * C::WK + warp / C::WN;
    walk::fetch(v, r, unit, 0, 0);
    cu_cp_async_commit();
    walk::fetch(v, r, unit, 1, 0);
    cu_cp_async_commit();
    load_x(from, 2 * unit, v.chunks, next_x);
    for (; 2 * unit < v.chunks; unit += stride, turn ^= GROUPED) {
#pragma unroll
        for (int odd = 0; odd < 2; odd++) {
            uint32_t words[T][4 * Q];
            cu_cp_async_wait<1>();
            if (GROUPED && !odd) __syncwarp(); /* heads are other lanes' copies */
            cu_ring_words<Q, T>(r.words[odd], words);
            walk::fetch(v, r, unit + stride, odd, turn ^ 1);
            cu_cp_async_commit();
            memcpy(x, next_x, sizeof x);
            load_x(from, odd ? 2 * (unit + stride) : 2 * unit + 1, v.chunks, next_x);
#pragma unroll
            for (int s = 0; s < 2; s++) {
                if (!odd || 2 * unit + 1 < v.chunks) multiply<D, T, MT>(words, s, x, part);
                if constexpr (GROUPED) {
                    int step = 2 * odd + s, group = step >> v.shift;
                    if ((group + 1) << v.shift != step + 1) continue;
                    int32_t sums[MT][2] = {};
                    int whole = (unit << (2 - v.shift)) + group; /* of all, past the last too */
                    if constexpr (ZEROS) {
#pragma unroll
                        for (int e = 0; e < 2 * MT; e++)
                            if (whole < v.groups)
                                sums[e / 2][e % 2] =
                                    cu_int8_sum(a, row + e / 2 * 8 + 2 * t + e % 2, whole);
                    }
                    flush<D, T, MT, ZEROS>(r.scales[turn][group], r.zeros[turn][ZEROS ? group : 0],
                                           sums, part, sum);
                }
            }
        }
        if (GROUPED) __syncwarp();
    }
    cu_cp_async_wait<0>();
    if constexpr (GROUPED)
        store<D, T, C::WN, MT>(a, tile, row, at.all, sum);
    else
        store<D, T, C::WN, MT>(a, tile, row, at.all, part);
    add_splits<SUM, C::TILES, MT>(a, tile, row);
}

template <class D, int MT, int GROUPED, int ZEROS> cu_tile_kernel with() {
    typedef cut<D, MT, GROUPED> C;
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

} // namespace

extern "C" cu_tile_kernel cu_tile_int8_stream(int bits, int grouped, int zeros, int mt) {
    if (bits == 4) return zeros ? of<cu_int8_4, 1, 1>(mt) : of<cu_int8_4, 1, 0>(mt);
    if (!grouped) return of<cu_int8_8, 0, 0>(mt); /* zero points come off the whole sums */
    return zeros ? of<cu_int8_8, 1, 1>(mt) : of<cu_int8_8, 1, 0>(mt);
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
