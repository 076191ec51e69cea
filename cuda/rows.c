/* The ordered table: best first. There is no reference here: what no row takes, another device
 * does. */
#include "cuda/rows.h"

/* clang-format off */
const tare_kernel *const cu_rows[] = {
    &matmul_f32_cu,
    &matmul_f16_cu,
    &matmul_bf16_cu,
    &matmul_w8_cu,
    &matmul_w4_cu,
    &matmul_f8_cu,
    &matmul_f8a8_cu,
    &matmul_w8a8_cu,
    &matmul_w4a8_cu,
    &matmul_bitmap_cu,
    &matmul_nm_cu,
    &matmul_csr_cu,
    &matmul_bs_cu,
    &matmul_f32_cublaslt,
    &matmul_tf32_cublaslt,
    &matmul_f16_cublaslt,
    &matmul_bf16_cublaslt,
    &matmul_w8a8_cublaslt,
    &matmul_f8_cublaslt,
    &matmul_w8_cublaslt,
    &matmul_w4_cublaslt,
    &matmul_bitmap_cublaslt,
    &matmul_nm_cublaslt,
    &matmul_csr_cublaslt,
    &matmul_bs_cublaslt,
    &matmul_csr_cusparse,
    &matmul_bs_cusparse,
    &matmul_nm24f16_cusparselt,
    &matmul_nm24bf16_cusparselt,
    &matmul_nm24i8_cusparselt,
    &matmul_nm24f8_cusparselt,
    NULL,
};
