/* Monotonic time. */
#include "bench/clock.h"

#include <time.h>

double bench_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Of a few hundred readings; calls that take longer than a tick hide it, and then do not matter. */
double bench_clock_tick(void) {
    double least = 0, before = bench_now_ns();
    for (int i = 0, steps = 0; i < 1000000 && steps < 200; i++) {
        double now = bench_now_ns(), step = now - before;
        before = now;
        if (!(step > 0)) continue;
        if (least == 0 || step < least) least = step;
        steps++;
    }
    return least;
}
