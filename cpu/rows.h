/* Every kernel row of the CPU backend, one line each; the rows stand at the foot of their files. */
#ifndef TARE_CPU_ROWS_H
#define TARE_CPU_ROWS_H

#include "cpu/cpu.h"

extern const tare_kernel matmul_f32_avx512;
extern const tare_kernel matmul_f32_avx2;
extern const tare_kernel matmul_f32_c;
extern const tare_kernel matmul_f16_avx512;
extern const tare_kernel matmul_f16_avx2;
extern const tare_kernel matmul_f16_c;
extern const tare_kernel matmul_bf16_avx512;
extern const tare_kernel matmul_bf16_avx2;
extern const tare_kernel matmul_bf16_c;
extern const tare_kernel matmul_w8_avx512;
extern const tare_kernel matmul_w8_avx2;
extern const tare_kernel matmul_w8_c;
extern const tare_kernel matmul_w4_avx512;
extern const tare_kernel matmul_w4_avx2;
extern const tare_kernel matmul_w4_c;
extern const tare_kernel matmul_f8_avx512;
extern const tare_kernel matmul_f8_avx2;
extern const tare_kernel matmul_f8_c;
extern const tare_kernel matmul_csr_avx512;
extern const tare_kernel matmul_csr_avx2;
extern const tare_kernel matmul_csr_c;
extern const tare_kernel matmul_bs_avx512;
extern const tare_kernel matmul_bs_avx2;
extern const tare_kernel matmul_bs_c;
extern const tare_kernel matmul_bitmap_avx512;
extern const tare_kernel matmul_bitmap_avx2;
extern const tare_kernel matmul_bitmap_c;
extern const tare_kernel matmul_nm_avx512;
extern const tare_kernel matmul_nm_avx2;
extern const tare_kernel matmul_nm_c;
extern const tare_kernel matmul_any_ref;

/* int8 activations */
extern const tare_kernel matmul_w8a8_vnni;
extern const tare_kernel matmul_w8a8_avx2;
extern const tare_kernel matmul_w8a8_c;
extern const tare_kernel matmul_w4a8_vnni;
extern const tare_kernel matmul_w4a8_avx2;
extern const tare_kernel matmul_w4a8_c;
extern const tare_kernel matmul_nm24i8_vbmi2;
extern const tare_kernel matmul_nm24i8_avx2;
extern const tare_kernel matmul_nm24i8_c;
extern const tare_kernel matmul_bsi8_vnni;
extern const tare_kernel matmul_bitmapi8_vbmi2;
extern const tare_kernel matmul_bitmapi8_avx2;
extern const tare_kernel matmul_bitmapi8_c;

/* of libraries that are opened at run time */
extern const tare_kernel matmul_f32_openblas;
extern const tare_kernel matmul_f32_onednn;
extern const tare_kernel matmul_bf16_onednn;
extern const tare_kernel matmul_w8a8_onednn;

#endif
