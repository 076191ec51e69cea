/* The host's side of pairs of int8 squares: sizes, packing, and back. */
#ifndef TARE_CUDA_BLOCKS_INT8_PACK_H
#define TARE_CUDA_BLOCKS_INT8_PACK_H

#include "cuda/layout/blocks_int8.h"
#include "src/internal.h"

typedef struct cu_pairs_shape {
    int64_t tiles, most_pairs;
    size_t columns_at, scales_at, values_at;
    size_t most; /* bytes, whatever the positions */
} cu_pairs_shape;

/* Of a block-sparse format of n x k whose values are i8 with a scale by row or tensor. */
cu_pairs_shape cu_pairs_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz);

/* `blob` has shape.most bytes, zeroed; *used: how many are. */
tare_status cu_pairs_pack(const tare_tensor *t, void *blob, size_t *used);

/* One row back, as tare_decode_row gives it of the tensor. */
void cu_pairs_decode_row(const tare_format *f, int64_t n, int64_t k, int64_t nnz, const void *blob,
                         int64_t row, float *out);

#endif
