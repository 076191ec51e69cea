/* Weights of a tile (cuda/layout/tile.h) as what multiplies: fragments for the tensor cores, or
 * floats. A decoder is a struct of static functions over the words that a lane holds of a chunk.
 *
 * Integers go in as the exact q - zero, which a half (to 2048) and a bf16 (to 256) hold; scales
 * stay outside, in f32. Their zero points arrive as the unsigned number z beside the stored
 * integer. */
#ifndef TARE_CUDA_TILE_DECODE_CUH
#define TARE_CUDA_TILE_DECODE_CUH

#include "cuda/kernels/finish.cuh"
#include "cuda/layout/tile.h"

/* What a decoder wants of a zero point, made once a group. */
struct cu_zero {
    uint32_t a, b;
};

template <int BF16> CU_DEV void cu_mma_float(float d[4], const uint32_t a[4], const uint32_t b[2]) {
    if (BF16)
        cu_mma_bf16(d, a, b);
    else
        cu_mma_f16(d, a, b);
}

/* f16 and bf16 as they are: a[mma][4]. */
template <int IS_BF16> struct cu_tile_16 {
    enum { QUADS = 4, BF16 = IS_BF16, ROW_TILES = 1, INTEGER = 0, X_SCALED = 0 };
    CU_DEV cu_zero zero(uint32_t) { return {0, 0}; }
    CU_DEV void fragments(const uint32_t *w, int step, const cu_zero *, uint32_t a[2][4]) {
        w += step * 8;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            a[i][0] = w[2 * i];
            a[i][1] = w[4 + 2 * i];
            a[i][2] = w[2 * i + 1];
            a[i][3] = w[4 + 2 * i + 1];
        }
    }
};

/* i8: a byte becomes the mantissa of 1024 + byte; in bf16, whose mantissa is a byte too short, of
 * the float 2^23 + byte, whose difference is then cut. */
template <int IS_BF16> struct cu_tile_8 {
    enum { QUADS = 2, BF16 = IS_BF16, ROW_TILES = 2, INTEGER = 1, NO_ZERO = 128, X_SCALED = 0 };
    CU_DEV cu_zero zero(uint32_t z) {
        if (BF16) return {cu_float_as_uint(8388608.0f + (float)z), 0};
        return {0x64006400u + z * 0x10001u, 0};
    }
    /* Bytes i and i + 1. */
    CU_DEV uint32_t pair(uint32_t w, int i, const cu_zero &z) {
        if (!BF16) return cu_h2sub(cu_prmt(w, 0x64646464u, i ? 0x4342 : 0x4140), z.a);
        float zero = cu_uint_as_float(z.a);
        float low = cu_uint_as_float(cu_prmt(w, 0x4b000000u, 0x7440 | i)) - zero;
        float high = cu_uint_as_float(cu_prmt(w, 0x4b000000u, 0x7440 | (i + 1))) - zero;
        return cu_prmt(cu_float_as_uint(low), cu_float_as_uint(high), 0x7632);
    }
    CU_DEV void fragments(const uint32_t *w, int step, const cu_zero *z, uint32_t a[2][4]) {
        w += step * 4;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            a[i][0] = pair(w[i], 0, z[0]);
            a[i][1] = pair(w[2 + i], 0, z[1]);
            a[i][2] = pair(w[i], 2, z[0]);
            a[i][3] = pair(w[2 + i], 2, z[1]);
        }
    }
};

/* i4: two nibbles become the mantissas of 1024 + n, or of 1024 + 16 n, a sixteenth of which is
 * 64 + n; in bf16 of 128 + n. */
template <int IS_BF16> struct cu_tile_4 {
    enum { QUADS = 1, BF16 = IS_BF16, ROW_TILES = 4, INTEGER = 1, NO_ZERO = 8, X_SCALED = 0 };
    CU_DEV cu_zero zero(uint32_t z) {
        if (BF16) return {0xc300c300u + z * 0x10001u, 0};
        return {0x64006400u + z * 0x10001u, 0xd400d400u + z * 0x100010u};
    }
    /* Columns 2p and 2p + 1. 0xea: (a & b) | c. */
    CU_DEV uint32_t pair(uint32_t w, int p, const cu_zero &z) {
        if (BF16) {
            uint32_t v = cu_lop3<0xea>(w >> 4 * p, 0x000f000fu, 0x43004300u);
            return cu_b2fma(v, 0x3f803f80u, z.a);
        }
        if (p & 2) w >>= 8;
        if (!(p & 1)) return cu_h2sub(cu_lop3<0xea>(w, 0x000f000fu, 0x64006400u), z.a);
        return cu_h2fma(cu_lop3<0xea>(w, 0x00f000f0u, 0x64006400u), 0x2c002c00u, z.b);
    }
    CU_DEV void fragments(const uint32_t *w, int step, const cu_zero *z, uint32_t a[2][4]) {
        w += step * 2;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            a[i][0] = pair(w[0], 2 * i, z[0]);
            a[i][1] = pair(w[1], 2 * i, z[1]);
            a[i][2] = pair(w[0], 2 * i + 1, z[0]);
            a[i][3] = pair(w[1], 2 * i + 1, z[1]);
        }
    }
};

/* f8: every e4m3 is a half and a bf16 (cuda/layout/f8.h). */
template <int IS_BF16> struct cu_tile_f8 {
    enum { QUADS = 2, BF16 = IS_BF16, ROW_TILES = 2, INTEGER = 0, X_SCALED = 1 };
    CU_DEV cu_zero zero(uint32_t) { return {0, 0}; }
    /* Bytes i and i + 1. */
    CU_DEV uint32_t pair(uint32_t w, int i) {
        if (!BF16) return cu_e4m3_to_half(w >> 8 * i);
        return cu_b2fma(cu_f8_to_bf16(cu_prmt(w, 0, i ? 0x3424 : 0x1404)), CU_F8_BF16, 0);
    }
    CU_DEV void fragments(const uint32_t *w, int step, const cu_zero *, uint32_t a[2][4]) {
        w += step * 4;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            a[i][0] = pair(w[i], 0);
            a[i][1] = pair(w[2 + i], 0);
            a[i][2] = pair(w[i], 2);
            a[i][3] = pair(w[2 + i], 2);
        }
    }
};

/* ---- what the kernels share ---- */

/* A lane's words of a chunk, for T neighbouring tiles; past the last tile, the last again. */
template <class D, int T>
CU_DEV void cu_tile_load(const cu_args &a, int64_t tile, int64_t tiles, int chunk, int lane,
                         uint32_t w[T][4 * D::QUADS]) {
    const uint4 *from = (const uint4 *)a.w;
#pragma unroll
    for (int i = 0; i < T; i++) {
        int64_t at = tile + i < tiles ? tile + i : tiles - 1;
#pragma unroll
        for (int q = 0; q < D::QUADS; q++) {
            uint4 v = cu_ldg_stream(
                from + cu_tile_quad(a.i[CU_TILE_CHUNKS], D::QUADS, at, chunk, q, lane));
            w[i][4 * q] = v.x;
            w[i][4 * q + 1] = v.y;
            w[i][4 * q + 2] = v.z;
            w[i][4 * q + 3] = v.w;
        }
    }
}

/* The scales of rows g and g + 8 of a tile: of a group, or of all of k. */
CU_DEV void cu_tile_scales(const cu_args &a, int64_t tile, int64_t tiles, int group, int g,
                           float s[2]) {
    const char *scales = (const char *)a.w + a.at[CU_TILE_SCALES];
    int64_t at = tile < tiles ? tile : tiles - 1;
    if (a.i[CU_TILE_FLUSH]) {
        uint32_t pair = ((const uint32_t *)scales)[cu_tile_head(a.i[CU_TILE_GROUPS], at, group, g)];
        s[0] = cu_half_to_float((uint16_t)pair);
        s[1] = cu_half_to_float((uint16_t)(pair >> 16));
    } else {
        s[0] = ((const float *)scales)[at * CU_TILE_ROWS + g];
        s[1] = ((const float *)scales)[at * CU_TILE_ROWS + g + 8];
    }
}

/* The scale of a row of x, where x was quantised. */
CU_DEV float cu_tile_x_scale(const cu_args &a, int row) {
    return a.aux ? ((const float *)a.aux)[row] : 1.0f;
}

/* A sum is whole, or whole but for the other splits: scaled where all of k has one scale, and
 * stored. X_SCALED: x may have been quantised; a kernel whose x never is spares the registers. */
template <int X_SCALED = 0>
CU_DEV void cu_tile_out(const cu_args &a, int split, int row, int column, float v) {
    if (!a.i[CU_TILE_FLUSH] && (a.i[CU_TILE_HEADS] & CU_HAS_SCALES))
        v *= ((const float *)((const char *)a.w + a.at[CU_TILE_SCALES]))[column];
    if (a.i[CU_TILE_SPLITS] > 1)
        ((float *)a.extra)[((int64_t)split * a.m + row) * a.n + column] = v;
    else
        cu_finish(a, row, column, X_SCALED ? v * cu_tile_x_scale(a, row) : v);
}

#endif
