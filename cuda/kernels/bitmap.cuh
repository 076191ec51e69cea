/* What the kernels of bitmap weights share: the values of a chunk come to shared memory as they
 * lie; each lane knows from a scan of the warp's popcounts where its own begin, and puts them where
 * its mask says, as fragments of mma.m16n8k16 (cuda/layout/bitmap.h). */
#ifndef TARE_CUDA_BITMAP_CUH
#define TARE_CUDA_BITMAP_CUH

#include "cuda/kernels/tile_decode.cuh"
#include "cuda/layout/bitmap.h"

/* Where the values of a chunk lie, in pieces of 16 bytes. */
struct cu_bitmap_span {
    uint32_t begin, end;
};

/* Queues the values of a chunk of STAGE bytes at most; `values` and `to` from the lane's first
 * piece on. */
template <int STAGE>
CU_DEV void cu_bitmap_fetch(const char *values, const cu_bitmap_span &s, unsigned char *to) {
    const char *from = values + (int64_t)s.begin * CU_BITMAP_PIECE;
    int pieces = (int)(s.end - s.begin) - (int)(threadIdx.x % 32);
#pragma unroll
    for (int i = 0; i < STAGE / 512; i++)
        if (pieces > 32 * i) cu_cp_async16(to + 512 * i, from + 512 * i, 16);
}

/* The sum of what the lanes before this one have. */
CU_DEV uint32_t cu_bitmap_before(uint32_t own, int lane) {
    uint32_t sum = own;
#pragma unroll
    for (int by = 1; by < 32; by *= 2) {
        uint32_t below = cu_shfl_up(sum, by);
        if (lane >= by) sum += below;
    }
    return sum - own;
}

/* Eight positions of a row as pairs of 16 bits; `before`: the value before the next. (Counted up
 * before the load, an address needs no copy.) */
CU_DEV void cu_bitmap_pairs(uint32_t mask, const uint16_t *&before, uint32_t w[4]) {
#pragma unroll
    for (int e = 0; e < 8; e++) {
        if (e % 2 == 0) w[e / 2] = 0;
        if (!(mask & 1u << e)) continue;
        uint32_t v = *++before;
        w[e / 2] = e % 2 ? cu_prmt(w[e / 2], v, 0x5410) : v;
    }
}

/* Step s of a lane's mask as fragments of two mma, of its columns 0 .. 3 and 4 .. 7; `before`
 * goes on. */
CU_DEV void cu_bitmap_step(uint32_t mask, int s, const uint16_t *&before, uint32_t f[2][4]) {
    uint32_t low[4], high[4];
    cu_bitmap_pairs(mask >> 16 * s, before, low);
    cu_bitmap_pairs(mask >> (16 * s + 8), before, high);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        f[i / 2][i % 2 * 2] = low[i];
        f[i / 2][i % 2 * 2 + 1] = high[i];
    }
}

#endif
