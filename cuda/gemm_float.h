/* The rows over cuBLASLt of dense float weights and x of the same type.
 *
 * The library finishes y by itself where that is exact: sums in f32, bias in f32 (so y in f32),
 * ReLU, y rounded once to x's type, and rows of y that begin at multiples of 16 bytes. Everything
 * else (a bias with 16-bit y, which it would want in 16 bits; y in the other 16-bit type; odd n) is
 * f32 sums in scratch and one pass of ours. W's rows are padded to 8 columns, and x is copied so
 * where k is no multiple of 8: rows that begin at multiples of 16 bytes are what tensor cores want.
 */
#ifndef TARE_CUDA_GEMM_FLOAT_H
#define TARE_CUDA_GEMM_FLOAT_H

#include "cuda/lib/gemm.h"

/* `sums`: CU_GEMM_TF32 takes problems that allow it, and no others. */
int cu_gemm_float_fit(tare_type type, cu_gemm_sums sums, const tare_rates *r, const tare_problem *p,
                      tare_fit *f);
tare_status cu_gemm_float_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                               size_t *used);
tare_status cu_gemm_float_prepare(cu_gemm_sums sums, void *stream, const tare_problem *p);
tare_status cu_gemm_float_run(cu_gemm_sums sums, const tare_run_args *a);

#endif
