/* cuSPARSE: its functions by pointer, the handle of a device, and its errors as statuses. What a
 * product with it takes is in cuda/spmm.h.
 *
 * A handle serves one thread at a time (cuSPARSE's documentation, section 1.3), so that there is
 * one for a device and whoever uses it holds the device's lock. */
#ifndef TARE_CUDA_CUSPARSE_H
#define TARE_CUDA_CUSPARSE_H

#include "cuda/cu.h"

#include <cusparse.h>

#define CU_SPARSE_NEEDED(X)                                                                        \
    X(GetProperty)                                                                                 \
    X(GetErrorName)                                                                                \
    X(Create)                                                                                      \
    X(SetStream)                                                                                   \
    X(CreateConstCsr)                                                                              \
    X(CreateConstBlockedEll)                                                                       \
    X(DestroySpMat)                                                                                \
    X(CreateConstDnMat)                                                                            \
    X(CreateDnMat)                                                                                 \
    X(DestroyDnMat)                                                                                \
    X(SpMM_bufferSize)                                                                             \
    X(SpMM_preprocess)                                                                             \
    X(SpMM)

typedef struct cu_sparse_functions {
#define X(name) __typeof__(&cusparse##name) name;
    CU_SPARSE_NEEDED(X)
#undef X
    __typeof__(&cusparseCreateConstBsr) CreateConstBsr; /* null: no products with BSR */
} cu_sparse_functions;

extern cu_sparse_functions cu_sparse; /* filled once the device has CU_CUSPARSE */

/* TARE_OK, or the text "cuda: cuSPARSE's cusparseNAME on DEVICE: STATUS". TARE_E_UNSUPPORTED where
 * the library says that it has no such product. */
tare_status cu_sparse_check(cu_device *d, const char *call, cusparseStatus_t s);
#define CU_SPARSE(d, name, ...) cu_sparse_check((d), #name, cu_sparse.name(__VA_ARGS__))

/* Takes the device's handle, made when first wanted, and sets its stream; end gives it back. */
tare_status cu_sparse_begin(cu_device *d, cudaStream_t stream, cusparseHandle_t *handle);
void cu_sparse_end(cu_device *d);

#endif
