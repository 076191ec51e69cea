/* The host's side of block-sparse weights as wgmma's tiles: sizes, packing, and back. */
#ifndef TARE_CUDA_SLABS_PACK_H
#define TARE_CUDA_SLABS_PACK_H

#include "cuda/layout/slabs.h"
#include "src/internal.h"

typedef struct cu_slabs_shape {
    int64_t groups, most_tiles;
    size_t columns_at, values_at;
    size_t most; /* bytes, whatever the positions */
} cu_slabs_shape;

/* Of blocks whose sides are multiples of CU_SLAB. */
cu_slabs_shape cu_slabs_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz);

/* `blob` has shape.most bytes, zeroed; gives how many are used. TARE_E_NOMEM. */
tare_status cu_slabs_pack(const tare_tensor *t, void *blob, size_t *used);

/* One row back, as tare_decode_row gives it of the tensor. */
void cu_slabs_decode_row(const tare_format *f, int64_t n, int64_t k, int64_t nnz, const void *blob,
                         int64_t row, float *out);

#endif
