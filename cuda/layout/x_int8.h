/* Where a column's int8 code lies in a row of quantised activations (cuda/kernels/x_int8.cu). */
#ifndef TARE_CUDA_X_INT8_LAYOUT_H
#define TARE_CUDA_X_INT8_LAYOUT_H

#include "cuda/args.h"

enum { CU_X8_CHUNK = 64, CU_X8_THREADS = 512 }; /* of the block that does a row */

/* cu_args.i of cu_x_int8; .y: codes, .extra: scales, .at[0]: bytes from there to the sums. */
enum {
    CU_X8_STRIDE,  /* bytes from row to row: k rounded up to whole chunks */
    CU_X8_GROUPS,  /* sums a row; 0: none are wanted */
    CU_X8_WIDTH,   /* columns of a group */
    CU_X8_NIBBLES, /* weights are int4 */
    CU_X8_ORDER,   /* 0: as the tiles want it; 1: plain, as the columns are */
};

/* Byte of the row; `nibbles`: the order 0 4 1 5, 2 6 3 7 of a word of int4. */
CU_HD int cu_x8_place(int column, int nibbles) {
    int in = column % CU_X8_CHUNK, step = in / 32, lane = in % 32 / 8, e = in % 8;
    if (nibbles) e = e / 4 + (e & 1) * 2 + (e / 2 & 1) * 4;
    return column - in + lane * 16 + step * 8 + e;
}

#endif
