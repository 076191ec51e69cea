/* Compressed weights with many rows of x: decoded once per run to 16-bit W in scratch, then a dense
 * product by cuBLASLt. Where arithmetic bounds the product, compression saves no time, and the best
 * that a row can do is to lose little: the decoding, which moves the blob in, W out and W in again.
 *
 * The blob is that of the own row, and so is its packing. What is multiplied is exact wherever x's
 * type holds it:
 *
 *   f16 and bf16 values by x of their type: as they are;
 *   i8 scaled by row or tensor: q - zero, the scale is the last pass's;
 *   i8 and i4 scaled by group: scale (q - zero), rounded to x's mantissa, which the problem must
 *   allow (TARE_W_ROUND). In f16 each row of W is moved by a power of two, so that its largest
 *   weight is near the top of f16's range; the last pass moves y back. Weights below 2^-40 of their
 *   row's largest are lost, which no f32 sum would notice either. */
#ifndef TARE_CUDA_ONCE_H
#define TARE_CUDA_ONCE_H

#include "cuda/cu.h"

/* `own`: the row whose blob it is. */
int cu_once_fit(const tare_kernel *own, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_once_pack(const tare_kernel *own, const tare_problem *p, const tare_tensor *t,
                         void *blob, size_t *used);
tare_status cu_once_prepare(void *state, void *stream, const tare_problem *p);
tare_status cu_once_run(const tare_run_args *a);

#endif
