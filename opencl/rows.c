/* The ordered table: best first. There is no reference here: what no row takes, another device
 * does. */
#include "opencl/rows.h"

/* clang-format off */
const tare_kernel *const ocl_rows[] = {
    &matmul_f32_ocl,
    &matmul_f16_ocl,
    &matmul_bf16_ocl,
    &matmul_w8_ocl,
    &matmul_w4_ocl,
    &matmul_w8a8_ocl,
#ifdef TARE_HAVE_CLBLAST
    &matmul_f32_clblast,
    &matmul_f16_clblast,
#endif
    &matmul_csr_ocl,
    &matmul_bs_ocl,
    &matmul_bitmap_ocl,
    &matmul_nm_ocl,
    NULL,
};
