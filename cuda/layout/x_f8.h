/* How cu_x_f8 is called (cuda/kernels/x_f8.cu): .x rows of x, .y codes, .extra float scales[m], .m,
 * .k, .x_type; a block of CU_XF8_THREADS a row. */
#ifndef TARE_CUDA_X_F8_LAYOUT_H
#define TARE_CUDA_X_F8_LAYOUT_H

enum { CU_XF8_THREADS = 512 };

enum {
    CU_XF8_STRIDE, /* bytes from row to row of .y, a multiple of 16; zeros behind k */
    CU_XF8_HALVES  /* 0: codes, a byte each; 1: their values as halves */
};

#endif
