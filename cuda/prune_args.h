/* What the kernels that prune share with the host. */
#ifndef TARE_CUDA_PRUNE_ARGS_H
#define TARE_CUDA_PRUNE_ARGS_H

#include "cuda/pack_args.h"

enum { CU_PRUNE_BINS = 2048 };

/* The selection of the smallest magnitudes among the x of cu_args; zeroed before. */
typedef struct cu_prune_state {
    cu_pack_state seen;      /* nnz: values left that are not 0 */
    unsigned long long rank; /* how many go of those whose upper bits are the prefix */
    unsigned long long stay; /* of those at the threshold, when all bits are known */
    uint32_t prefix;         /* upper bits of the threshold, in the end all 31 */
    uint32_t order;          /* 1: some of those at the threshold go and some stay */
    unsigned long long bins[CU_PRUNE_BINS];
} cu_prune_state;

/* cu_args.at and .i beside those of packing; y is what is pruned, x what it is judged by, w the
 * list of how many each segment has at the threshold. */
enum { CU_PRUNE_COUNT, CU_PRUNE_GONE };                                  /* at */
enum { CU_PRUNE_SHIFT, CU_PRUNE_BITS, CU_PRUNE_FIRST, CU_PRUNE_FINITE }; /* i */
enum { CU_PRUNE_LANES = 3 }; /* i, of norms: lanes a block */

#endif
