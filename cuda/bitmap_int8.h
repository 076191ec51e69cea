/* The rows of int8 weights behind a bitmap, or N:M as one, and int8 activations. */
#ifndef TARE_CUDA_BITMAP_INT8_H
#define TARE_CUDA_BITMAP_INT8_H

#include "cuda/cu.h"

/* Packed by cu_bitmap_pack_row (cuda/bitmap.h). */
int cu_bitmap_int8_fit(tare_layout layout, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_bitmap_int8_run(const tare_run_args *a);

#endif
