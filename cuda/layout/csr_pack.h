/* The host's side of CSR: where its sections lie. */
#ifndef TARE_CUDA_CSR_PACK_H
#define TARE_CUDA_CSR_PACK_H

#include "cuda/layout/csr.h"
#include "src/internal.h"

typedef struct cu_csr_shape {
    size_t scales_at, columns_at, values_at, bytes;
} cu_csr_shape;

cu_csr_shape cu_csr_shape_of(const tare_format *f, int64_t n, int64_t k, int64_t nnz);

#endif
