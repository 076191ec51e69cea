/* Faults that are planted into times, to show that a harness sees them: `tare zero --plant`. */
#ifndef TARE_BENCH_PLANT_H
#define TARE_BENCH_PLANT_H

#include "bench/rng.h"

enum bench_plant {
    BENCH_PLANT_NONE = 0,
    BENCH_PLANT_SLOW, /* every twin takes a tenth longer than it does */
    BENCH_PLANT_NOISE /* a clock that wanders, for each contestant on its own */
};
int bench_plant_find(const char *name); /* "none" "slow" "noise"; -1: none of them */

enum { BENCH_PLANT_SCALES = 2 };

/* The fault of one contestant. */
typedef struct bench_planted {
    enum bench_plant fault;
    int twin;
    bench_rng rng;
    long count;
    double level[BENCH_PLANT_SCALES];
} bench_planted;
void bench_plant_make(bench_planted *p, enum bench_plant fault, int twin, uint64_t seed);
/* bench_contestant.seen, with a bench_planted as its context. */
double bench_plant_seen(void *planted, double ns);

#endif
