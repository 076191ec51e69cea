/* The noise probe, over the f32 ceiling of a device in host memory. */
#include "bench/noise.h"
#include "src/internal.h"

tare_device *bench_noise_device(tare_device *d) {
    tare_device *host = NULL;
    if (!d->backend->host_memory) (void)tare_device_find(tare_cpu_backend.name, &host);
    return host ? host : d;
}

void bench_noise_init(bench_noise *n, tare_device *d) {
    *n = (bench_noise){.device = d, .seconds = 0.003};
    /* The first call also starts threads and wakes the clock; the best of a few counts. */
    for (int i = 0; i < 5 && !n->absent; i++) bench_noise_probe(n);
}

double bench_noise_probe(bench_noise *n) {
    double rate = 0;
    if (n->absent) return 0;
    if (tare_device_probe(n->device, TARE_PROBE_F32, n->seconds, &rate) != TARE_OK || !(rate > 0)) {
        n->absent = 1;
        return 0;
    }
    if (rate > n->best) n->best = rate;
    return rate;
}

int bench_noise_low(const bench_noise *n, double rate) {
    return !n->absent && rate < BENCH_NOISE_LOW * n->best;
}
