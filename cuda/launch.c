/* A launch. */
#include "cuda/cu.h"

tare_status cu_launch(cu_stream *s, const void *kernel, const cu_grid *g, const cu_args *a) {
    cu_args copy = *a;
    copy.arrivals = s->arrivals;
    void *args[] = {&copy};
    dim3 grid = {g->x ? g->x : 1, g->y ? g->y : 1, g->z ? g->z : 1}, block = {g->threads, 1, 1};
    TARE_TRY(cu_enter(s->device));
    TARE_TRY(cu_stream_span(s, CU_KERNEL));
    return CU(s->device, cudaLaunchKernel(kernel, grid, block, args, g->shared, s->stream));
}

tare_status cu_allow_shared(cu_device *d, const void *kernel, size_t bytes) {
    TARE_TRY(cu_enter(d));
    if (bytes > (size_t)d->shared_bytes)
        TARE_FAIL(TARE_E_UNSUPPORTED, "cuda: a block wants %zu bytes of shared memory, %s has %d",
                  bytes, d->name, d->shared_bytes);
    return CU(
        d, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes));
}
