/* The rows of dense int8 and int4 weights and int8 activations: x is quantised a row on the device
 * (cuda/kernels/x_int8.cu), the product runs on the tensor cores over the same tiles as with float
 * activations. */
#ifndef TARE_CUDA_TILE_INT8_H
#define TARE_CUDA_TILE_INT8_H

#include "cuda/cu.h"

int cu_tile_int8_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_tile_int8_run(const tare_run_args *a);

#endif
