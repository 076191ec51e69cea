/* The noise probe: a few milliseconds of multiply-adds whose rate is known, run between blocks of
 * samples. Where two virtual CPUs sometimes share one core, or a neighbour takes the machine, its
 * rate falls, and what was measured beside it is measured again. Devices with memory of their own
 * are driven from the host, and those that are its CPU under another name share it: there too the
 * CPU's probe is what runs, since a few milliseconds are too short for a queue to give a steady
 * rate. It sees the arithmetic units, not the memory: drifts of memory bandwidth are left to
 * interleaving. A neighbour who never rests is no slow spell; bench/watch.h sees that one. */
#ifndef TARE_BENCH_NOISE_H
#define TARE_BENCH_NOISE_H

#include <tare/tare.h>

/* A probe below this share of the run's best is low. */
#define BENCH_NOISE_LOW 0.85

typedef struct bench_noise {
    tare_device *device;
    double seconds; /* of one probe */
    double best;    /* GFLOP/s, the highest seen in this run */
    int absent;     /* the device has no such probe: nothing is judged */
    int in_vain;    /* measurements in a row that waited for a quiet machine until patience ended */
} bench_noise;

typedef struct bench_noise_log {
    double best, worst; /* GFLOP/s: of the run so far, and around the samples kept; 0: no probe */
    int probes, redone; /* of the whole measurement: probes taken, blocks measured again */
    double waited_ns;   /* for the probe to recover, and for blocks measured again */
    int set_aside;      /* samples of those blocks, not among the samples kept */
    int low;            /* samples kept although a probe beside them was low */
    int noisy;          /* more than a tenth of the samples kept are such, or disturbed */
    double lost;        /* the most that a thread lost in a kept block (bench/watch.h), 0 to 1 */
    int disturbed;      /* samples kept although their block lost more than BENCH_WATCH_LOST */
    const char *how;    /* what told that: bench_watch_name; null: nobody was asked */
} bench_noise_log;

/* The device whose probe is to run beside work on d: itself in host memory, else the CPU. */
tare_device *bench_noise_device(tare_device *d);
/* Ends with the best rate that a few probes saw; where that can't be all, waits up to 4 s for more.
 */
void bench_noise_init(bench_noise *n, tare_device *d);
/* The same without waiting. */
void bench_noise_glance(bench_noise *n, tare_device *d);
/* One probe. Returns its rate, 0 where there is none. */
double bench_noise_probe(bench_noise *n);
int bench_noise_low(const bench_noise *n, double rate);

#endif
