/* cuSPARSELt: its functions, versions, errors and handles. */
#include "cuda/lib/cusparselt.h"

#include "cuda/splt.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

cusparselt_calls cu_splt_calls;

/* What rows of the library call it, and records: which version it is decides how fast it is. */
char cu_splt_vendor[CU_SPLT_VENDOR] = "cuSPARSELt";

/* Versions whose structs and numbers are known: 0.6.2 to 0.10. */
enum { OLDEST = 602, FIRST_UNKNOWN = 1100, REGRESSES = 800 };

static int judge(int major, int minor, int patch, char *out, size_t size) {
    int number = 10000 * major + 100 * minor + patch;
    if (number < OLDEST || number >= FIRST_UNKNOWN) {
        snprintf(out, size, "%d.%d.%d: only 0.6.2 to 0.10 are known", major, minor, patch);
        return 0;
    }
    /* Release notes of 0.8.1, "resolved issues": H100 and L4. */
    snprintf(out, size, "%d.%d.%d%s", major, minor, patch,
             number == REGRESSES ? ": slow on sm_90" : "");
    snprintf(cu_splt_vendor, sizeof cu_splt_vendor, "cuSPARSELt %s", out);
    return 1;
}

static int version(char *out, size_t size) {
    int major = 0, minor = 0, patch = 0;
    if (cu_splt_calls.GetProperty(MAJOR_VERSION, &major) ||
        cu_splt_calls.GetProperty(MINOR_VERSION, &minor) ||
        cu_splt_calls.GetProperty(PATCH_LEVEL, &patch)) {
        snprintf(out, size, "does not tell its version");
        return 0;
    }
    *(void **)&cu_splt_calls.MatmulAlgSelectionDestroy =
        dlsym(cu_cusparselt.handle, "cusparseLtMatmulAlgSelectionDestroy");
    return judge(major, minor, patch, out, size);
}

#define SYMBOL(name)                                                                               \
    { "cusparseLt" #name, &cu_splt_calls.name }
static const cu_symbol symbols[] = {SYMBOL(GetProperty),
                                    SYMBOL(Init),
                                    SYMBOL(StructuredDescriptorInit),
                                    SYMBOL(DenseDescriptorInit),
                                    SYMBOL(MatDescriptorDestroy),
                                    SYMBOL(MatmulDescriptorInit),
                                    SYMBOL(MatmulDescSetAttribute),
                                    SYMBOL(MatmulAlgSelectionInit),
                                    SYMBOL(MatmulPlanInit),
                                    SYMBOL(MatmulPlanDestroy),
                                    SYMBOL(SpMMAPruneCheck),
                                    SYMBOL(SpMMACompressedSize),
                                    SYMBOL(SpMMACompress),
                                    SYMBOL(MatmulSearch),
                                    SYMBOL(MatmulGetWorkspace),
                                    SYMBOL(Matmul),
                                    {NULL, NULL}};
static const char *const files[] = {"libcusparseLt.so.0", NULL};
cu_library cu_cusparselt = {"cuSPARSELt", files, symbols, version, NULL, "", 0, 0};

/* The library has names of its own only since 0.7.1. */
static const char *status_name(int status) {
    static const char *const names[] = {
        "SUCCESS",          "NOT_INITIALIZED", "ALLOC_FAILED",
        "INVALID_VALUE",    "ARCH_MISMATCH",   "MAPPING_ERROR",
        "EXECUTION_FAILED", "INTERNAL_ERROR",  "MATRIX_TYPE_NOT_SUPPORTED",
        "ZERO_PIVOT",       "NOT_SUPPORTED",   "INSUFFICIENT_RESOURCES"};
    return status >= 0 && status < (int)(sizeof names / sizeof *names) ? names[status] : "unknown";
}

static tare_status kind_of(int status) {
    switch (status) {
    case CUSPARSELT_ALLOC_FAILED:
        return TARE_E_NOMEM;
    case CUSPARSELT_ARCH_MISMATCH:
    case CUSPARSELT_TYPE_NOT_SUPPORTED:
    case CUSPARSELT_NOT_SUPPORTED:
        return TARE_E_UNSUPPORTED;
    default:
        return TARE_E_DEVICE;
    }
}

tare_status cu_splt_check(cu_device *d, const char *call, int status) {
    char name[60];
    if (status == CUSPARSELT_OK) return TARE_OK;
    snprintf(name, sizeof name, "cusparseLt%.*s", (int)strcspn(call, "("), call);
    cudaError_t e = cudaGetLastError();
    if (e != cudaSuccess) (void)cu_check(d, name, e); /* may lose the device */
    TARE_FAIL(kind_of(status), "cuda: cuSPARSELt: %s on %s: CUSPARSE_STATUS_%s (%d)%s%s", name,
              d->name, status_name(status), status, e != cudaSuccess ? " after " : "",
              e != cudaSuccess ? cudaGetErrorName(e) : "");
}

/* Under the device's lock. */
static tare_status make_handle(cu_device *d) {
    if (d->cusparselt) return TARE_OK;
    cusparselt_handle *h = tare_alloc_zeroed(sizeof *h);
    if (!h) TARE_FAIL(TARE_E_NOMEM, "cuda: no memory for a handle of cuSPARSELt");
    tare_status s = CU_SPLT(d, Init(h));
    if (s == TARE_OK)
        d->cusparselt = h;
    else
        tare_free(h);
    return s;
}

tare_status cu_splt_handle(cu_device *d, const cusparselt_handle **out) {
    TARE_TRY(cu_enter(d)); /* a handle is for the current device */
    pthread_mutex_lock(&d->lock);
    tare_status s = make_handle(d);
    *out = d->cusparselt;
    pthread_mutex_unlock(&d->lock);
    return s;
}
