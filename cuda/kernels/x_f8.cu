/* Activations to f8 (e4m3) a row, to the bit as TARE_X_F8 defines it (tare.h): columns as they
 * come, zeros behind k to the end of the row's bytes. A block does one row. Rounding is done on the
 * bits: compute capability 8.0 has no conversion to f8. */
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

/* Nearest, ties to even. Rows that hold no finite numbers may give any code but NaN's. */
CU_DEV uint8_t code(float v) {
    uint32_t u = cu_float_as_uint(v), sign = u >> 24 & 0x80, a = u & 0x7fffffff;
    if (a >= 0x43e00000) return (uint8_t)(sign | 0x7e); /* 448 and more */
    if (a < 0x3c800000) /* below 2^-6: the adder rounds to multiples of 2^-9 */
        return (uint8_t)(sign | (cu_float_as_uint(cu_fadd_rn(cu_uint_as_float(a), 16384.0f)) -
                                 0x46800000));
    a += 0x7ffff + (a >> 20 & 1);
    return (uint8_t)(sign | (a - 0x3c000000) >> 20);
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
        codes[j] = j < a.k ? code(cu_fmul_rn(cu_load_x(a.x, a.x_type, row * a.k + j), inverse))
                           : (uint8_t)0;
}
