/* Numbers of cu_x_f8 (cuda/kernels/x_f8.cu). */
#ifndef TARE_CUDA_X_F8_H
#define TARE_CUDA_X_F8_H

#include "cuda/args.h"

/* cu_args.i; .y: codes, .extra: scales, m floats. */
enum {
    CU_X_F8_STRIDE, /* bytes from row to row */
    CU_X_F8_AS      /* 0: the codes, in bytes */
};

#endif
