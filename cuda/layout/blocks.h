/* Block-sparse weights on CUDA: whatever the blocks are, W is kept as the squares of 16 x 16 that
 * hold a stored value, each the fragment of one mma.m16n8k16. Blocks whose sides are multiples of
 * 16 fill their squares; smaller ones share them and store zeros beside.
 *
 *   offsets   uint32 [tiles + 1], in squares: a tile is 16 rows of W
 *   columns   uint32 [squares]: which 16 columns
 *   values    [squares][32 lanes][8]: of lane (g, t) columns 4t, 4t + 1 of row g, then of g + 8,
 * then 4t + 2, 4t + 3 of row g, of g + 8; f16 and bf16 as such, others as floats
 *
 * Sections start on 16 bytes. */
#ifndef TARE_CUDA_BLOCKS_H
#define TARE_CUDA_BLOCKS_H

#include "cuda/layout/tile.h"

enum { CU_SQUARE = 16 };
/* cu_args.at; [0] would be the scales of tiles, of which there are none. */
enum { CU_BLOCKS_COLUMNS = 1, CU_BLOCKS_VALUES };

/* Which of a square's 256 values stands at (row, column). */
CU_HD int cu_square_find(int row, int column) {
    int lane = row % 8 * 4 + column / 4;
    return lane * 8 + column % 4 / 2 * 4 + row / 8 * 2 + column % 2;
}

#endif
