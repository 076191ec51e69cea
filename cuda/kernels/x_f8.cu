/* Activations to e4m3 a row, to the bit as TARE_X_F8 defines it (tare.h): as codes, which vendors'
 * libraries take, or as the codes' values in halves, which our kernels multiply.
 *
 * A block does one row, eight neighbours a thread at a time: its largest magnitude, then its codes;
 * the second time the row comes from the caches. */
#include "cuda/kernels/x_row.cuh"
#include "cuda/layout/x_f8.h"

namespace {

enum { THREADS = CU_XF8_THREADS, WARPS = THREADS / 32, PIECE = CU_X_PIECE };

CU_DEV uint32_t largest(const cu_args &a, int64_t row) {
    uint32_t most = 0;
    for (int j = threadIdx.x * PIECE; j < a.k; j += THREADS * PIECE) {
        float v[PIECE];
        cu_x_piece(a, row, j, v);
        most = cu_x_larger(v, most);
    }
    return cu_x_largest<WARPS>(most);
}

} // namespace

extern "C" __global__ void __launch_bounds__(THREADS) cu_x_f8(const __grid_constant__ cu_args a) {
    int64_t row = blockIdx.x;
    int halves = a.i[CU_XF8_HALVES], columns = a.i[CU_XF8_STRIDE] / (halves ? 2 : 1);
    char *out = (char *)a.y + row * a.i[CU_XF8_STRIDE];
    float inverse, scale = cu_x_scale(largest(a, row), 448.0f, &inverse);
    if (threadIdx.x == 0) ((float *)a.extra)[row] = scale;
    for (int j = threadIdx.x * PIECE; j < columns; j += THREADS * PIECE) {
        float v[PIECE];
        uint32_t q[PIECE];
        cu_x_piece(a, row, j, v);
#pragma unroll
        for (int i = 0; i < PIECE; i++)
            q[i] = cu_f8_of_float(cu_float_as_uint(cu_fmul_rn(v[i], inverse)));
        if (halves) {
            uint32_t h[4];
#pragma unroll
            for (int i = 0; i < 4; i++) h[i] = cu_e4m3_to_half(q[2 * i] | q[2 * i + 1] << 8);
            ((uint4 *)out)[j / PIECE] = {h[0], h[1], h[2], h[3]};
        } else {
            uint2 bytes = {q[0] | q[1] << 8 | q[2] << 16 | q[3] << 24,
                           q[4] | q[5] << 8 | q[6] << 16 | q[7] << 24};
            ((uint2 *)out)[j / PIECE] = bytes;
        }
    }
}
