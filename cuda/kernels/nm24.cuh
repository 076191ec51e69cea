/* 2:4 weights in the sparse tensor cores' fragments (cuda/layout/nm24.h), what the kernels of few
 * rows of x and of many share. Int8 or 16 bits, a slice is two mma: two pieces of 16 bytes a lane of
 * W and two of x, 128 columns of int8 or 64 of 16 bits, so that both kernels are written once. */
#ifndef TARE_CUDA_NM24_CUH
#define TARE_CUDA_NM24_CUH

#include "cuda/kernels/tile_int8.cuh"
#include "cuda/layout/nm24.h"

/* Int8: x's 16 bytes are the fragment as they lie. */
struct cu_nm24_8 {
    enum { QUADS = 1, SLICES = 2, BYTES = 1 };
    typedef int32_t sum;
    CU_DEV void fragment(uint4 v, int, uint32_t b[4]) {
        b[0] = v.x;
        b[1] = v.y;
        b[2] = v.z;
        b[3] = v.w;
    }
    template <int Q>
    CU_DEV void multiply(sum d[4], const uint32_t w[4], const uint32_t b[4],
                         const uint32_t places[4], int slice) {
        cu_mma_sp_s8(d, w, b, places[2 * slice + Q]);
    }
    CU_DEV void out(const cu_args &a, int split, int row, int column, sum v) {
        cu_int8_out<cu_int8_8>(a, split, row, column, v);
    }
};

/* 16 bits: of a group of four columns lane 2s gives the mma the first two and lane 2s + 1 the
 * others; they read eight neighbours each, so each hands half of its own to the other. */
template <int BF16> struct cu_nm24_16 {
    enum { QUADS = 2, SLICES = 4, BYTES = 2 };
    typedef float sum;
    CU_DEV void fragment(uint4 v, int odd, uint32_t b[4]) {
        uint32_t first = cu_shfl_xor(odd ? v.x : v.y, 1), second = cu_shfl_xor(odd ? v.z : v.w, 1);
        b[0] = odd ? first : v.x;
        b[1] = odd ? second : v.z;
        b[2] = odd ? v.y : first;
        b[3] = odd ? v.w : second;
    }
    template <int Q>
    CU_DEV void multiply(sum d[4], const uint32_t w[4], const uint32_t b[4],
                         const uint32_t places[4], int slice) {
        if (BF16)
            cu_mma_sp_bf16<Q>(d, w, b, places[slice]);
        else
            cu_mma_sp_f16<Q>(d, w, b, places[slice]);
    }
    CU_DEV void out(const cu_args &a, int split, int row, int column, sum v) {
        cu_tile_out(a, split, row, column, v);
    }
};

/* What a lane holds of T tiles: of a unit its metadata, of a slice its values. */
template <int T> struct cu_nm24_places {
    uint32_t of[T][4];
};
template <int T> struct cu_nm24_values {
    uint32_t of[T][2][4];
};

CU_DEV void cu_nm24_piece_of(const cu_args &a, int quads, int64_t tile, int unit, int piece,
                             int lane, uint32_t w[4]) {
    uint4 v = cu_ldg_stream((const uint4 *)a.w + cu_nm24_piece(a.i[CU_NM24_UNITS], quads, tile,
                                                              unit, piece, lane));
    w[0] = v.x;
    w[1] = v.y;
    w[2] = v.z;
    w[3] = v.w;
}

/* Past the last tile, the last again. */
template <class D, int T>
CU_DEV void cu_nm24_load_places(const cu_args &a, int64_t tile, int64_t tiles, int unit, int lane,
                                cu_nm24_places<T> &p) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        int64_t at = tile + i < tiles ? tile + i : tiles - 1;
        cu_nm24_piece_of(a, D::QUADS, at, unit, 0, lane, p.of[i]);
    }
}
template <class D, int T>
CU_DEV void cu_nm24_load_values(const cu_args &a, int64_t tile, int64_t tiles, int unit, int slice,
                                int lane, cu_nm24_values<T> &v) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        int64_t at = tile + i < tiles ? tile + i : tiles - 1;
#pragma unroll
        for (int q = 0; q < 2; q++)
            cu_nm24_piece_of(a, D::QUADS, at, unit, 1 + 2 * slice + q, lane, v.of[i][q]);
    }
}

/* Where piece p of eight of a slice lies in a row of x, and how many of its bytes there are. */
template <class D> CU_DEV int cu_nm24_column(int unit, int slice, int p) {
    return (unit * D::SLICES + slice) * (128 / D::BYTES) + p * (16 / D::BYTES);
}
template <class D> CU_DEV const char *cu_nm24_x(const cu_args &a, int row, int column) {
    return (const char *)a.x + ((int64_t)row * a.i[CU_TILE_LDX] + column) * D::BYTES;
}

/* A slice by 8 rows of x, whose two fragments are `b`. */
template <class D, int T>
CU_DEV void cu_nm24_multiply(const cu_nm24_values<T> &w, const cu_nm24_places<T> &p, int slice,
                             const uint32_t b[2][4], int tile, typename D::sum d[4]) {
    D::template multiply<0>(d, w.of[tile][0], b[0], p.of[tile], slice);
    D::template multiply<1>(d, w.of[tile][1], b[1], p.of[tile], slice);
}

#endif
