/* cuSPARSE: its functions, its handle, its errors. */
#include "cuda/lib/cusparse.h"

#include "cuda/lib/library.h"

#include <dlfcn.h>
#include <stdio.h>

cu_sparse_functions cu_sparse;

/* BSR in products came with CUDA 12.5, whose cuSPARSE is 12.4; the matrix itself is older. */
static int version(char *out, size_t size) {
    int major = 0, minor = 0, patch = 0;
    if (cu_sparse.GetProperty(MAJOR_VERSION, &major) ||
        cu_sparse.GetProperty(MINOR_VERSION, &minor) ||
        cu_sparse.GetProperty(PATCH_LEVEL, &patch)) {
        snprintf(out, size, "does not tell its version");
        return 0;
    }
    if (major > 12 || (major == 12 && minor >= 4))
        *(void **)&cu_sparse.CreateConstBsr = dlsym(cu_cusparse.handle, "cusparseCreateConstBsr");
    snprintf(out, size, "%d.%d.%d", major, minor, patch);
    return 1;
}

static const char *const files[] = {"libcusparse.so.12", "libcusparse.so.13", NULL};
static const cu_symbol symbols[] = {
#define X(name) {"cusparse" #name, &cu_sparse.name},
    CU_SPARSE_NEEDED(X)
#undef X
        {NULL, NULL}};
cu_library cu_cusparse = {"cuSPARSE", files, symbols, version, NULL, "", 0, 0};

tare_status cu_sparse_check(cu_device *d, const char *call, cusparseStatus_t s) {
    if (s == CUSPARSE_STATUS_SUCCESS) return TARE_OK;
    /* What the runtime under it has met: the device may be lost. */
    (void)cu_check(d, call, cudaGetLastError());
    tare_status is = s == CUSPARSE_STATUS_ALLOC_FAILED    ? TARE_E_NOMEM
                     : s == CUSPARSE_STATUS_NOT_SUPPORTED ? TARE_E_UNSUPPORTED
                     : s == CUSPARSE_STATUS_ARCH_MISMATCH ? TARE_E_UNSUPPORTED
                                                          : TARE_E_DEVICE;
    TARE_FAIL(is, "cuda: cuSPARSE's cusparse%s on %s: %s (%d)", call, d->name,
              cu_sparse.GetErrorName(s), (int)s);
}

static tare_status handle_on(cu_device *d, cudaStream_t stream) {
    if (!d->cusparse) {
        cusparseHandle_t made = NULL;
        TARE_TRY(CU_SPARSE(d, Create, &made));
        d->cusparse = made;
    }
    return CU_SPARSE(d, SetStream, d->cusparse, stream);
}

tare_status cu_sparse_begin(cu_device *d, cudaStream_t stream, cusparseHandle_t *handle) {
    TARE_TRY(cu_enter(d));
    pthread_mutex_lock(&d->lock);
    tare_status s = handle_on(d, stream);
    *handle = d->cusparse;
    if (s != TARE_OK) pthread_mutex_unlock(&d->lock);
    return s;
}

void cu_sparse_end(cu_device *d) {
    pthread_mutex_unlock(&d->lock);
}
