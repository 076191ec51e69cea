/* Ceilings of an OpenCL device, by its own clock where that is believed (clock.c): the best of many
 * short bursts. What a launch costs is no ceiling but a price, and its median: on a CPU the best of
 * many is the one that found a thread still awake. */
#include "opencl/ocl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    return ocl_host_ns() * 1e-9;
}

enum { RESOLVED = 100 }; /* ticks of the clock in a burst, at least */

typedef struct probe {
    ocl_device *d;
    ocl_stream *s;
    cl_mem from, to;
    size_t bytes; /* of `from`, and of `host` */
    void *host;   /* null where nothing is moved */
    int blocked;  /* each work-item reads a range of its own */
} probe;

static tare_status open_probe(ocl_device *d, size_t bytes, int moves, probe *p) {
    void *stream, *mem;
    *p = (probe){.d = d, .bytes = bytes};
    TARE_TRY(ocl_stream_create(d, &stream));
    p->s = stream;
    TARE_TRY(ocl_alloc(d, 64, &mem));
    p->to = mem;
    if (bytes == 0) return TARE_OK;
    TARE_TRY(ocl_alloc(d, bytes, &mem));
    p->from = mem;
    if (moves && !(p->host = tare_alloc_zeroed(bytes)))
        TARE_FAIL(TARE_E_NOMEM, "opencl: no memory to probe transfers");
    cl_float one = 1;
    cl_event e = NULL;
    TARE_TRY(
        CL(d, clEnqueueFillBuffer(p->s->queue, p->from, &one, sizeof one, 0, bytes, 0, NULL, &e)));
    return ocl_stream_event(p->s, e, OCL_KERNEL);
}

static void close_probe(probe *p) {
    if (p->s) ocl_stream_destroy(p->d, p->s);
    ocl_free(p->d, p->from);
    ocl_free(p->d, p->to);
    tare_free(p->host);
}

/* One burst: queues work and says how much it is. */
typedef tare_status (*burst)(probe *p, double *work);

static tare_status best_of(probe *p, burst run, ocl_span span, double seconds, double *best) {
    double end, work = 0, ns;
    ocl_watch w;
    *best = 0;
    TARE_TRY(run(p, &work)); /* builds, warms up */
    TARE_TRY(ocl_watch_start(p->s, &w));
    end = now() + seconds;
    for (int i = 0; i < 3 || now() < end; i++) {
        TARE_TRY(ocl_watch_start(p->s, &w));
        TARE_TRY(run(p, &work));
        TARE_TRY(ocl_watch_stop(p->s, &w, span, &ns));
        /* What a clock can't resolve is no rate, and would be the best of all. */
        if (ns > RESOLVED * p->d->tick_ns && work / ns > *best) *best = work / ns;
    }
    if (!(*best > 0))
        TARE_FAIL(TARE_E_DEVICE, "opencl: the clock of %s can't resolve the probe", p->d->name);
    return TARE_OK;
}

static tare_status read_burst(probe *p, double *work) {
    cl_kernel k;
    int cpu = p->blocked;
    TARE_TRY(ocl_kernel(p->s, "probe.cl", "probe_read", cpu ? "-DBLOCKED" : "", &k));
    ocl_arg args[] = {ocl_mem(p->from), ocl_mem(p->to), ocl_ulong(p->bytes / 16)};
    ocl_grid g = {{(size_t)p->d->units * (cpu ? 1 : 2048), 1, 1}, {cpu ? 1 : 256, 1, 1}};
    *work = (double)p->bytes;
    return ocl_launch(p->s, k, &g, args, 3);
}

static tare_status fma_burst(probe *p, double *work) {
    enum { ROUNDS = 4096 };
    int cpu = p->d->class == OCL_CPU, vec = cpu ? 16 : 2; /* float1 is no type */
    cl_kernel k;
    char options[40];
    snprintf(options, sizeof options, "-DVEC=%d%s", vec,
             p->d->features & OCL_FMA ? "" : " -DNO_FMA");
    TARE_TRY(ocl_kernel(p->s, "probe.cl", "probe_fma", options, &k));
    ocl_arg seed = {.bytes = sizeof(cl_float), .f = 1e-3f};
    ocl_arg args[] = {ocl_mem(p->to), seed, ocl_int(ROUNDS)};
    /* Long enough that waking a CPU's threads, which its clock counts, does not matter. */
    ocl_grid g = {{(size_t)p->d->units * (cpu ? 64 : 1024), 1, 1}, {cpu ? 1 : 256, 1, 1}};
    *work = 2.0 * 12 * vec * ROUNDS * (double)g.global[0];
    return ocl_launch(p->s, k, &g, args, 3);
}

/* A CPU's work-items in a row of memory each, or side by side: whichever is faster there. */
static tare_status best_read(probe *p, double seconds, double *rate) {
    double other = 0;
    if (!p->d->is_cpu) return best_of(p, read_burst, OCL_KERNEL, seconds, rate);
    p->blocked = 1;
    if (p->d->class == OCL_CPU) return best_of(p, read_burst, OCL_KERNEL, seconds, rate);
    TARE_TRY(best_of(p, read_burst, OCL_KERNEL, seconds / 2, rate));
    p->blocked = 0;
    TARE_TRY(best_of(p, read_burst, OCL_KERNEL, seconds / 2, &other));
    if (other > *rate) *rate = other;
    return TARE_OK;
}

static tare_status write_burst(probe *p, double *work) {
    *work = (double)p->bytes;
    TARE_TRY(ocl_write(p->d, p->s, p->from, 0, p->host, p->bytes));
    return ocl_stream_sync(p->d, p->s);
}

static tare_status back_burst(probe *p, double *work) {
    *work = (double)p->bytes;
    TARE_TRY(ocl_read(p->d, p->s, p->from, 0, p->host, p->bytes));
    return ocl_stream_sync(p->d, p->s);
}

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* From queueing an empty kernel to having waited for it, on the host's clock: the median. It has a
 * group for each unit, so that all of them are woken, as by any kernel worth its while, and each
 * launch is a pause after the last: back to back, on a CPU, some are caught by threads that spin
 * and others wait for the ones just falling asleep, 5 to 60 us at random. */
static tare_status launch_ns(probe *p, double seconds, double *ns) {
    enum { LEAST = 20, MOST = 1000, WARM = 3 };
    cl_kernel k;
    TARE_TRY(ocl_kernel(p->s, "probe.cl", "probe_nothing", "", &k));
    ocl_arg args[] = {ocl_mem(p->to), ocl_int(0)};
    ocl_grid g = {{(size_t)p->d->units, 1, 1}, {1, 1, 1}};
    double took[MOST], end = now() + seconds;
    int n = 0;
    const struct timespec pause = {.tv_nsec = 100000};
    for (int i = 0; n < MOST && (n < LEAST || now() < end); i++) {
        (void)nanosleep(&pause, NULL);
        double t = now();
        TARE_TRY(ocl_launch(p->s, k, &g, args, 2));
        TARE_TRY(ocl_stream_sync(p->d, p->s));
        if (i >= WARM) took[n++] = (now() - t) * 1e9;
    }
    qsort(took, (size_t)n, sizeof *took, ascending);
    *ns = took[n / 2];
    return TARE_OK;
}

static size_t probe_bytes(const ocl_device *d, tare_probe_kind what) {
    size_t cache = d->cache > 0 ? (size_t)d->cache : (size_t)8 << 20;
    size_t want = 0;
    if (what == TARE_PROBE_READ) want = cache < ((size_t)1 << 28) ? (size_t)1 << 28 : 2 * cache;
    if (what == TARE_PROBE_CACHE) want = cache / 4;
    if (what == TARE_PROBE_H2D || what == TARE_PROBE_D2H) want = (size_t)16 << 20;
    if (d->max_alloc > 0 && want > (size_t)d->max_alloc) want = (size_t)d->max_alloc;
    return want / 4096 * 4096;
}

tare_status ocl_probe(void *state, tare_probe_kind what, double seconds, double *rate) {
    ocl_device *d = state;
    probe p;
    if (what == TARE_PROBE_BF16 || what == TARE_PROBE_I8)
        TARE_FAIL(TARE_E_UNSUPPORTED, "opencl: %s has no such unit that OpenCL names", d->name);
    int moves = what == TARE_PROBE_H2D || what == TARE_PROBE_D2H;
    tare_status s = open_probe(d, probe_bytes(d, what), moves, &p);
    if (s == TARE_OK) switch (what) {
        case TARE_PROBE_READ:
        case TARE_PROBE_CACHE:
            s = best_read(&p, seconds, rate);
            break;
        case TARE_PROBE_H2D:
            s = best_of(&p, write_burst, OCL_H2D, seconds, rate);
            break;
        case TARE_PROBE_D2H:
            s = best_of(&p, back_burst, OCL_D2H, seconds, rate);
            break;
        case TARE_PROBE_LAUNCH:
            s = launch_ns(&p, seconds, rate);
            break;
        default:
            s = best_of(&p, fma_burst, OCL_KERNEL, seconds, rate);
        }
    close_probe(&p);
    return s;
}
