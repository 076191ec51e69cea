/* x as a kernel wants it where it does not lie so: rows of a whole number of 8 elements, zeros
 * behind, as floats or as the 16-bit type that x has. */
#include "cuda/kernels/finish.cuh"

enum { LD, AS };

extern "C" __global__ void __launch_bounds__(256) cu_x_rows(const __grid_constant__ cu_args a) {
    int64_t i = (int64_t)blockIdx.x * 256 + threadIdx.x;
    int column = (int)(i % a.i[LD]);
    int64_t row = i / a.i[LD];
    if (row >= a.m) return;
    int64_t from = row * a.k + column;
    if (a.i[AS] == CU_F32)
        ((float *)a.y)[i] = column < a.k ? cu_load_x(a.x, a.x_type, from) : 0.0f;
    else
        ((uint16_t *)a.y)[i] = column < a.k ? ((const uint16_t *)a.x)[from] : (uint16_t)0;
}
