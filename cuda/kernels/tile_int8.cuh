/* Int8 and int4 weights by int8 activations on the tensor cores (mma.m16n8k32), what the kernels of
 * few rows and of many share. Sums are int32: of a group, which then goes to f32 with its scale, or
 * of all of k, exact to the end. A zero point is not subtracted from weights but from the sum,
 * times the sum of the activations: sum (w - z) x = sum w x - z sum x. Int4 go in as 16 q, the
 * upper half of a byte: a sixteenth of the scale makes it good, exactly. */
#ifndef TARE_CUDA_TILE_INT8_CUH
#define TARE_CUDA_TILE_INT8_CUH

#include "cuda/kernels/finish.cuh"
#include "cuda/kernels/tile_decode.cuh"

/* Fragments of one step from a lane's words of a chunk; the columns that a and b share are named in
 * x_int8.cu. */
struct cu_int8_8 {
    enum { QUADS = 2, ROW_TILES = 2, OFFSET = 128, TIMES = 1 };
    CU_DEV void fragment(const uint32_t *w, int step, uint32_t a[4]) {
        w += step * 4;
        a[0] = w[0] ^ 0x80808080u; /* stored as q + 128 */
        a[1] = w[2] ^ 0x80808080u;
        a[2] = w[1] ^ 0x80808080u;
        a[3] = w[3] ^ 0x80808080u;
    }
};
struct cu_int8_4 {
    enum { QUADS = 1, ROW_TILES = 4, OFFSET = 8, TIMES = 16 };
    /* 0x28: (a ^ b) & c. Stored as q + 8; with the highest bit turned it is q in four bits. */
    CU_DEV uint32_t high(uint32_t w) { return cu_lop3<0x28>(w, 0x80808080u, 0xf0f0f0f0u); }
    CU_DEV void fragment(const uint32_t *w, int step, uint32_t a[4]) {
        w += step * 2;
        a[0] = high(w[0] << 4);
        a[1] = high(w[1] << 4);
        a[2] = high(w[0]);
        a[3] = high(w[1]);
    }
};

/* Zero points of rows g and g + 8 of a tile, in the units of what goes into the product. */
template <class D>
CU_DEV void cu_int8_zeros(const cu_args &a, int64_t tile, int64_t tiles, int group, int g,
                          int32_t z[2]) {
    z[0] = z[1] = 0;
    if (!(a.i[CU_TILE_HEADS] & CU_HAS_ZEROS)) return;
    const uint16_t *zeros = (const uint16_t *)((const char *)a.w + a.at[CU_TILE_ZEROS]);
    int64_t at = tile < tiles ? tile : tiles - 1;
    uint32_t pair = zeros[cu_tile_head(a.i[CU_TILE_GROUPS], at, group, g)];
    z[0] = ((int32_t)(pair & 255) - D::OFFSET) * D::TIMES;
    z[1] = ((int32_t)(pair >> 8) - D::OFFSET) * D::TIMES;
}

/* The sum of a row's codes over a group; rows past the last read as the last. */
CU_DEV int32_t cu_int8_sum(const cu_args &a, int row, int group) {
    const int32_t *sums = (const int32_t *)((const char *)a.aux + a.at[CU_TILE_X_SUMS]);
    int at = row < a.m ? row : a.m - 1;
    return sums[(int64_t)at * a.i[CU_TILE_GROUPS] + group];
}

/* A group is over: its integers, less what the zero points make, times its scales. */
template <class D, int T, int MT>
CU_DEV void cu_int8_flush(const cu_args &a, int64_t tile, int64_t tiles, int row, int group,
                          int32_t part[T][MT][4], float sum[T][MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    int correct = a.i[CU_TILE_HEADS] & CU_HAS_ZEROS;
#pragma unroll
    for (int i = 0; i < T; i++) {
        float s[2];
        int32_t z[2];
        cu_tile_scales(a, tile + i, tiles, group, g, s);
        cu_int8_zeros<D>(a, tile + i, tiles, group, g, z);
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int32_t v = part[i][j][e];
                if (correct) v -= z[e / 2] * cu_int8_sum(a, row + 8 * j + 2 * t + e % 2, group);
                sum[i][j][e] = cu_fma((float)v, s[e / 2] * (1.0f / D::TIMES), sum[i][j][e]);
                part[i][j][e] = 0;
            }
    }
}

/* Element (row of x, column of y) of which all of k, but for other splits, is there. */
template <class D> CU_DEV void cu_int8_end(const cu_args &a, int row, int column, int32_t v) {
    int64_t tile = column / CU_TILE_ROWS;
    int32_t z[2];
    float s[2];
    cu_int8_zeros<D>(a, tile, tile + 1, 0, column % 8, z);
    cu_tile_scales(a, tile, tile + 1, 0, column % 8, s);
    int high = column % CU_TILE_ROWS / 8;
    if (a.i[CU_TILE_HEADS] & CU_HAS_ZEROS) v -= (high ? z[1] : z[0]) * cu_int8_sum(a, row, 0);
    cu_finish(a, row, column, (float)v * (high ? s[1] : s[0]) * ((const float *)a.aux)[row]);
}

template <class D>
CU_DEV void cu_int8_out(const cu_args &a, int split, int row, int column, int32_t v) {
    if (a.i[CU_TILE_SPLITS] > 1)
        ((int32_t *)a.extra)[((int64_t)split * a.m + row) * a.n + column] = v;
    else
        cu_int8_end<D>(a, row, column, v);
}
template <class D>
CU_DEV void cu_int8_out(const cu_args &a, int split, int row, int column, float v) {
    if (a.i[CU_TILE_SPLITS] > 1)
        ((float *)a.extra)[((int64_t)split * a.m + row) * a.n + column] = v;
    else
        cu_finish(a, row, column, v * ((const float *)a.aux)[row]);
}

#endif
