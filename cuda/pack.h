/* Packing and unpacking on the device, for all rows whose blobs are those of cuda/layout: W as
 * floats in device memory becomes the blob there, to the bit as tare_encode and the row's `pack`
 * make it; and back. */
#ifndef TARE_CUDA_PACK_H
#define TARE_CUDA_PACK_H

#include "cuda/cu.h"

/* `pack_values` of a row: done on return. Bytes that have to move, predicted from what kernels read
 * and write, in bytes a weight beside the blob itself; the floor is 4 everywhere:
 *
 *   tiles of floats, or of integers scaled by group                    4
 *   tiles of integers scaled by row or tensor, bitmaps, N:M, CSR       8, less what L2 still holds
 *   blocks                                                             4, and 4 a weight that stays
 *
 * The host sees one struct of counts, and W itself only where it is refused. */
tare_status cu_pack_values(const tare_problem *p, void *state, void *stream, const void *w,
                           void *blob);
/* `unpack_values` of a row: queued. */
tare_status cu_unpack_values(const tare_problem *p, void *state, void *stream, const void *blob,
                             void *w);

#endif
