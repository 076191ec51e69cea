/* How cu_finish_scaled is called (cuda/kernels/finish_scaled.cu): .x sums, .aux float scales of x a
 * row or null, .w + .at[0] float scales of W's rows (.w null: none), .bias, .y, .y_type, .flags,
 * .m, .n; a thread for each element of y, CU_FINISH_THREADS a block. */
#ifndef TARE_CUDA_FINISH_SCALED_LAYOUT_H
#define TARE_CUDA_FINISH_SCALED_LAYOUT_H

enum { CU_FINISH_THREADS = 256 };

enum {
    CU_FINISH_INTEGER, /* 1: sums are int32; 0: float */
    CU_FINISH_LD       /* elements from one row of sums to the next */
};

#endif
