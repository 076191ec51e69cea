/* Numbers of cu_gemm_finish (cuda/kernels/gemm_finish.cu): sums of a product to y. */
#ifndef TARE_CUDA_GEMM_FINISH_H
#define TARE_CUDA_GEMM_FINISH_H

#include "cuda/args.h"

enum { CU_GEMM_FINISH_COLUMNS = 1024, CU_GEMM_FINISH_ROWS = 65535 }; /* of a block; of a grid */

/* cu_args.i; .x: sums, .w: scales of W's rows, n floats, or null, .aux: scales of x's, m floats. */
enum {
    CU_GEMM_FINISH_LD,  /* elements from row to row of the sums */
    CU_GEMM_FINISH_INTS /* the sums are int32, else f32 */
};

#endif
