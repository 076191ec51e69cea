/* Block-sparse weights for Hopper's warpgroup products, where both sides of a block are multiples
 * of 64: W as the 64 x 64 tiles that hold a stored block, each the image of shared memory that
 * wgmma reads, so that fetching one is a plain copy of 8 KB.
 *
 *   offsets   uint32 [groups + 1], in tiles: a group is 64 rows of W
 *   columns   uint32 [tiles]: which 64 columns, ascending
 *   values    [tiles][64 rows][8 pieces of 8 values], 16-bit: row r keeps columns 8 p on in piece
 * p ^ r % 8 (the 128-byte swizzle of the PTX ISA's K-major matrices)
 *
 * Zeros where W ends. Sections start on 16 bytes. */
#ifndef TARE_CUDA_SLABS_H
#define TARE_CUDA_SLABS_H

#include "cuda/layout/tile.h"

enum { CU_SLAB = 64, CU_SLAB_BYTES = 2 * CU_SLAB * CU_SLAB };
/* cu_args.at. */
enum { CU_SLABS_COLUMNS = 1, CU_SLABS_VALUES };

/* Which of a tile's pieces of 16 bytes holds columns 8 `piece` on of a row. */
CU_HD int cu_slab_piece(int row, int piece) {
    return row * 8 + (piece ^ row % 8);
}
/* Which of its values stands at (row, column). */
CU_HD int cu_slab_find(int row, int column) {
    return cu_slab_piece(row, column / 8) * 8 + column % 8;
}

#endif
