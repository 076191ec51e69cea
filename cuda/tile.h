/* The rows of dense weights and float x: what they take, how they are packed (cuda/layout/tile.h),
 * and which of three kernels runs:
 *
 *   stream   x in f16 or bf16, W in the same type, integers or f8, up to 32 rows of x
 *   block    the same with more rows
 *   fma      x in f32, or in another 16-bit type than W
 */
#ifndef TARE_CUDA_TILE_ROW_H
#define TARE_CUDA_TILE_ROW_H

#include "cuda/cu.h"

int cu_tile_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_tile_pack_row(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used);
tare_status cu_tile_run(const tare_run_args *a);

/* Rows of x as the kernels read them: `ld` elements from one to the next, a multiple of 8; scales:
 * what each row's sums are multiplied by, null: 1. */
typedef struct cu_tile_x {
    const void *rows;
    int32_t ld;
    const float *scales;
} cu_tile_x;

/* Scratch of cu_tile_product, with up to p->m rows. */
size_t cu_tile_splits_bytes(const tare_problem *p);
/* The product alone, queued: of problem p, which may call x another type than a->problem does. */
tare_status cu_tile_product(const tare_run_args *a, const tare_problem *p, const cu_tile_x *x,
                            void *splits);

#endif
