/* Activations quantised a row, to int8 (cuda/kernels/x_int8.cu) or f8 (x_f8.cu), with a float scale
 * a row and no sums: what weights without zero points need. */
#ifndef TARE_CUDA_X_CODES_H
#define TARE_CUDA_X_CODES_H

#include "cuda/cu.h"

typedef enum cu_x_as {
    CU_X_AS_TILES, /* int8 in the order of the tiles, stride of whole chunks */
    CU_X_AS_INT8,  /* int8 as the columns are */
    CU_X_AS_F8,    /* e4m3 as the columns are */
    CU_X_AS_HALVES /* e4m3's values as f16 */
} cu_x_as;
/* Queues rows of `stride` bytes, a multiple of 16, zeros behind k, and the scales of the run's
 * rows. */
tare_status cu_x_quantise(const tare_run_args *a, cu_x_as as, int64_t stride, void *codes,
                          void *scales);

/* Where codes in the order of the tiles lie in scratch, of m rows. */
typedef struct cu_x_codes {
    int64_t stride; /* bytes from row to row, zeros behind k */
    size_t scales_at, bytes;
} cu_x_codes;

/* columns: k rounded up to whole chunks, at least. */
cu_x_codes cu_x_codes_of(int64_t m, int64_t columns);
/* Queues the making of them at the begin of scratch. */
tare_status cu_x_codes_make(const tare_run_args *a, const cu_x_codes *c);

#endif
