/* The host's side of block-sparse weights: sizes, packing, and back. */
#ifndef TARE_CUDA_BLOCKS_PACK_H
#define TARE_CUDA_BLOCKS_PACK_H

#include "cuda/layout/blocks.h"
#include "src/internal.h"

typedef struct cu_blocks_shape {
    int64_t tiles, most_squares;
    size_t value_bytes, columns_at; /* the values lie behind the columns of all squares there are */
    size_t most;                    /* bytes, whatever the positions */
} cu_blocks_shape;

cu_blocks_shape cu_blocks_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz);
/* Where the values begin, for the most squares: the same wherever the blocks stand. */
size_t cu_blocks_values_at(const cu_blocks_shape *s);

/* `blob` has shape.most bytes, zeroed; gives how many are used. TARE_E_NOMEM. */
tare_status cu_blocks_pack(const tare_tensor *t, void *blob, size_t *used);

/* One row back, as tare_decode_row gives it of the tensor. */
void cu_blocks_decode_row(const tare_format *f, int64_t n, int64_t k, int64_t nnz, const void *blob,
                          int64_t row, float *out);

/* Marks the squares of a tile's rows that hold a stored value: map[columns of 16]. */
void cu_blocks_mark_tile(const tare_tensor *t, int64_t tile, uint8_t *map);

#endif
