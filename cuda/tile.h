/* The rows of dense weights and float x: what they take, how they are packed (cuda/layout/tile.h),
 * and which of three kernels runs:
 *
 *   stream   x in f16 or bf16, W in the same type or integers, up to 32 rows of x
 *   block    the same with more rows
 *   fma      x in f32, or in another 16-bit type than W
 */
#ifndef TARE_CUDA_TILE_ROW_H
#define TARE_CUDA_TILE_ROW_H

#include "cuda/cu.h"

int cu_tile_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_tile_pack_row(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used);
tare_status cu_tile_run(const tare_run_args *a);

#endif
