/* Activations to e4m3 a row, to the bit as TARE_X_F8 defines it (tare.h): a code a byte in the order
 * of the columns, zeros behind k. A block does one row: its largest magnitude, then its codes. */
#include "cuda/kernels/finish.cuh"
#include "cuda/layout/x_f8.h"

namespace {

enum { THREADS = CU_XF8_THREADS, WARPS = THREADS / 32 };

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

/* The nearest code, ties to even, 448 past that. Below 2^-6 the grid is 2^-9, which is the unit of
 * the last place of 2^14. */
CU_DEV uint8_t code(float v) {
    uint32_t u = cu_float_as_uint(v), sign = u >> 24 & 0x80u, a = u & 0x7fffffffu;
    if (a >= 0x43e00000u) return (uint8_t)(sign | 0x7e);
    if (a < 0x3c800000u)
        return (uint8_t)(sign | (cu_float_as_uint(cu_fadd_rn(cu_uint_as_float(a), 0x1p14f)) &
                                 0x7fffffu));
    a += 0x7ffffu + (a >> 20 & 1u);
    return (uint8_t)(sign | (a - 0x3c000000u) >> 20);
}

} // namespace

extern "C" __global__ void __launch_bounds__(THREADS) cu_x_f8(const __grid_constant__ cu_args a) {
    int64_t row = blockIdx.x;
    int stride = a.i[CU_XF8_STRIDE];
    uint8_t *codes = (uint8_t *)a.y + row * stride;
    float most = largest(a, row);
    int zero = most < 0x1p-100f;
    float inverse = zero ? 0.0f : cu_fdiv_rn(448.0f, most);
    if (threadIdx.x == 0) ((float *)a.extra)[row] = zero ? 0.0f : cu_fdiv_rn(most, 448.0f);
    for (int j = threadIdx.x; j < stride; j += THREADS)
        codes[j] = j < a.k ? code(cu_fmul_rn(cu_load_x(a.x, a.x_type, row * a.k + j), inverse)) : 0;
}
