/* cuBLASLt's functions, by the names and prototypes of its header, filled when the library is
 * opened (cuda/lib/library.h). What calls them is cuda/lib/gemm.h. */
#ifndef TARE_CUDA_CUBLASLT_H
#define TARE_CUDA_CUBLASLT_H

#include "cuda/cu.h"

#include <cublasLt.h>

/* cublasLtNAME as cu_lt.NAME. */
typedef struct cu_lt_table {
    __typeof__(&cublasLtGetVersion) GetVersion;
    __typeof__(&cublasLtGetStatusName) GetStatusName;
    __typeof__(&cublasLtCreate) Create;
    __typeof__(&cublasLtDestroy) Destroy;
    __typeof__(&cublasLtMatmul) Matmul;
    __typeof__(&cublasLtMatmulDescCreate) MatmulDescCreate;
    __typeof__(&cublasLtMatmulDescDestroy) MatmulDescDestroy;
    __typeof__(&cublasLtMatmulDescSetAttribute) MatmulDescSetAttribute;
    __typeof__(&cublasLtMatrixLayoutCreate) MatrixLayoutCreate;
    __typeof__(&cublasLtMatrixLayoutDestroy) MatrixLayoutDestroy;
    __typeof__(&cublasLtMatrixLayoutSetAttribute) MatrixLayoutSetAttribute;
    __typeof__(&cublasLtMatmulPreferenceCreate) MatmulPreferenceCreate;
    __typeof__(&cublasLtMatmulPreferenceDestroy) MatmulPreferenceDestroy;
    __typeof__(&cublasLtMatmulPreferenceSetAttribute) MatmulPreferenceSetAttribute;
    __typeof__(&cublasLtMatmulAlgoGetHeuristic) MatmulAlgoGetHeuristic;
    __typeof__(&cublasLtMatmulAlgoCheck) MatmulAlgoCheck;
} cu_lt_table;
extern cu_lt_table cu_lt;

/* TARE_OK for success; else "cuda: cublasLtCALL on DEVICE: STATUS", TARE_E_NOMEM for want of
 * memory, TARE_E_UNSUPPORTED for what the library does not do there, TARE_E_DEVICE otherwise; a
 * CUDA error behind it is reported in its place. Text after a bracket in `call` is cut. */
tare_status cu_lt_check(cu_device *d, const char *call, cublasStatus_t s);
#define LT(d, call) cu_lt_check((d), #call, cu_lt.call)

#endif
