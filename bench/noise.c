/* The noise probe, over the f32 ceiling of a device in host memory. */
#include "bench/noise.h"
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "src/internal.h"

#include <time.h>

/* Processors that all compute lower their clocks, to three quarters perhaps of what one does alone;
 * two on one core do half. */
#define TOGETHER 0.7
#define APART_NS 4e9

tare_device *bench_noise_device(tare_device *d) {
    tare_device *host = NULL;
    if (!d->backend->host_memory) (void)tare_device_find(tare_cpu_backend.name, &host);
    return host ? host : d;
}

/* The best seen of a device by any probe of this process: what one measurement learned of the
 * machine, the next need not find again. */
static struct {
    const tare_device *device;
    int threads;
    double best;
} seen;

static double remember(const bench_noise *n) {
    if (seen.device != n->device || seen.threads != tare_threads()) seen.best = 0;
    seen.device = n->device;
    seen.threads = tare_threads();
    if (n->best > seen.best) seen.best = n->best;
    return seen.best;
}

double bench_noise_probe(bench_noise *n) {
    double rate = 0;
    if (n->absent) return 0;
    if (tare_device_probe(n->device, TARE_PROBE_F32, n->seconds, &rate) != TARE_OK || !(rate > 0)) {
        n->absent = 1;
        return 0;
    }
    if (rate > n->best) n->best = rate;
    n->best = remember(n);
    return rate;
}

/* What all threads would do together if each had a core of its own. */
static double alone(bench_noise *n) {
    int threads = tare_threads();
    double best = 0, rate;
    tare_set_threads(1);
    for (int i = 0; i < 3; i++)
        if (tare_device_probe(n->device, TARE_PROBE_F32, n->seconds, &rate) == TARE_OK)
            best = rate > best ? rate : best;
    tare_set_threads(threads);
    return threads * best;
}

/* Virtual processors may lie on one core for seconds, and apart for others. If that is so when the
 * first probe looks, every later one would look fine: so where all threads together do no more than
 * some of them could alone, a better spell is waited for. If none comes, that is this machine. */
static void wait_for_apart(bench_noise *n) {
    if (n->absent || tare_threads() < 2 || n->device->backend != &tare_cpu_backend) return;
    double enough = TOGETHER * alone(n), end = bench_now_ns() + APART_NS;
    while (!n->absent && n->best < enough && bench_now_ns() < end && !bench_interrupted()) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        bench_noise_probe(n);
    }
}

void bench_noise_glance(bench_noise *n, tare_device *d) {
    *n = (bench_noise){.device = d, .seconds = 0.003};
    n->best = remember(n);
    /* The first call also starts threads and wakes the clock; the best of a few counts. */
    for (int i = 0; i < 5 && !n->absent; i++) bench_noise_probe(n);
}

void bench_noise_init(bench_noise *n, tare_device *d) {
    static int waited; /* once a process is enough */
    bench_noise_glance(n, d);
    if (!waited++) wait_for_apart(n);
}

int bench_noise_low(const bench_noise *n, double rate) {
    return !n->absent && rate < BENCH_NOISE_LOW * n->best;
}
