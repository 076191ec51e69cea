/* CSR weights on CUDA, as the format has them:
 *
 *   offsets   uint32 [n + 1] into the values
 *   scales    float [n], for int8
 *   columns   uint16 or uint32 [nnz], ascending in a row
 *   values    [nnz]; sections start on 16 bytes */
#ifndef TARE_CUDA_CSR_H
#define TARE_CUDA_CSR_H

#include "cuda/layout/tile.h"

/* cu_args.at; SCALES is that of tiles. */
enum { CU_CSR_COLUMNS = 1, CU_CSR_VALUES };
/* cu_args.i beside CU_TILE_FLUSH, _SPLITS and _HEADS. */
enum { CU_CSR_WIDE = 6, CU_CSR_VALUE }; /* columns are 32 bits; tare_type of the values */

#endif
