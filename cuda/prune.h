/* Pruning of W in device memory, in place, to the bit as src/compress/prune_values.h has it. */
#ifndef TARE_CUDA_PRUNE_H
#define TARE_CUDA_PRUNE_H

#include "cuda/cu.h"

/* `prune` of the backend: done on return. */
tare_status cu_prune(void *state, void *stream, void *w, int64_t n, int64_t k,
                     const tare_prune *how, int64_t *nnz);

#endif
