/* A stream: an in-order queue with profiling, the events of what was queued, kernel objects. Events
 * are folded into sums where asked for and when their table is full, so that nothing grows. */
#include "opencl/ocl.h"

#include <string.h>

tare_status ocl_stream_create(void *state, void **stream) {
    ocl_device *d = state;
    cl_int e = CL_SUCCESS;
    TARE_TRY(ocl_alive(d));
    ocl_stream *s = tare_alloc_zeroed(sizeof *s);
    if (!s) TARE_FAIL(TARE_E_NOMEM, "opencl: no memory for a stream");
    s->device = d;
    s->queue = CL_MAKE(e, clCreateCommandQueue(d->context, d->id, CL_QUEUE_PROFILING_ENABLE, &e));
    tare_status st = ocl_check(d, "clCreateCommandQueue", e);
    if (st != TARE_OK) {
        tare_free(s);
        return st;
    }
    *stream = s;
    return TARE_OK;
}

static void drop_events(ocl_stream *s) {
    for (int i = 0; i < s->events; i++) (void)clReleaseEvent(s->event[i].event);
    s->events = 0;
}

void ocl_stream_destroy(void *state, void *stream) {
    ocl_stream *s = stream;
    (void)state;
    (void)clFinish(s->queue); /* host memory of queued transfers may go after this */
    drop_events(s);
    for (int i = 0; i < s->kernels; i++) (void)clReleaseKernel(s->kernel[i].kernel);
    (void)clReleaseCommandQueue(s->queue);
    tare_free(s);
}

tare_status ocl_stream_sync(void *state, void *stream) {
    ocl_stream *s = stream;
    (void)state;
    TARE_TRY(ocl_alive(s->device));
    return CL(s->device, clFinish(s->queue));
}

static tare_status fold(ocl_stream *s) {
    tare_status st = CL(s->device, clFinish(s->queue));
    if (s->hush) drop_events(s);
    for (int i = 0; i < s->events && st == TARE_OK; i++) {
        cl_ulong from = 0, to = 0;
        cl_event e = s->event[i].event;
        cl_int got =
            clGetEventProfilingInfo(e, CL_PROFILING_COMMAND_START, sizeof from, &from, NULL);
        /* A driver whose events have no times: the clock's check says so to whoever asks for them.
         */
        if (got == CL_PROFILING_INFO_NOT_AVAILABLE) {
            s->hush = 1;
            break;
        }
        st = CL(s->device, got);
        if (st == TARE_OK)
            st = CL(s->device,
                    clGetEventProfilingInfo(e, CL_PROFILING_COMMAND_END, sizeof to, &to, NULL));
        if (to > from) s->spent[s->event[i].span] += (double)(to - from);
    }
    drop_events(s);
    return st;
}

tare_status ocl_stream_times(void *state, void *stream, tare_times *out) {
    ocl_stream *s = stream;
    (void)state;
    double tick;
    TARE_TRY(ocl_alive(s->device));
    tare_status st = ocl_clock(s->device, &tick);
    s->hush = st == TARE_E_UNSUPPORTED;
    TARE_TRY(fold(s));
    TARE_TRY(st);
    *out = (tare_times){s->spent[OCL_H2D], s->spent[OCL_KERNEL], s->spent[OCL_D2H]};
    memset(s->spent, 0, sizeof s->spent);
    return TARE_OK;
}

tare_status ocl_stream_event(ocl_stream *s, cl_event e, ocl_span span) {
    if (!e) return TARE_OK;
    if (s->hush) {
        (void)clReleaseEvent(e);
        return TARE_OK;
    }
    s->event[s->events++] = (ocl_event){e, span};
    return s->events == OCL_EVENTS ? fold(s) : TARE_OK;
}

tare_status ocl_write(void *state, void *stream, void *mem, size_t offset, const void *src,
                      size_t bytes) {
    ocl_stream *s = stream;
    cl_event e = NULL;
    (void)state;
    TARE_TRY(ocl_alive(s->device));
    if (bytes == 0) return TARE_OK;
    TARE_TRY(CL(s->device,
                clEnqueueWriteBuffer(s->queue, mem, CL_FALSE, offset, bytes, src, 0, NULL, &e)));
    return ocl_stream_event(s, e, OCL_H2D);
}

tare_status ocl_read(void *state, void *stream, const void *mem, size_t offset, void *dst,
                     size_t bytes) {
    ocl_stream *s = stream;
    cl_event e = NULL;
    cl_mem m = (cl_mem)(uintptr_t)mem;
    (void)state;
    TARE_TRY(ocl_alive(s->device));
    if (bytes == 0) return TARE_OK;
    TARE_TRY(
        CL(s->device, clEnqueueReadBuffer(s->queue, m, CL_FALSE, offset, bytes, dst, 0, NULL, &e)));
    return ocl_stream_event(s, e, OCL_D2H);
}

/* Neither is a part of a run: the clock leaves them out. */
tare_status ocl_fill(void *state, void *stream, void *mem, size_t offset, size_t bytes,
                     uint8_t value) {
    ocl_stream *s = stream;
    (void)state;
    TARE_TRY(ocl_alive(s->device));
    if (bytes == 0) return TARE_OK;
    cl_uint word = value * 0x01010101u; /* a byte at a time is slow where it can be seen */
    size_t unit = (offset | bytes) % sizeof word ? 1 : sizeof word;
    return CL(s->device,
              clEnqueueFillBuffer(s->queue, mem, &word, unit, offset, bytes, 0, NULL, NULL));
}

tare_status ocl_copy(void *state, void *stream, void *to, const void *from, size_t bytes) {
    ocl_stream *s = stream;
    cl_mem m = (cl_mem)(uintptr_t)from;
    (void)state;
    TARE_TRY(ocl_alive(s->device));
    if (bytes == 0) return TARE_OK;
    return CL(s->device, clEnqueueCopyBuffer(s->queue, m, to, 0, 0, bytes, 0, NULL, NULL));
}
