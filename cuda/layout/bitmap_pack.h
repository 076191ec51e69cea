/* The host's side of the bitmap: sizes, packing, and back. */
#ifndef TARE_CUDA_BITMAP_PACK_H
#define TARE_CUDA_BITMAP_PACK_H

#include "cuda/layout/bitmap.h"
#include "src/internal.h"

typedef struct cu_bitmap_shape {
    int64_t tiles, chunks;
    size_t value_bytes, offsets_at, scales_at, values_at;
    size_t most; /* bytes, whatever the positions */
} cu_bitmap_shape;

cu_bitmap_shape cu_bitmap_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz);

/* Of a tensor in bitmap or N:M layout: 2:4 as a bitmap takes the same bits as its column numbers
 * do. `blob` has shape.most bytes, zeroed; gives how many are used. */
size_t cu_bitmap_pack(const tare_tensor *t, void *blob);

/* One row back, as tare_decode_row gives it of the tensor. */
void cu_bitmap_decode_row(const tare_format *f, int64_t n, int64_t k, int64_t nnz, const void *blob,
                          int64_t row, float *out);

#endif
