/* Dense weights of any type by f32 x, on the plain cores: f32 has no exact way through the tensor
 * cores. The same tiles and the same walk as tile_stream.cu; a lane multiplies its eight columns of
 * rows g and g + 8 with those of each row of x, the four lanes of a row add up at the end.
 *
 * f32 x is read as it lies where its rows are whole pieces of 32 bytes; else, and for x of another
 * type, from a copy (cu_x_rows). */
#include "cuda/kernels/finish.cuh"
#include "cuda/kernels/tile_decode.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS };

/* Decoders to float: eight columns of one of a lane's rows; zero is that of the group. */
template <int VALUE> struct floats;
template <> struct floats<CU_F32> {
    enum { QUADS = 8, ROW_TILES = 1, INTEGER = 0 };
    CU_DEV void row(const uint32_t *w, int step, int r, float, float v[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++) v[i] = cu_uint_as_float(w[step * 16 + r * 8 + i]);
    }
};
template <> struct floats<CU_F16> {
    enum { QUADS = 4, ROW_TILES = 1, INTEGER = 0 };
    CU_DEV void row(const uint32_t *w, int step, int r, float, float v[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++)
            v[i] = cu_half_to_float((uint16_t)(w[step * 8 + r * 4 + i / 2] >> 16 * (i % 2)));
    }
};
template <> struct floats<CU_BF16> {
    enum { QUADS = 4, ROW_TILES = 1, INTEGER = 0 };
    CU_DEV void row(const uint32_t *w, int step, int r, float, float v[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            uint32_t word = w[step * 8 + r * 4 + i / 2];
            v[i] = cu_uint_as_float(i % 2 ? word & 0xffff0000u : word << 16);
        }
    }
};
template <> struct floats<CU_I8> {
    enum { QUADS = 2, ROW_TILES = 2, INTEGER = 1, NO_ZERO = 128 };
    CU_DEV void row(const uint32_t *w, int step, int r, float zero, float v[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++)
            v[i] = cu_uint_as_float(
                       cu_prmt(w[step * 4 + r * 2 + i / 4], 0x4b000000u, 0x7440 | (i % 4))) -
                   (8388608.0f + zero);
    }
};
template <> struct floats<CU_F8> {
    enum { QUADS = 2, ROW_TILES = 2, INTEGER = 0 };
    CU_DEV void row(const uint32_t *w, int step, int r, float, float v[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++)
            v[i] =
                cu_uint_as_float(cu_f8_to_float(w[step * 4 + r * 2 + i / 4] << 8 * (3 - i % 4))) *
                CU_F8_FLOAT;
    }
};
template <> struct floats<CU_I4> {
    enum { QUADS = 1, ROW_TILES = 2, INTEGER = 1, NO_ZERO = 8 };
    CU_DEV void row(const uint32_t *w, int step, int r, float zero, float v[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++)
            v[i] =
                cu_uint_as_float((w[step * 2 + r] >> 4 * (i / 2 + i % 2 * 4) & 15u) | 0x4b000000u) -
                (8388608.0f + zero);
    }
};

/* Zeros past k and past the last row. */
CU_DEV void load_x(const cu_args &a, int row, int column, float v[8]) {
    uint4 low = {0, 0, 0, 0}, high = {0, 0, 0, 0};
    if (row < a.m && column < a.k) {
        const float *from = (const float *)a.x + (int64_t)row * a.i[CU_TILE_LDX] + column;
        low = cu_ldg16(from);
        high = cu_ldg16(from + 4);
    }
    uint32_t bits[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] = cu_uint_as_float(bits[i]);
}

template <int T> struct zeros { float of[T][2]; };

template <class D, int T>
CU_DEV void load_zeros(const cu_args &a, int64_t tile, int64_t tiles, int group, int g,
                       zeros<T> &z) {
    const uint16_t *from = (const uint16_t *)((const char *)a.w + a.at[CU_TILE_ZEROS]);
#pragma unroll
    for (int i = 0; i < T; i++) {
        int64_t at = tile + i < tiles ? tile + i : tiles - 1;
        uint32_t pair = from[cu_tile_head(a.i[CU_TILE_GROUPS], at, group, g)];
        z.of[i][0] = (float)(pair & 255);
        z.of[i][1] = (float)(pair >> 8);
    }
}

template <class D, int T, int MT>
CU_DEV void multiply(const cu_args &a, const uint32_t w[T][4 * D::QUADS], int row, int column,
                     int step, const zeros<T> &z, float sum[T][2][MT]) {
    float v[T][2][8];
#pragma unroll
    for (int i = 0; i < T; i++)
#pragma unroll
        for (int r = 0; r < 2; r++) D::row(w[i], step, r, z.of[i][r], v[i][r]);
#pragma unroll
    for (int j = 0; j < MT; j++) {
        float x[8];
        load_x(a, row + j, column, x);
#pragma unroll
        for (int i = 0; i < T; i++)
#pragma unroll
            for (int r = 0; r < 2; r++)
#pragma unroll
                for (int e = 0; e < 8; e++) sum[i][r][j] = cu_fma(v[i][r][e], x[e], sum[i][r][j]);
    }
}

template <int T, int MT>
CU_DEV void flush(const cu_args &a, int64_t tile, int64_t tiles, int group, int g,
                  float part[T][2][MT], float sum[T][2][MT]) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        float s[2];
        cu_tile_scales(a, tile + i, tiles, group, g, s);
#pragma unroll
        for (int r = 0; r < 2; r++)
#pragma unroll
            for (int j = 0; j < MT; j++) {
                sum[i][r][j] = cu_fma(part[i][r][j], s[r], sum[i][r][j]);
                part[i][r][j] = 0;
            }
    }
}

/* The four lanes of a row, then the warps. */
template <int MT>
CU_DEV void store(const cu_args &a, int64_t tile, int64_t tiles, int first, float sum[2][MT]) {
    __shared__ float all[WARPS][MT][CU_TILE_ROWS];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    __syncthreads();
#pragma unroll
    for (int r = 0; r < 2; r++)
#pragma unroll
        for (int j = 0; j < MT; j++) {
            float v = sum[r][j];
            v += cu_shfl_xor_f(v, 1);
            v += cu_shfl_xor_f(v, 2);
            if (lane % 4 == 0) all[warp][j][lane / 4 + 8 * r] = v;
        }
    __syncthreads();
    if (tile >= tiles) return;
    for (int i = threadIdx.x; i < CU_TILE_ROWS * MT; i += THREADS) {
        int r = i % CU_TILE_ROWS, row = first + i / CU_TILE_ROWS;
        int64_t column = tile * CU_TILE_ROWS + r;
        float v = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) v += all[w][i / CU_TILE_ROWS][r];
        if (row < a.m && column < a.n) cu_tile_out(a, blockIdx.y, row, (int)column, v);
    }
}

template <class D, int T, int MT, int GROUPED>
__global__ void __launch_bounds__(THREADS) fma(const __grid_constant__ cu_args a) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    int chunks = a.i[CU_TILE_CHUNKS], flush_steps = a.i[CU_TILE_FLUSH];
    int64_t tiles = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS, tile = (int64_t)blockIdx.x * T;
    int row = (int)blockIdx.z * MT, stride = 2 * WARPS * a.i[CU_TILE_SPLITS];
    int has_zeros = D::INTEGER && (a.i[CU_TILE_HEADS] & CU_HAS_ZEROS);
    float sum[T][2][MT] = {}, part[T][2][GROUPED ? MT : 1] = {};
    uint32_t now[T][4 * D::QUADS], next[T][4 * D::QUADS];
    zeros<T> z = {};
    if constexpr (D::INTEGER) {
#pragma unroll
        for (int i = 0; i < T; i++) z.of[i][0] = z.of[i][1] = (float)D::NO_ZERO;
        if (has_zeros && !GROUPED) load_zeros<D, T>(a, tile, tiles, 0, g, z);
    }
    int chunk = 2 * ((int)blockIdx.y * WARPS + warp);
    if (chunk < chunks) cu_tile_load<D, T>(a, tile, tiles, chunk, lane, next);
    while (chunk < chunks) {
        memcpy(now, next, sizeof now);
        int after = chunk % 2 || chunk + 1 == chunks ? (chunk & ~1) + stride : chunk + 1;
        if (after < chunks) cu_tile_load<D, T>(a, tile, tiles, after, lane, next);
#pragma unroll
        for (int s = 0; s < 2; s++) {
            int step = 2 * chunk + s, column = step * CU_TILE_STEP + 8 * t;
            if (step * CU_TILE_STEP >= a.k) break;
            if constexpr (GROUPED) {
                int group = step / flush_steps;
                if (has_zeros && step % flush_steps == 0)
                    load_zeros<D, T>(a, tile, tiles, group, g, z);
                multiply<D, T, MT>(a, now, row, column, s, z, part);
                if ((step + 1) % flush_steps == 0 || (step + 1) * CU_TILE_STEP >= a.k)
                    flush<T, MT>(a, tile, tiles, group, g, part, sum);
            } else {
                multiply<D, T, MT>(a, now, row, column, s, z, sum);
            }
        }
        chunk = after;
    }
#pragma unroll
    for (int i = 0; i < T; i++) store<MT>(a, tile + i, tiles, row, sum[i]);
}

template <class D, int GROUPED> cu_tile_kernel of(int mt) {
    enum { T = D::ROW_TILES };
    const void *address = mt == 1   ? (const void *)fma<D, T, 1, GROUPED>
                          : mt == 4 ? (const void *)fma<D, T, 4, GROUPED>
                                    : (const void *)fma<D, T, 8, GROUPED>;
    return {address, T, mt, THREADS, 0};
}

} // namespace

extern "C" cu_tile_kernel cu_tile_fma(int value, int grouped, int mt) {
    switch (value) {
    case CU_F32:
        return of<floats<CU_F32>, 0>(mt);
    case CU_F16:
        return of<floats<CU_F16>, 0>(mt);
    case CU_BF16:
        return of<floats<CU_BF16>, 0>(mt);
    case CU_I8:
        return grouped ? of<floats<CU_I8>, 1>(mt) : of<floats<CU_I8>, 0>(mt);
    case CU_F8:
        return of<floats<CU_F8>, 0>(mt);
    default:
        return of<floats<CU_I4>, 1>(mt);
    }
}
