/* The host's side of the tiles: sizes, packing, and back. */
#ifndef TARE_CUDA_TILE_PACK_H
#define TARE_CUDA_TILE_PACK_H

#include "cuda/layout/tile.h"
#include "src/internal.h"

typedef struct cu_tile_shape {
    int bits;
    int64_t tiles, chunks, groups;
    int32_t flush, heads; /* CU_TILE_FLUSH, CU_TILE_HEADS */
    size_t scales_at, zeros_at, bytes;
} cu_tile_shape;

/* Of a dense format of n x k. */
cu_tile_shape cu_tile_shape_of(const tare_format *f, int64_t n, int64_t k);

/* `blob` has shape.bytes, zeroed. */
void cu_tile_pack(const tare_tensor *t, void *blob);

/* One row back, as tare_decode_row gives it of the tensor: what tests hold packing against. */
void cu_tile_decode_row(const tare_format *f, int64_t n, int64_t k, const void *blob, int64_t row,
                        float *out);

#endif
