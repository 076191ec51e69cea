/* CUDA's errors as statuses with a text, and which of them lose the device. */
#include "cuda/cu.h"

#include <string.h>

/* After these the context is unusable, and every later call of the process on it fails alike (CUDA
 * Runtime API, cudaError: "the process must be terminated and relaunched"). */
static int is_sticky(cudaError_t e) {
    static const cudaError_t sticky[] = {
        cudaErrorECCUncorrectable,
        cudaErrorNvlinkUncorrectable,
        cudaErrorIllegalAddress,
        cudaErrorLaunchTimeout,
        cudaErrorAssert,
        cudaErrorHardwareStackError,
        cudaErrorIllegalInstruction,
        cudaErrorMisalignedAddress,
        cudaErrorInvalidAddressSpace,
        cudaErrorInvalidPc,
        cudaErrorLaunchFailure,
        cudaErrorContextIsDestroyed,
        cudaErrorDevicesUnavailable,
    };
    for (size_t i = 0; i < sizeof sticky / sizeof *sticky; i++)
        if (sticky[i] == e) return 1;
    return 0;
}

tare_status cu_check(cu_device *d, const char *call, cudaError_t e) {
    if (e == cudaSuccess) return TARE_OK;
    (void)cudaGetLastError(); /* an error that can be got over must not be met again later */
    if (d && is_sticky(e)) atomic_store(&d->lost, (int)e);
    TARE_FAIL(e == cudaErrorMemoryAllocation ? TARE_E_NOMEM : TARE_E_DEVICE,
              "cuda: %.*s on %s: %s (%d)", (int)strcspn(call, "("), call,
              d ? d->name : "any device", cudaGetErrorName(e), (int)e);
}

tare_status cu_enter(cu_device *d) {
    int lost = atomic_load_explicit(&d->lost, memory_order_relaxed);
    if (lost)
        TARE_FAIL(TARE_E_DEVICE,
                  "cuda: %s was lost earlier (%s); start the program again to use it", d->name,
                  cudaGetErrorName((cudaError_t)lost));
    return CU(d, cudaSetDevice(d->ordinal));
}
