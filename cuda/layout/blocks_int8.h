/* Block-sparse int8 weights on CUDA: the squares of 16 x 16 that hold a stored value, as in
 * cuda/layout/blocks.h, but as codes and two at a time: mma.m16n8k32 takes 32 columns, and a pair
 * of squares of a tile gives it any two times 16. A tile with an odd number ends in a square of
 * zeros.
 *
 *   offsets   uint32 [tiles + 1], in pairs: a tile is 16 rows of W
 *   columns   uint32 [pairs][2]: which 16 columns
 *   scales    float [16 tiles]
 *   values    int8 [pairs][32 lanes][2 squares][2][4]: of lane (g, t) columns 4t .. 4t + 3 of row
 * g, then of g + 8
 *
 * Sections start on 16 bytes. */
#ifndef TARE_CUDA_BLOCKS_INT8_H
#define TARE_CUDA_BLOCKS_INT8_H

#include "cuda/layout/blocks.h"

/* Where in a pair's 512 bytes (row, column) of its first or second square stands. */
CU_HD int cu_pair_find(int square, int row, int column) {
    int lane = row % 8 * 4 + column / 4;
    return lane * 16 + square * 8 + row / 8 * 4 + column % 4;
}

#endif
