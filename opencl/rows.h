/* The rows of the OpenCL backend, one file each. */
#ifndef TARE_OCL_ROWS_H
#define TARE_OCL_ROWS_H

#include "opencl/ocl.h"

extern const tare_kernel matmul_f32_ocl, matmul_f16_ocl, matmul_bf16_ocl, matmul_w8_ocl,
    matmul_w4_ocl, matmul_w8a8_ocl;
extern const tare_kernel matmul_csr_ocl, matmul_bs_ocl, matmul_bitmap_ocl, matmul_nm_ocl;

#ifdef TARE_HAVE_CLBLAST
extern const tare_kernel matmul_f32_clblast;
extern const tare_kernel matmul_f16_clblast;
#endif

#endif
