/* Activations to int8 a row, to the bit as TARE_X_I8 defines it (tare.h), in the order in which
 * mma.m16n8k32 meets the tiles of cuda/layout/tile.h: of a chunk of 64 columns lane t of a row has
 * 16 bytes, columns 8t .. 8t + 7 of its first step, then those of its second. Where weights are
 * int4, the eight are in the order of a word's nibbles. Zeros behind k, to the end of the chunk. Or
 * in plain order, with rows of any length, as libraries want them.
 *
 * A block does one row: its largest magnitude, its codes, and where weights have zero points the
 * sum of the codes of each group. A thread takes 16 bytes of x at a time and keeps what it has read
 * for the second walk, up to 16384 columns a row: few rows wait for memory once. */
#include "cuda/kernels/x_row.cuh"
#include "cuda/layout/x_int8.h"

namespace {

enum { THREADS = CU_X8_THREADS, WARPS = THREADS / 32, PIECE = CU_X_PIECE, KEPT = 4 };

/* Rows that are not finite may give any code, but only codes. */
CU_DEV int code(float v, float inverse) {
    float q = cu_rintf(cu_fmul_rn(v, inverse));
    q = q > -127.0f ? q : -127.0f;
    return (int)(q < 127.0f ? q : 127.0f);
}

/* The codes of a piece, eight bytes; those of int4 in the order 0 4 1 5, 2 6 3 7. */
CU_DEV void store(const float v[PIECE], float inverse, int nibbles, int8_t *to) {
    uint32_t w[2] = {0, 0};
#pragma unroll
    for (int e = 0; e < PIECE; e++)
        w[e / 4] |= (uint32_t)(code(v[e], inverse) & 255) << 8 * (e % 4);
    uint2 out = {w[0], w[1]};
    if (nibbles) out = {cu_prmt(w[0], w[1], 0x5140), cu_prmt(w[0], w[1], 0x7362)};
    *(uint2 *)to = out;
}

CU_DEV int place(const cu_args &a, int column) {
    return a.i[CU_X8_ORDER] ? column : cu_x8_place(column, a.i[CU_X8_NIBBLES]);
}

} // namespace

extern "C" __global__ void __launch_bounds__(THREADS) cu_x_int8(const __grid_constant__ cu_args a) {
    int64_t row = blockIdx.x;
    int stride = a.i[CU_X8_STRIDE], groups = a.i[CU_X8_GROUPS], width = a.i[CU_X8_WIDTH];
    int nibbles = a.i[CU_X8_NIBBLES], pieces = stride / PIECE;
    int8_t *codes = (int8_t *)a.y + row * stride;
    float kept[KEPT][PIECE], v[PIECE], inverse;
    uint32_t most = 0;
#pragma unroll
    for (int i = 0; i < KEPT; i++) cu_x_piece(a, row, (threadIdx.x + i * THREADS) * PIECE, kept[i]);
#pragma unroll
    for (int i = 0; i < KEPT; i++) most = cu_x_larger(kept[i], most);
    for (int p = threadIdx.x + KEPT * THREADS; p < pieces; p += THREADS) {
        cu_x_piece(a, row, p * PIECE, v);
        most = cu_x_larger(v, most);
    }
    most = cu_x_largest<WARPS>(most);
    float scale = cu_x_scale(most, 127.0f, &inverse);
    if (threadIdx.x == 0) ((float *)a.extra)[row] = scale;
#pragma unroll
    for (int i = 0; i < KEPT; i++) {
        int p = threadIdx.x + i * THREADS;
        if (p < pieces) store(kept[i], inverse, nibbles, codes + place(a, p * PIECE));
    }
    for (int p = threadIdx.x + KEPT * THREADS; p < pieces; p += THREADS) {
        cu_x_piece(a, row, p * PIECE, v);
        store(v, inverse, nibbles, codes + place(a, p * PIECE));
    }
    if (!groups) return;
    int32_t *sums = (int32_t *)((char *)a.extra + a.at[0]) + row * groups;
    int lane = threadIdx.x % 32;
    for (int g = threadIdx.x / 32; g < groups; g += WARPS) {
        int32_t sum = 0;
        int end = (g + 1) * width < a.k ? (g + 1) * width : a.k;
        for (int j = g * width + lane; j < end; j += 32)
            sum += code(cu_load_x(a.x, a.x_type, row * a.k + j), inverse);
#pragma unroll
        for (int by = 16; by; by /= 2) sum += (int32_t)cu_shfl_xor((uint32_t)sum, by);
        if (lane == 0) sums[g] = sum;
    }
}
