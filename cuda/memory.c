/* Device memory from a pool that keeps what it was given: a harness allocates the same sizes again
 * and again, and the driver's own cudaMalloc waits for the whole device. */
#include "cuda/cu.h"

tare_status cu_pool_open(cu_device *d) {
    struct cudaMemPoolProps props = {
        .allocType = cudaMemAllocationTypePinned,
        .location = {.type = cudaMemLocationTypeDevice, .id = d->ordinal}};
    uint64_t keep = UINT64_MAX;
    TARE_TRY(CU(d, cudaMemPoolCreate(&d->pool, &props)));
    TARE_TRY(CU(d, cudaMemPoolSetAttribute(d->pool, cudaMemPoolAttrReleaseThreshold, &keep)));
    return CU(d, cudaStreamCreateWithFlags(&d->service, cudaStreamNonBlocking));
}

/* Any call may report what an earlier, asynchronous one did wrong, and then has done nothing
 * itself: once more. A lost device took its memory along. */
static void give(cu_device *d, void *mem) {
    for (int i = 0; i < 2 && !atomic_load(&d->lost); i++)
        if (cu_check(d, "cudaFreeAsync", cudaFreeAsync(mem, d->service)) == TARE_OK) return;
}

static cudaError_t take(cu_device *d, size_t bytes, void **mem) {
    cudaError_t e = cudaMallocFromPoolAsync(mem, bytes, d->pool, d->service);
    if (e != cudaSuccess) return e;
    e = cudaStreamSynchronize(d->service);
    if (e != cudaSuccess) give(d, *mem);
    return e;
}

tare_status cu_alloc(void *state, size_t bytes, void **mem) {
    cu_device *d = state;
    *mem = NULL;
    TARE_TRY(cu_enter(d));
    cudaError_t e = take(d, bytes ? bytes : 1, mem);
    if (e == cudaErrorMemoryAllocation) {
        /* What the pool keeps may be in pieces too small: give it back and ask again. */
        (void)cudaGetLastError();
        TARE_TRY(CU(d, cudaMemPoolTrimTo(d->pool, 0)));
        e = take(d, bytes ? bytes : 1, mem);
    }
    if (e == cudaSuccess) return TARE_OK;
    *mem = NULL;
    tare_status s = cu_check(d, "cudaMallocFromPoolAsync", e);
    if (s == TARE_E_NOMEM)
        TARE_FAIL(TARE_E_NOMEM, "cuda: no %zu bytes left on %s (%s)", bytes, d->name,
                  cudaGetErrorName(e));
    return s;
}

/* Streams of the caller may still read it: the device finishes first. */
void cu_free(void *state, void *mem) {
    cu_device *d = state;
    if (!mem || atomic_load(&d->lost)) return;
    (void)cu_enter(d);
    (void)cu_check(d, "cudaDeviceSynchronize", cudaDeviceSynchronize());
    give(d, mem);
}
