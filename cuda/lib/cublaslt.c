/* cuBLASLt: its functions, and its statuses as ours. */
#include "cuda/lib/cublaslt.h"

#include "cuda/lib/library.h"

#include <stdio.h>
#include <string.h>

cu_lt_table cu_lt;

static int version(char *out, size_t size) {
    size_t v = cu_lt.GetVersion();
    snprintf(out, size, "%zu.%zu.%zu", v / 10000, v / 100 % 100, v % 100);
    return 1;
}

#define SYMBOL(name)                                                                               \
    { "cublasLt" #name, &cu_lt.name }

static const char *const files[] = {"libcublasLt.so.13", "libcublasLt.so.12", NULL};
static const cu_symbol symbols[] = {SYMBOL(GetVersion),
                                    SYMBOL(GetStatusName),
                                    SYMBOL(Create),
                                    SYMBOL(Destroy),
                                    SYMBOL(Matmul),
                                    SYMBOL(MatmulDescCreate),
                                    SYMBOL(MatmulDescDestroy),
                                    SYMBOL(MatmulDescSetAttribute),
                                    SYMBOL(MatrixLayoutCreate),
                                    SYMBOL(MatrixLayoutDestroy),
                                    SYMBOL(MatrixLayoutSetAttribute),
                                    SYMBOL(MatmulPreferenceCreate),
                                    SYMBOL(MatmulPreferenceDestroy),
                                    SYMBOL(MatmulPreferenceSetAttribute),
                                    SYMBOL(MatmulAlgoGetHeuristic),
                                    SYMBOL(MatmulAlgoCheck),
                                    {NULL, NULL}};
cu_library cu_cublaslt = {"cuBLASLt", files, symbols, version, NULL, "", 0, 0};

static tare_status status_of(cublasStatus_t s) {
    if (s == CUBLAS_STATUS_ALLOC_FAILED) return TARE_E_NOMEM;
    return s == CUBLAS_STATUS_NOT_SUPPORTED || s == CUBLAS_STATUS_ARCH_MISMATCH ? TARE_E_UNSUPPORTED
                                                                                : TARE_E_DEVICE;
}

tare_status cu_lt_check(cu_device *d, const char *call, cublasStatus_t s) {
    char name[80];
    if (s == CUBLAS_STATUS_SUCCESS) return TARE_OK;
    snprintf(name, sizeof name, "cublasLt%.*s", (int)strcspn(call, "("), call);
    cudaError_t behind = cudaGetLastError();
    if (behind != cudaSuccess) return cu_check(d, name, behind);
    TARE_FAIL(status_of(s), "cuda: %s on %s: %s (%d)", name, d->name, cu_lt.GetStatusName(s),
              (int)s);
}
