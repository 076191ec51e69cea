/* The rows of 2:4 weights on the sparse tensor cores: int8 with int8 activations, f16 and bf16 with
 * activations of their own type. */
#ifndef TARE_CUDA_NM24_H
#define TARE_CUDA_NM24_H

#include "cuda/cu.h"

/* integers: int8 weights and activations; else 16-bit ones. */
int cu_nm24_fit(int integers, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_nm24_pack_row(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used);
tare_status cu_nm24_run(const tare_run_args *a);

#endif
