/* Every row of the CUDA backend; each stands at the foot of the file of its name. */
#ifndef TARE_CUDA_ROWS_H
#define TARE_CUDA_ROWS_H

#include "cuda/cu.h"

extern const tare_kernel matmul_f32_cu;
extern const tare_kernel matmul_f16_cu;
extern const tare_kernel matmul_bf16_cu;
extern const tare_kernel matmul_w8_cu;
extern const tare_kernel matmul_w4_cu;
extern const tare_kernel matmul_f8_cu;
extern const tare_kernel matmul_f8a8_cu;
extern const tare_kernel matmul_w8a8_cu;
extern const tare_kernel matmul_w4a8_cu;
extern const tare_kernel matmul_bitmap_cu;
extern const tare_kernel matmul_bitmapi8_cu;
extern const tare_kernel matmul_nm24_cu;
extern const tare_kernel matmul_nm24i8_cu;
extern const tare_kernel matmul_nm_cu;
extern const tare_kernel matmul_nmi8_cu;
extern const tare_kernel matmul_csr_cu;
extern const tare_kernel matmul_bs_wgmma;
extern const tare_kernel matmul_bs_cu;
extern const tare_kernel matmul_f32_cublaslt;
extern const tare_kernel matmul_tf32_cublaslt;
extern const tare_kernel matmul_f16_cublaslt;
extern const tare_kernel matmul_bf16_cublaslt;
extern const tare_kernel matmul_w8a8_cublaslt;
extern const tare_kernel matmul_f8_cublaslt;
extern const tare_kernel matmul_w8_cublaslt;
extern const tare_kernel matmul_w4_cublaslt;
extern const tare_kernel matmul_bitmap_cublaslt;
extern const tare_kernel matmul_nm_cublaslt;
extern const tare_kernel matmul_csr_cublaslt;
extern const tare_kernel matmul_bs_cublaslt;
extern const tare_kernel matmul_csr_cusparse;
extern const tare_kernel matmul_bs_cusparse;
extern const tare_kernel matmul_nm24f16_cusparselt;
extern const tare_kernel matmul_nm24bf16_cusparselt;
extern const tare_kernel matmul_nm24i8_cusparselt;
extern const tare_kernel matmul_nm24f8_cusparselt;
extern const tare_kernel matmul_bsi8_cu;

#endif
