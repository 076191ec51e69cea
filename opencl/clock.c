/* A device's clock held against the host's, before anything is measured by it: some drivers give
 * event times that stand still, and what is made of those looks like a measurement.
 *
 * Once a device, some work that takes milliseconds is timed by both. The clock is believed where
 * the two agree within a factor and its tick is fine enough for single kernels; else streams say
 * that they have no times (TARE_E_UNSUPPORTED, with the reason), and whoever measures takes the
 * host's clock. */
#include "opencl/ocl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of few stamps no tick can be told. */
enum { FILLS = OCL_CLOCK_SPANS, LEAST_FILLS = 8, TRIES = 5 };
/* Long enough that queueing and waking threads do not matter. */
static const double least_ns = 2e6;
/* A tick above this would be a fifth of the shortest sample. */
static const double most_tick = 1000;

double ocl_host_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t common(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The largest step that all stamps are multiples of, seen from the first: the tick. */
static uint64_t step_of(const ocl_span_stamps *s, int count) {
    uint64_t step = 0, first = s[0].from;
    for (int i = 0; i < count; i++) {
        step = common(step, s[i].from > first ? s[i].from - first : first - s[i].from);
        step = common(step, s[i].to > first ? s[i].to - first : first - s[i].to);
    }
    return step;
}

/* What the stamps say: from the first start to the last end, and of that in commands. */
static int sum_up(const ocl_span_stamps *s, int count, double *span, double *busy) {
    uint64_t first = s[0].from, last = s[0].to;
    *busy = 0;
    for (int i = 0; i < count; i++) {
        if (s[i].to < s[i].from) return 0;
        if (s[i].from < first) first = s[i].from;
        if (s[i].to > last) last = s[i].to;
        *busy += (double)(s[i].to - s[i].from);
    }
    *span = (double)(last - first);
    return 1;
}

int ocl_clock_judge(const ocl_span_stamps *s, int count, double host_ns, double *tick, char *why,
                    size_t size) {
    double span, busy;
    if (!sum_up(s, count, &span, &busy)) {
        snprintf(why, size, "its clock runs backwards");
        return 0;
    }
    *tick = (double)step_of(s, count);
    if (!(span >= 0.5 * host_ns && span <= 1.25 * host_ns && busy >= 0.25 * span)) {
        snprintf(why, size, "its clock says %.3g us where the host's says %.0f us",
                 (busy < span ? busy : span) * 1e-3, host_ns * 1e-3);
        return 0;
    }
    if (*tick > most_tick) {
        snprintf(why, size, "its clock ticks every %.3g us", *tick * 1e-3);
        return 0;
    }
    return 1;
}

typedef struct trial {
    ocl_device *d;
    cl_command_queue queue;
    cl_mem mem;
    size_t bytes;
    int fills;
    ocl_span_stamps stamps[FILLS];
    double host_ns;
    int silent; /* events have no times */
} trial;

static tare_status stamp(trial *t, cl_event e, ocl_span_stamps *out) {
    cl_ulong from = 0, to = 0;
    cl_int got = clGetEventProfilingInfo(e, CL_PROFILING_COMMAND_START, sizeof from, &from, NULL);
    if (got == CL_SUCCESS)
        got = clGetEventProfilingInfo(e, CL_PROFILING_COMMAND_END, sizeof to, &to, NULL);
    t->silent |= got == CL_PROFILING_INFO_NOT_AVAILABLE;
    *out = (ocl_span_stamps){from, to};
    return t->silent ? TARE_OK : CL(t->d, got);
}

static tare_status once(trial *t) {
    cl_event event[FILLS] = {NULL};
    cl_uint word = 1;
    tare_status s = TARE_OK;
    double start = ocl_host_ns();
    for (int i = 0; i < t->fills && s == TARE_OK; i++)
        s = CL(t->d, clEnqueueFillBuffer(t->queue, t->mem, &word, sizeof word, 0, t->bytes, 0, NULL,
                                         &event[i]));
    tare_status end = CL(t->d, clFinish(t->queue));
    t->host_ns = ocl_host_ns() - start;
    if (s == TARE_OK) s = end;
    for (int i = 0; i < t->fills && s == TARE_OK; i++) s = stamp(t, event[i], &t->stamps[i]);
    for (int i = 0; i < t->fills; i++)
        if (event[i]) (void)clReleaseEvent(event[i]);
    return s;
}

/* Neighbours on the machine may stretch a try on the host's side: one that agrees is enough. */
static tare_status compare(trial *t) {
    ocl_device *d = t->d;
    t->fills = 1;
    TARE_TRY(once(t)); /* brings memory in */
    t->fills = LEAST_FILLS;
    for (int tries = 0, good = 0; tries < TRIES && !good;) {
        TARE_TRY(once(t));
        if (t->silent) {
            snprintf(d->clock_why, sizeof d->clock_why, "its events have no times");
            break;
        }
        if (t->host_ns < least_ns && t->fills < FILLS) {
            t->fills *= 2;
            continue;
        }
        tries++;
        good = ocl_clock_judge(t->stamps, t->fills, t->host_ns, &d->tick_ns, d->clock_why,
                               sizeof d->clock_why);
        if (good)
            d->clock_why[0] = 0;
        else
            d->tick_ns = 0; /* is the host's then, and nothing said of it */
    }
    return TARE_OK;
}

static tare_status check(ocl_device *d) {
    const char *forced = getenv("TARE_OPENCL_CLOCK");
    trial t = {.d = d, .bytes = (size_t)32 << 20};
    cl_int e = CL_SUCCESS;
    if (forced && strcmp(forced, "host") == 0) {
        snprintf(d->clock_why, sizeof d->clock_why, "TARE_OPENCL_CLOCK asks for the host's");
        return TARE_OK;
    }
    while (d->max_alloc > 0 && t.bytes > (uint64_t)d->max_alloc) t.bytes /= 2;
    t.queue = CL_MAKE(e, clCreateCommandQueue(d->context, d->id, CL_QUEUE_PROFILING_ENABLE, &e));
    TARE_TRY(ocl_check(d, "clCreateCommandQueue", e));
    t.mem = CL_MAKE(e, clCreateBuffer(d->context, CL_MEM_READ_WRITE, t.bytes, NULL, &e));
    tare_status s = ocl_check(d, "clCreateBuffer", e);
    if (s == TARE_OK) s = compare(&t);
    if (t.mem) (void)clReleaseMemObject(t.mem);
    (void)clReleaseCommandQueue(t.queue);
    return s;
}

tare_status ocl_clock(void *state, double *tick_ns) {
    ocl_device *d = state;
    *tick_ns = 0;
    if (!atomic_load(&d->clock_known)) {
        TARE_TRY(ocl_alive(d));
        pthread_mutex_lock(&d->clock_lock);
        tare_status s = atomic_load(&d->clock_known) ? TARE_OK : check(d);
        if (s == TARE_OK) atomic_store(&d->clock_known, 1);
        pthread_mutex_unlock(&d->clock_lock);
        TARE_TRY(s);
    }
    if (d->clock_why[0])
        TARE_FAIL(TARE_E_UNSUPPORTED, "opencl: %s is timed by the host's clock: %s", d->name,
                  d->clock_why);
    *tick_ns = d->tick_ns;
    return TARE_OK;
}

/* ---- whatever clock there is ---- */

tare_status ocl_watch_start(ocl_stream *s, ocl_watch *w) {
    tare_times t;
    tare_status st = ocl_stream_times(s->device, s, &t);
    w->own = st == TARE_OK;
    if (st == TARE_E_UNSUPPORTED) st = ocl_stream_sync(s->device, s);
    w->start = ocl_host_ns();
    return st;
}

tare_status ocl_watch_stop(ocl_stream *s, const ocl_watch *w, ocl_span span, double *ns) {
    tare_times t;
    if (!w->own) {
        TARE_TRY(ocl_stream_sync(s->device, s));
        *ns = ocl_host_ns() - w->start;
        return TARE_OK;
    }
    TARE_TRY(ocl_stream_times(s->device, s, &t));
    *ns = span == OCL_KERNEL ? t.kernel_ns : span == OCL_H2D ? t.h2d_ns : t.d2h_ns;
    return TARE_OK;
}
