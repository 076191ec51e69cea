/* CSR, bitmap and N:M on OpenCL: stored values row by row of W, the columns beside them.
 *
 *   offsets   uint32 [n + 1] into the values (CSR, bitmap)
 *   index     CSR: columns, uint16 or uint32 as the format has them
 *             bitmap: uint32 [n][ceil(k/32)], the lowest bit the lowest column
 *             N:M: codes of NM_BITS bits, uint32 [n][row_words], the first in the lowest bits
 *   scales    float [n] (i8 values)
 *   values    as the format has them; bitmap: four bytes of nothing behind them
 *
 * Each section starts on four bytes. */
#ifndef TARE_OCL_SPARSE_H
#define TARE_OCL_SPARSE_H

#include "opencl/ocl.h"

typedef struct ocl_sparse_shape {
    int64_t row_words;                            /* of the index, a row */
    size_t index_at, scales_at, values_at, bytes; /* in the blob */
} ocl_sparse_shape;

ocl_sparse_shape ocl_sparse_shape_of(const tare_problem *p);

/* The functions of a row of one layout. */
int ocl_sparse_fit(tare_layout which, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status ocl_sparse_pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used);
tare_status ocl_sparse_prepare(void *state, void *stream, const tare_problem *p);
tare_status ocl_sparse_run(const tare_run_args *a);

#endif
