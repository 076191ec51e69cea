/* x as the kernels want it, written to scratch before the product: rows of floats, x^T, or
 * blocks of 16 rows. */
#ifndef TARE_OCL_XPREP_H
#define TARE_OCL_XPREP_H

#include "opencl/ocl.h"

/* x as m rows of k floats. Where it is that already, nothing is written and x itself is used. */
size_t ocl_x_rows_bytes(const tare_problem *p); /* of scratch; a multiple of 256 */
tare_status ocl_x_rows_prepare(ocl_stream *s, const tare_problem *p);
/* Queues the conversion to scratch + at (bytes, a multiple of 4). Gives the buffer that holds the
 * rows and where they start in it, in floats. */
tare_status ocl_x_rows(const tare_run_args *a, size_t at, const void **mem, uint64_t *first);

/* x^T as [k][m_pad] floats, m_pad the run's m rounded up to 16, zeros past m. */
static inline int64_t ocl_m_pad(int64_t m) {
    return (m + 15) / 16 * 16;
}
size_t ocl_x_turned_bytes(const tare_problem *p); /* a multiple of 256 */
tare_status ocl_x_turned_prepare(ocl_stream *s);
tare_status ocl_x_turned(const tare_run_args *a, size_t at);

/* x as [ceil(m / 16)][k][16] floats, zeros past m: as large as x^T. */
tare_status ocl_x_blocks_prepare(ocl_stream *s);
tare_status ocl_x_blocks(const tare_run_args *a, size_t at);

#endif
