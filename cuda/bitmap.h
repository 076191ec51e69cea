/* The rows of weights behind a bitmap and float activations: bitmaps as such, and N:M, of which
 * each group's columns are bits as well. 16-bit activations go to the tensor cores where the values
 * are of their type. */
#ifndef TARE_CUDA_BITMAP_H
#define TARE_CUDA_BITMAP_H

#include "cuda/cu.h"

int cu_bitmap_fit(tare_layout layout, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_bitmap_pack_row(const tare_problem *p, const tare_tensor *t, void *blob,
                               size_t *used);
tare_status cu_bitmap_run(const tare_run_args *a);

#endif
