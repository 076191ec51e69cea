/* The rows over cuBLASLt of 8-bit weights and 8-bit activations: x is quantised on the device, the
 * library multiplies codes into sums in scratch, and a pass of ours makes y of them (cuBLASLt has
 * no 16-bit or f32 results for int8, and no f32 bias for f8). Where the library scales f8 by rows
 * itself, and there is no bias, it writes y.
 *
 * The blob: codes, rows and columns padded to 16 with zeros, then a float scale for each row. */
#ifndef TARE_CUDA_GEMM_CODES_H
#define TARE_CUDA_GEMM_CODES_H

#include "cuda/lib/gemm.h"

/* TARE_I8 or TARE_F8 weights. */
int cu_gemm_codes_fit(tare_type type, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_gemm_codes_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                               size_t *used);
tare_status cu_gemm_codes_prepare(void *state, void *stream, const tare_problem *p);
tare_status cu_gemm_codes_run(const tare_run_args *a);

#endif
