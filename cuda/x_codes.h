/* Activations as int8 codes a row, in the order of the tiles (cuda/layout/x_int8.h), with a scale a
 * row and no sums: what weights without zero points need. */
#ifndef TARE_CUDA_X_CODES_H
#define TARE_CUDA_X_CODES_H

#include "cuda/cu.h"

/* Where they lie in scratch, of m rows. */
typedef struct cu_x_codes {
    int64_t stride; /* bytes from row to row, zeros behind k */
    size_t scales_at, bytes;
} cu_x_codes;

/* columns: k rounded up to whole chunks, at least. */
cu_x_codes cu_x_codes_of(int64_t m, int64_t columns);
/* Queues the making of them at the begin of scratch. */
tare_status cu_x_codes_make(const tare_run_args *a, const cu_x_codes *c);

#endif
