/* Block-sparse weights as cuSPARSE has them, in two ways one behind the other: BSR, and Blocked-ELL
 * where padding every block row to the longest does not more than double the blocks. Which of them
 * stays is measured on the device.
 *
 * W is padded to whole blocks. Both are blocks of 32-bit column numbers; BSR keeps a block's values
 * row-major one block behind the other, Blocked-ELL is a row-major matrix of rows x (width * side)
 * in which block j of a block row is columns [j * side, (j + 1) * side), with column number -1
 * where there is none (cuSPARSE's documentation, section 3.3). */
#ifndef TARE_CUDA_LAYOUT_BELL_H
#define TARE_CUDA_LAYOUT_BELL_H

#include "src/internal.h"

typedef struct cu_bell_shape {
    int64_t side, block_rows, block_columns, blocks;
    size_t value_bytes;
    /* Of BSR, from the blob's begin; the first 256 bytes are the Blocked-ELL's width, in blocks. */
    size_t offsets_at, columns_at, values_at, end;
} cu_bell_shape;

cu_bell_shape cu_bell_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz);
/* Widest that a Blocked-ELL may be; 0: there can be none. */
int64_t cu_bell_most_width(const cu_bell_shape *s);
/* Of a Blocked-ELL, from where it begins, which is the shape's end. */
size_t cu_bell_ell_values_at(const cu_bell_shape *s, int64_t width);
size_t cu_bell_ell_bytes(const cu_bell_shape *s, int64_t width);

/* with_ell 0: BSR alone. *used: bytes that were written. Returns the width of the Blocked-ELL,
 * which also is the blob's first int32; 0: there is none. The blob is zeroed. */
int64_t cu_bell_pack(const tare_tensor *t, int with_ell, void *blob, size_t *used);

#endif
