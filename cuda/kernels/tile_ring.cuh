/* A warp's walk over its tiles of dense weights (cuda/layout/tile.h) in units of two chunks = 128
 * columns, which hold one, two or four groups: what it will need next is on its way to shared
 * memory (cp.async), so that bytes under way cost no registers.
 *
 * Words: each lane copies and reads its own 16 bytes, so no lane waits for another, and no two meet
 * in a bank. Scales and zero points, of a unit at a time: lane (g, t) copies those of rows g and
 * g + 8 of tile t, and reads those of all tiles at once.
 *
 * Past the last unit and past the last tile addresses stay on the last one; x is zero there, or
 * nothing is stored. */
#ifndef TARE_CUDA_TILE_RING_CUH
#define TARE_CUDA_TILE_RING_CUH

#include "cuda/kernels/tile_decode.cuh"

template <int Q, int T, int GROUPED, int ZEROS> struct cu_ring {
    enum { UNITS = GROUPED ? 2 : 1, GROUPS = 4 };
    uint4 words[2][T * Q][32]; /* of even and odd chunks */
    uint32_t scales[UNITS][GROUPED ? GROUPS : 1][8][T];
    uint32_t zeros[UNITS][GROUPED && ZEROS ? GROUPS : 1][T][4];
};

/* A lane's words of a chunk. */
template <int Q, int T>
CU_DEV void cu_ring_words(const uint4 from[T * Q][32], uint32_t words[T][4 * Q]) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < T * Q; i++) {
        uint4 v = from[i][lane];
        uint32_t *to = &words[i / Q][i % Q * 4];
        to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
    }
}

/* Where a lane reads: rows of T tiles, from the first column. */
template <int Q, int T> struct cu_walk {
    const char *words[T], *scales, *zeros;
    int chunks, groups, shift; /* a group is 2^shift steps */

    CU_DEV cu_walk of(const cu_args &a, int64_t tile) {
        int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
        int64_t last = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS - 1;
        cu_walk v;
        v.chunks = a.i[CU_TILE_CHUNKS];
        v.groups = a.i[CU_TILE_GROUPS];
        v.shift = a.i[CU_TILE_FLUSH] / 2; /* 1, 2, 4 steps */
#pragma unroll
        for (int i = 0; i < T; i++) {
            v.words[i] =
                (const char *)a.w +
                16 * cu_tile_quad(v.chunks, Q, tile + i < last ? tile + i : last, 0, 0, lane);
            cu_keep(v.words[i]);
        }
        int64_t head = cu_tile_head(v.groups, tile + t < last ? tile + t : last, 0, 0);
        v.scales = (const char *)a.w + a.at[CU_TILE_SCALES] + 4 * (head + g);
        v.zeros = (const char *)a.w + a.at[CU_TILE_ZEROS] + 2 * head + 4 * (g % 4);
        return v;
    }

    /* The zero points of rows g and g + 8 of tile i where all of k shares them. */
    CU_DEV uint32_t row_zeros(const cu_args &a, int64_t tile) {
        int64_t last = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS - 1;
        const uint16_t *zeros = (const uint16_t *)((const char *)a.w + a.at[CU_TILE_ZEROS]);
        return zeros[cu_tile_head(1, tile < last ? tile : last, 0, threadIdx.x % 32 / 4)];
    }

    /* Copies chunk `odd` of a unit and, with its first, the unit's heads; to be committed. */
    template <int GROUPED, int ZEROS>
    CU_DEV void fetch(const cu_walk &v, cu_ring<Q, T, GROUPED, ZEROS> &r, int unit, int odd,
                      int turn) {
        int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, chunk = 2 * unit + odd;
        if (chunk < v.chunks) {
#pragma unroll
            for (int i = 0; i < T; i++) {
                const char *from = v.words[i] + (int64_t)chunk * (Q * 512);
#pragma unroll
                for (int q = 0; q < Q; q++)
                    cu_cp_async16_stream(&r.words[odd][i * Q + q][lane], from + q * 512);
            }
            if (GROUPED && !odd && t < T) {
                int first = unit << (2 - v.shift);
#pragma unroll 1
                for (int i = 0; i < 4 >> v.shift; i++) {
                    int group = first + i < v.groups ? first + i : v.groups - 1;
                    cu_cp_async4(&r.scales[turn][i][g][t], v.scales + (int64_t)group * 32);
                    if (ZEROS && g < 4)
                        cu_cp_async4(&r.zeros[turn][i][t][g], v.zeros + (int64_t)group * 16);
                }
            }
        }
    }
};

/* A group is over: its integer sums times its scales. */
template <int T, int MT>
CU_DEV void cu_ring_flush(const uint32_t scales[8][T], float part[T][MT][4], float sum[T][MT][4]) {
    int g = threadIdx.x % 32 / 4;
#pragma unroll
    for (int i = 0; i < T; i++) {
        uint32_t pair = scales[g][i];
        float low = cu_half_to_float((uint16_t)pair),
              high = cu_half_to_float((uint16_t)(pair >> 16));
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                sum[i][j][e] = cu_fma(part[i][j][e], e < 2 ? low : high, sum[i][j][e]);
                part[i][j][e] = 0;
            }
    }
}

/* The zero points of rows g and g + 8 of a group, as the layout has them: decoders make theirs of
 * them when they want them, which costs less than the registers. */
template <int T> CU_DEV void cu_ring_zeros(const uint32_t from[T][4], uint32_t zeros[T]) {
    int g = threadIdx.x % 32 / 4;
#pragma unroll
    for (int i = 0; i < T; i++) zeros[i] = ((const uint16_t *)from[i])[g];
}

#endif
