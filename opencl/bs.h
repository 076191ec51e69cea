/* Block-sparse weights on OpenCL. Stored values of every type become floats:
 *
 *   offsets   uint32 [block rows + 1], in blocks
 *   index     uint32 [blocks]: block columns
 *   values    float [blocks][c][r_pad]: column by column, r_pad the rows of a block rounded up to
 *             a vector of 1, 2 or 4 */
#ifndef TARE_OCL_BS_H
#define TARE_OCL_BS_H

#include "opencl/ocl.h"

typedef struct ocl_bs_shape {
    int64_t r, c, rv, r_pad, block_rows, block_cols, blocks;
    size_t index_at, values_at, bytes;
} ocl_bs_shape;

ocl_bs_shape ocl_bs_shape_of(const tare_problem *p);

#endif
