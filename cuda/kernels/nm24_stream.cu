/* 2:4 weights by few rows of x on the sparse tensor cores: bound by the bytes of W, 0.625 a position
 * of int8 and 1.125 of 16 bits, which go from memory to registers and from there, as they are, to
 * mma.sp. A block has T tiles of W and 8 MT rows of x; its eight warps, and the blocks along y, share
 * out k in units of 256 columns. A slice of a unit is loaded while the one before is multiplied.
 *
 * Lane-instructions a position at MT = 1, counted in the machine code for sm_90a: 0.9 of int8 and 2.0
 * of 16 bits (whose x swaps halves), of about 6 and 11 that an H100 has at full bandwidth. Not yet run
 * on a device. */
#include "cuda/kernels/nm24.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS, T = 2 };

template <int MT> struct slice_of_x {
    uint4 of[2][MT];
};

template <class D, int MT>
CU_DEV void load_x(const cu_args &a, int row, int unit, int slice, int lane, slice_of_x<MT> &x) {
#pragma unroll
    for (int q = 0; q < 2; q++)
#pragma unroll
        for (int j = 0; j < MT; j++) {
            int r = row + 8 * j + lane / 4, c = cu_nm24_column<D>(unit, slice, 4 * q + lane % 4);
            x.of[q][j] = {0, 0, 0, 0};
            if (r < a.m && c < a.i[CU_TILE_LDX]) x.of[q][j] = cu_ldg16(cu_nm24_x<D>(a, r, c));
        }
}

template <class D, int MT>
CU_DEV void multiply(const cu_nm24_values<T> &w, const cu_nm24_places<T> &p, int slice,
                     const slice_of_x<MT> &x, typename D::sum sum[T][MT][4]) {
    int odd = threadIdx.x & 1;
#pragma unroll
    for (int j = 0; j < MT; j++) {
        uint32_t b[2][4];
        D::fragment(x.of[0][j], odd, b[0]);
        D::fragment(x.of[1][j], odd, b[1]);
#pragma unroll
        for (int i = 0; i < T; i++) cu_nm24_multiply<D, T>(w, p, slice, b, i, sum[i][j]);
    }
}

/* The warps' sums of a tile through shared memory. */
template <class D, int MT>
CU_DEV void store(const cu_args &a, int64_t tile, int64_t tiles, int row,
                  typename D::sum sum[MT][4]) {
    enum { COLUMNS = 8 * MT };
    __shared__ typename D::sum all[WARPS][CU_TILE_ROWS][COLUMNS];
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
        typename D::sum v = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) v += all[w][r][c];
        if (row + c < a.m && column < a.n) D::out(a, blockIdx.y, row + c, column, v);
    }
}

template <class D, int MT>
__global__ void __launch_bounds__(THREADS, MT == 4 ? 1 : 2)
    stream(const __grid_constant__ cu_args a) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, units = a.i[CU_NM24_UNITS];
    int64_t tiles = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS, tile = (int64_t)blockIdx.x * T;
    int row = (int)blockIdx.z * 8 * MT, stride = WARPS * a.i[CU_TILE_SPLITS];
    int unit = (int)blockIdx.y * WARPS + warp;
    typename D::sum sum[T][MT][4] = {};
    cu_nm24_places<T> places, places_ahead;
    cu_nm24_values<T> w, w_ahead;
    slice_of_x<MT> x, x_ahead;
    if (unit < units) {
        cu_nm24_load_places<D, T>(a, tile, tiles, unit, lane, places_ahead);
        cu_nm24_load_values<D, T>(a, tile, tiles, unit, 0, lane, w_ahead);
        load_x<D, MT>(a, row, unit, 0, lane, x_ahead);
    }
    for (; unit < units; unit += stride) {
        places = places_ahead;
#pragma unroll
        for (int s = 0; s < D::SLICES; s++) {
            int last = s + 1 == D::SLICES, after = last ? unit + stride : unit;
            w = w_ahead;
            x = x_ahead;
            if (last && after < units)
                cu_nm24_load_places<D, T>(a, tile, tiles, after, lane, places_ahead);
            if (after < units) {
                cu_nm24_load_values<D, T>(a, tile, tiles, after, last ? 0 : s + 1, lane, w_ahead);
                load_x<D, MT>(a, row, after, last ? 0 : s + 1, lane, x_ahead);
            }
            multiply<D, MT>(w, places, s, x, sum);
        }
    }
#pragma unroll
    for (int i = 0; i < T; i++) store<D, MT>(a, tile + i, tiles, row, sum[i]);
}

template <class D> const void *of(int mt) {
    return mt == 1   ? (const void *)stream<D, 1>
           : mt == 2 ? (const void *)stream<D, 2>
                     : (const void *)stream<D, 4>;
}

} // namespace

extern "C" cu_tile_kernel cu_nm24_stream(int value, int mt) {
    return {value == CU_I8    ? of<cu_nm24_8>(mt)
            : value == CU_F16 ? of<cu_nm24_16<0>>(mt)
                              : of<cu_nm24_16<1>>(mt),
            T, 8 * mt, THREADS, 0};
}
