/* A stream: a CUDA stream and its clock.
 *
 * The clock is a row of marks: an event where the kind of work changes, and one where the host has
 * waited. What lies between two marks belongs to the first one's span; gaps in which the device
 * waited for the host to queue are counted, as they are part of what a run costs there (replay a
 * graph to be rid of them). Events are made once and used again. */
#include "cuda/objects.h"

#include <string.h>

/* What counts the blocks that share out a tile's sums; every kernel leaves it as zeros. */
static tare_status clear_arrivals(cu_stream *s) {
    size_t bytes = CU_ARRIVALS * sizeof *s->arrivals;
    void *mem;
    TARE_TRY(cu_alloc(s->device, bytes, &mem));
    s->arrivals = mem;
    return CU(s->device, cudaMemsetAsync(mem, 0, bytes, s->stream));
}

static tare_status make_queue(cu_stream *s) {
    TARE_TRY(CU(s->device, cudaEventCreateWithFlags(&s->fence, cudaEventDisableTiming)));
    return CU(s->device, cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking));
}

/* From now on what is freed waits for it; see memory.c. */
static void enlist(cu_stream *s) {
    cu_device *d = s->device;
    pthread_mutex_lock(&d->queues);
    s->next = d->streams;
    d->streams = s;
    pthread_mutex_unlock(&d->queues);
}

static void delist(cu_stream *s) {
    cu_device *d = s->device;
    pthread_mutex_lock(&d->queues);
    for (cu_stream **at = &d->streams; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    pthread_mutex_unlock(&d->queues);
}

tare_status cu_stream_create(void *state, void **stream) {
    cu_device *d = state;
    TARE_TRY(cu_enter(d));
    cu_stream *s = tare_alloc_zeroed(sizeof *s);
    if (!s) TARE_FAIL(TARE_E_NOMEM, "cuda: no memory for a stream");
    s->device = d;
    tare_status st = make_queue(s);
    if (st != TARE_OK) {
        if (s->fence) (void)cudaEventDestroy(s->fence);
        tare_free(s);
        return st;
    }
    enlist(s);
    st = clear_arrivals(s);
    if (st != TARE_OK) {
        cu_stream_destroy(d, s);
        return st;
    }
    *stream = s;
    return TARE_OK;
}

void cu_stream_destroy(void *state, void *stream) {
    cu_stream *s = stream;
    (void)state;
    int there = cu_enter(s->device) == TARE_OK;
    if (there) /* host memory of queued copies may go after this */
        (void)CU_TWICE(s->device, cudaStreamSynchronize(s->stream));
    delist(s);
    if (there) {
        for (int i = 0; i < s->made; i++) (void)cudaEventDestroy(s->mark[i].event);
        (void)cudaEventDestroy(s->fence);
        (void)cudaStreamDestroy(s->stream);
    }
    cu_object_unclaim(s);
    cu_free(s->device, s->room);
    cu_free(s->device, s->arrivals);
    tare_free(s);
}

static tare_status mark(cu_stream *s, cu_span span) {
    if (s->marks == s->made) {
        TARE_TRY(CU(s->device, cudaEventCreateWithFlags(&s->mark[s->made].event, 0)));
        s->made++;
    }
    TARE_TRY(CU(s->device, cudaEventRecord(s->mark[s->marks].event, s->stream)));
    s->mark[s->marks++].span = span;
    return TARE_OK;
}

/* Closes the last span, waits, and adds up; the table is empty afterwards. */
static tare_status fold(cu_stream *s) {
    if (s->marks && s->mark[s->marks - 1].span != CU_NONE) TARE_TRY(mark(s, CU_NONE));
    TARE_TRY(CU(s->device, cudaStreamSynchronize(s->stream)));
    for (int i = 0; i + 1 < s->marks; i++) {
        float ms = 0;
        if (s->mark[i].span == CU_NONE) continue;
        TARE_TRY(CU(s->device, cudaEventElapsedTime(&ms, s->mark[i].event, s->mark[i + 1].event)));
        s->spent[s->mark[i].span] += (double)ms * 1e6;
    }
    s->marks = 0;
    return TARE_OK;
}

tare_status cu_stream_span(cu_stream *s, cu_span span) {
    if (s->capturing || (s->marks && s->mark[s->marks - 1].span == span)) return TARE_OK;
    if (s->marks > CU_MARKS - 2) TARE_TRY(fold(s));
    return mark(s, span);
}

tare_status cu_stream_sync(void *state, void *stream) {
    cu_stream *s = stream;
    (void)state;
    TARE_TRY(cu_enter(s->device));
    /* Whatever the host does before the next command is no work of the device. */
    if (s->marks) TARE_TRY(cu_stream_span(s, CU_NONE));
    return CU(s->device, cudaStreamSynchronize(s->stream));
}

tare_status cu_stream_times(void *state, void *stream, tare_times *out) {
    cu_stream *s = stream;
    (void)state;
    TARE_TRY(cu_enter(s->device));
    TARE_TRY(fold(s));
    *out = (tare_times){s->spent[CU_H2D], s->spent[CU_KERNEL], s->spent[CU_D2H]};
    memset(s->spent, 0, sizeof s->spent);
    return TARE_OK;
}

tare_status cu_write(void *state, void *stream, void *mem, size_t offset, const void *src,
                     size_t bytes) {
    cu_stream *s = stream;
    (void)state;
    TARE_TRY(cu_enter(s->device));
    if (bytes == 0) return TARE_OK;
    TARE_TRY(cu_stream_span(s, CU_H2D));
    return CU(s->device,
              cudaMemcpyAsync((char *)mem + offset, src, bytes, cudaMemcpyHostToDevice, s->stream));
}

tare_status cu_read(void *state, void *stream, const void *mem, size_t offset, void *dst,
                    size_t bytes) {
    cu_stream *s = stream;
    (void)state;
    TARE_TRY(cu_enter(s->device));
    if (bytes == 0) return TARE_OK;
    TARE_TRY(cu_stream_span(s, CU_D2H));
    return CU(s->device, cudaMemcpyAsync(dst, (const char *)mem + offset, bytes,
                                         cudaMemcpyDeviceToHost, s->stream));
}

/* Neither is a part of a run: the clock leaves them out. */
tare_status cu_fill(void *state, void *stream, void *mem, size_t offset, size_t bytes,
                    uint8_t value) {
    cu_stream *s = stream;
    (void)state;
    TARE_TRY(cu_enter(s->device));
    if (bytes == 0) return TARE_OK;
    TARE_TRY(cu_stream_span(s, CU_OTHER));
    return CU(s->device, cudaMemsetAsync((char *)mem + offset, value, bytes, s->stream));
}

tare_status cu_copy(void *state, void *stream, void *to, const void *from, size_t bytes) {
    cu_stream *s = stream;
    (void)state;
    TARE_TRY(cu_enter(s->device));
    if (bytes == 0) return TARE_OK;
    TARE_TRY(cu_stream_span(s, CU_OTHER));
    return CU(s->device, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, s->stream));
}
