/* What a library leaves to do: y from sums in f32 or int32, whose rows may lie further apart than
 * y's: times the scale of the row of x, times that of the row of W, bias, ReLU, cast. A block does
 * 1024 columns of some rows. */
#include "cuda/kernels/finish.cuh"
#include "cuda/layout/gemm_finish.h"

extern "C" __global__ void __launch_bounds__(256)
    cu_gemm_finish(const __grid_constant__ cu_args a) {
    const float *of_w = (const float *)a.w, *of_x = (const float *)a.aux;
    int64_t ld = a.i[CU_GEMM_FINISH_LD];
    int ints = a.i[CU_GEMM_FINISH_INTS], first = (int)blockIdx.x * CU_GEMM_FINISH_COLUMNS;
    int end = a.n - first < CU_GEMM_FINISH_COLUMNS ? a.n : first + CU_GEMM_FINISH_COLUMNS;
    for (int64_t row = blockIdx.y; row < a.m; row += gridDim.y) {
        float scale = of_x ? of_x[row] : 1.0f;
        for (int column = first + (int)threadIdx.x; column < end; column += 256) {
            int64_t i = row * ld + column;
            float v = ints ? (float)((const int32_t *)a.x)[i] : ((const float *)a.x)[i];
            if (of_x) v = cu_fmul_rn(v, scale);
            if (of_w) v = cu_fmul_rn(v, of_w[column]);
            cu_finish(a, (int)row, column, v);
        }
    }
}
