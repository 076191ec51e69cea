/* Graphs: what a stream is given between begin and end is captured instead of run, instantiated
 * once, and launched as one (CUDA C++ Programming Guide, "CUDA Graphs").
 *
 * The capture is the thread's own: other threads go on with other streams meanwhile. While it lasts
 * the stream's clock makes no marks, which would be nodes of the graph; a replay is a span of
 * kernels. A call that fails in a capture invalidates it; end says so and gives no graph. */
#include "cuda/cu.h"

/* The fence stands for what the stream was given before, as long as it can't be asked. */
static tare_status begin_capture(cu_stream *s) {
    TARE_TRY(CU(s->device, cudaEventRecord(s->fence, s->stream)));
    TARE_TRY(CU(s->device, cudaStreamBeginCapture(s->stream, cudaStreamCaptureModeThreadLocal)));
    s->capturing = 1;
    return TARE_OK;
}

tare_status cu_graph_begin(void *state, void *stream) {
    cu_stream *s = stream;
    (void)state;
    TARE_TRY(cu_enter(s->device));
    if (s->capturing) TARE_FAIL(TARE_E_ARG, "cuda: a graph is being recorded on this stream");
    /* The span that is open must not grow by what is recorded. */
    if (s->marks) TARE_TRY(cu_stream_span(s, CU_NONE));
    pthread_mutex_lock(&s->device->queues);
    tare_status st = begin_capture(s);
    pthread_mutex_unlock(&s->device->queues);
    return st;
}

/* A call may report what an earlier one did wrong and do nothing itself: the capture is ended still
 * then, and what it holds is dropped. */
static tare_status end_capture(cu_stream *s, cudaGraph_t *graph) {
    tare_status st = CU(s->device, cudaStreamEndCapture(s->stream, graph));
    s->capturing = 0;
    if (st == TARE_OK && !*graph)
        TARE_FAIL(TARE_E_DEVICE, "cuda: the capture on %s gave no graph", s->device->name);
    if (st == TARE_OK) return TARE_OK;
    if (*graph) (void)cudaGraphDestroy(*graph);
    *graph = NULL;
    if (cudaStreamEndCapture(s->stream, graph) == cudaSuccess && *graph)
        (void)cudaGraphDestroy(*graph);
    (void)cudaGetLastError();
    return st;
}

tare_status cu_graph_end(void *state, void *stream, void **graph) {
    cu_stream *s = stream;
    cudaGraph_t recorded = NULL;
    cudaGraphExec_t exec = NULL;
    (void)state;
    if (!s->capturing) TARE_FAIL(TARE_E_ARG, "cuda: no graph is being recorded on this stream");
    (void)cu_enter(s->device); /* where that fails, so does the next, with the same words */
    pthread_mutex_lock(&s->device->queues);
    tare_status st = end_capture(s, &recorded);
    cu_free_kept(s->device);
    pthread_mutex_unlock(&s->device->queues);
    TARE_TRY(st);
    st = CU(s->device, cudaGraphInstantiate(&exec, recorded, 0));
    (void)cudaGraphDestroy(recorded);
    if (st == TARE_OK) *graph = exec;
    return st;
}

tare_status cu_graph_replay(void *state, void *stream, void *graph) {
    cu_stream *s = stream;
    (void)state;
    TARE_TRY(cu_enter(s->device));
    if (s->capturing) TARE_FAIL(TARE_E_ARG, "cuda: a graph is being recorded on this stream");
    TARE_TRY(cu_stream_span(s, CU_KERNEL));
    return CU(s->device, cudaGraphLaunch(graph, s->stream));
}

/* The device may still be at work on it: CUDA frees it when that is done. */
void cu_graph_destroy(void *state, void *graph) {
    cu_device *d = state;
    if (atomic_load(&d->lost)) return;
    (void)cu_enter(d);
    (void)cudaGraphExecDestroy(graph);
}
