/* The inside of bench_measure: what its files share. */
#ifndef TARE_BENCH_RACE_H
#define TARE_BENCH_RACE_H

#include "bench/measure.h"
#include "bench/rng.h"
#include "bench/watch.h"

/* A contestant in its turns. */
typedef struct lane {
    const bench_contestant *c;
    bench_result *r;
    size_t room, mark;       /* samples that fit, samples before this block */
    double least_ns;         /* of a sample, seen in the warm-up */
    double used_ns, wall_ns; /* of its samples so far: running; with what prepares them */
    int64_t quota;           /* turns that it is to have, of `burst` samples each */
    int burst;
    size_t doubtful; /* samples kept from blocks that would have been set aside */
} lane;

typedef struct race {
    lane *lanes;
    int *order, *order_mark; /* this round's order; that at the start of the block */
    int n, at, at_mark;      /* at: how much of the round is done */
    int running;             /* whose sample is or was the last; -1: none yet */
    int64_t rounds, round, round_mark;
    const bench_options *o;
    bench_rng rng;
    double probe, most_ns; /* the probe before the running block; all rounds may take so long */
    bench_noise_log noise;
    bench_watch watch;
} race;

/* Whether the pilot has not seen enough of a lane. */
int bench_pilot_wants(const lane *l, const bench_options *o);
/* Quotas and rounds, from the pilot where there was one; its samples are forgotten. */
tare_status bench_plan(race *r);
/* The rounds took far longer than planned: stops are what they came to. */
void bench_plan_cut(race *r);

#endif
