/* Activations to int8 a row, to the bit as TARE_X_I8 defines it (tare.h), in the order in which
 * mma.m16n8k32 meets the tiles of cuda/layout/tile.h: of a chunk of 64 columns lane t of a row has
 * 16 bytes, columns 8t .. 8t + 7 of its first step, then those of its second. Where weights are
 * int4, the eight are in the order of a word's nibbles. Zeros behind k, to the end of the chunk. Or
 * in plain order, with rows of any length, as libraries want them.
 *
 * A block does one row: its largest magnitude, its codes, and where weights have zero points the
 * sum of the codes of each group. */
#include "cuda/kernels/finish.cuh"
#include "cuda/layout/x_int8.h"

namespace {

enum { THREADS = 256, WARPS = THREADS / 32 };

CU_DEV float largest(const cu_args &a, int64_t row) {
    __shared__ float part[WARPS];
    float most = 0;
    for (int j = threadIdx.x; j < a.k; j += THREADS) {
        float v = cu_load_x(a.x, a.x_type, row * a.k + j);
        v = v < 0 ? -v : v;
        most = v > most ? v : most;
    }
#pragma unroll
    for (int by = 16; by; by /= 2) {
        float other = cu_shfl_xor_f(most, by);
        most = other > most ? other : most;
    }
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = most;
    __syncthreads();
#pragma unroll
    for (int w = 0; w < WARPS; w++) most = part[w] > most ? part[w] : most;
    return most;
}

/* Rows that hold no finite numbers may give any code, but only codes. */
CU_DEV int code(float v, float inverse) {
    float q = cu_rintf(cu_fmul_rn(v, inverse));
    q = q > -127.0f ? q : -127.0f;
    return (int)(q < 127.0f ? q : 127.0f);
}

} // namespace

extern "C" __global__ void __launch_bounds__(THREADS) cu_x_int8(const __grid_constant__ cu_args a) {
    int64_t row = blockIdx.x;
    int stride = a.i[CU_X8_STRIDE], groups = a.i[CU_X8_GROUPS], width = a.i[CU_X8_WIDTH];
    int8_t *codes = (int8_t *)a.y + row * stride;
    float most = largest(a, row);
    int zero = most < 0x1p-100f;
    float inverse = zero ? 0.0f : cu_fdiv_rn(127.0f, most);
    if (threadIdx.x == 0) ((float *)a.extra)[row] = zero ? 0.0f : cu_fdiv_rn(most, 127.0f);
    for (int j = threadIdx.x; j < stride; j += THREADS) {
        int q = 0;
        if (j < a.k) q = code(cu_load_x(a.x, a.x_type, row * a.k + j), inverse);
        codes[a.i[CU_X8_ORDER] ? j : cu_x8_place(j, a.i[CU_X8_NIBBLES])] = (int8_t)q;
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
