/* Device memory from a pool that keeps what it was given: a harness allocates the same sizes again
 * and again, and the driver's own cudaMalloc waits for the whole device. Where there are no pools
 * (virtual GPUs, some drivers) it is cudaMalloc after all, and `tare devices` says so.
 *
 * Nothing here waits for the device as a whole: that is not allowed while any stream of it is
 * captured, and would spoil the graph of a thread that knows nothing of it. What is freed comes
 * after all that streams were given before, by an event of each. */
#include "cuda/cu.h"

static int means_no_pools(cudaError_t e) {
    return e == cudaErrorNotSupported || e == cudaErrorCallRequiresNewerDriver;
}

tare_status cu_pool_open(cu_device *d) {
    struct cudaMemPoolProps props = {
        .allocType = cudaMemAllocationTypePinned,
        .location = {.type = cudaMemLocationTypeDevice, .id = d->ordinal}};
    uint64_t keep = UINT64_MAX;
    int pools = 0;
    TARE_TRY(CU(d, cudaStreamCreateWithFlags(&d->service, cudaStreamNonBlocking)));
    TARE_TRY(CU(d, cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, d->ordinal)));
    cudaError_t e = pools ? cudaMemPoolCreate(&d->pool, &props) : cudaErrorNotSupported;
    if (means_no_pools(e)) {
        (void)cudaGetLastError();
        d->pool = NULL;
        return TARE_OK;
    }
    TARE_TRY(cu_check(d, "cudaMemPoolCreate", e));
    return CU(d, cudaMemPoolSetAttribute(d->pool, cudaMemPoolAttrReleaseThreshold, &keep));
}

/* A lost device took its memory along. */
static void give(cu_device *d, void *mem) {
    if (d->pool)
        (void)CU_TWICE(d, cudaFreeAsync(mem, d->service));
    else
        (void)CU_TWICE(d, cudaFree(mem));
}

static cudaError_t take(cu_device *d, size_t bytes, void **mem) {
    if (!d->pool) return cudaMalloc(mem, bytes);
    cudaError_t e = cudaMallocFromPoolAsync(mem, bytes, d->pool, d->service);
    if (e != cudaSuccess) return e;
    e = cudaStreamSynchronize(d->service);
    if (e != cudaSuccess) give(d, *mem);
    return e;
}

static tare_status take_or_trim(cu_device *d, size_t bytes, void **mem) {
    cudaError_t e = take(d, bytes ? bytes : 1, mem);
    if (e == cudaErrorMemoryAllocation && d->pool) {
        /* What the pool keeps may be in pieces too small, or about to be freed: give it back and
         * ask again. */
        (void)cudaGetLastError();
        TARE_TRY(CU(d, cudaStreamSynchronize(d->service)));
        TARE_TRY(CU(d, cudaMemPoolTrimTo(d->pool, 0)));
        e = take(d, bytes ? bytes : 1, mem);
    }
    if (e == cudaSuccess) return TARE_OK;
    *mem = NULL;
    tare_status s = cu_check(d, d->pool ? "cudaMallocFromPoolAsync" : "cudaMalloc", e);
    if (s == TARE_E_NOMEM)
        TARE_FAIL(TARE_E_NOMEM, "cuda: no %zu bytes left on %s (%s)", bytes, d->name,
                  cudaGetErrorName(e));
    return s;
}

/* In a thread that captures a stream, calls that might disturb the capture are refused and spoil
 * it, unless the thread says that it knows better: nothing here touches the stream. */
tare_status cu_alloc(void *state, size_t bytes, void **mem) {
    cu_device *d = state;
    enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    *mem = NULL;
    TARE_TRY(cu_enter(d));
    TARE_TRY(CU(d, cudaThreadExchangeStreamCaptureMode(&mode)));
    tare_status s = take_or_trim(d, bytes, mem);
    (void)CU_TWICE(d, cudaThreadExchangeStreamCaptureMode(&mode));
    return s;
}

/* ---- freeing; under d->queues ---- */

/* What a stream was given before comes before what is freed now: on the service stream, or, without
 * a pool, before this thread goes on. The event of a stream that is captured is from before that
 * (cu_graph_begin); what is recorded runs only when it is replayed. */
static int wait_for(cu_device *d, const cu_stream *s) {
    if (!s->capturing && !CU_TWICE(d, cudaEventRecord(s->fence, s->stream))) return 0;
    return d->pool ? CU_TWICE(d, cudaStreamWaitEvent(d->service, s->fence, 0))
                   : CU_TWICE(d, cudaEventSynchronize(s->fence));
}

static int wait_for_all(cu_device *d) {
    for (const cu_stream *s = d->streams; s; s = s->next)
        if (!wait_for(d, s)) return 0;
    return 1;
}

static int captures(const cu_device *d) {
    for (const cu_stream *s = d->streams; s; s = s->next)
        if (s->capturing) return 1;
    return 0;
}

/* cudaFree waits for the device, so it must wait itself until nothing is captured. 0: no memory to
 * keep the address; then the capture has to suffer. */
static int keep_for_later(cu_device *d, void *mem) {
    cu_later *l = tare_alloc_zeroed(sizeof *l);
    if (!l) return 0;
    *l = (cu_later){.next = d->later, .mem = mem};
    d->later = l;
    return 1;
}

/* Memory that some stream may still read is rather lost than given to somebody else. */
static void free_now(cu_device *d, void *mem) {
    if (wait_for_all(d)) give(d, mem);
}

/* Streams of the caller may still read it: they finish first. */
void cu_free(void *state, void *mem) {
    cu_device *d = state;
    enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    if (!mem || atomic_load(&d->lost)) return;
    (void)cu_enter(d);
    int relaxed = CU_TWICE(d, cudaThreadExchangeStreamCaptureMode(&mode));
    pthread_mutex_lock(&d->queues);
    if (d->pool || !captures(d) || !keep_for_later(d, mem)) free_now(d, mem);
    pthread_mutex_unlock(&d->queues);
    if (relaxed) (void)CU_TWICE(d, cudaThreadExchangeStreamCaptureMode(&mode));
}

void cu_free_kept(cu_device *d) {
    while (d->later && (!captures(d) || atomic_load(&d->lost))) {
        cu_later *l = d->later;
        d->later = l->next;
        if (!atomic_load(&d->lost)) free_now(d, l->mem);
        tare_free(l);
    }
}
