/* The noise probe, over the device's own f32 ceiling. */
#include "bench/noise.h"

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
