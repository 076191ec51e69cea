/* Within cuda/lib/gemm*.c: what a device keeps for products. All of it is under cu_device.lock. */
#ifndef TARE_CUDA_GEMM_CHOICE_H
#define TARE_CUDA_GEMM_CHOICE_H

#include "cuda/lib/cublaslt.h"
#include "cuda/lib/gemm.h"

enum { CU_GEMM_CHOICES = 32, CU_GEMM_CANDIDATES = 8 };

/* The algorithm for one m. */
typedef struct cu_gemm_choice {
    int64_t m;
    int prepared; /* not one that a run borrowed from another m */
    cublasLtMatmulAlgo_t algo;
} cu_gemm_choice;

/* A spec for any m. */
typedef struct cu_gemm {
    cu_gemm_spec spec; /* m: what the layouts say now */
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t w, x, y;
    cu_gemm_choice choice[CU_GEMM_CHOICES]; /* a ring, once it is full */
    int choices, next;
    int refused; /* by a run: the library does not do it, though its heuristic offered something */
    struct cu_gemm *link;
} cu_gemm;

/* cu_device.cublaslt. */
typedef struct cu_lt_state {
    cublasLtHandle_t handle;
    cublasLtMatmulPreference_t preference;
    cu_gemm *first; /* used last, first */
} cu_lt_state;

/* Queues the product of g->spec.m rows. */
cublasStatus_t cu_gemm_queue(const cu_lt_state *lt, const cu_gemm *g,
                             const cublasLtMatmulAlgo_t *algo, const cu_gemm_operands *o,
                             cudaStream_t stream);
/* Which of the candidates is the fastest for g->spec.m rows; those that fail when run are left out.
 */
tare_status cu_gemm_measure(cu_device *d, const cu_lt_state *lt, const cu_gemm *g,
                            const cublasLtMatmulAlgo_t *candidates, int count, int *best);

#endif
