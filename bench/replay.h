/* The inside of a rotor: its samples by the device's clock, recorded or not. */
#ifndef TARE_BENCH_REPLAY_H
#define TARE_BENCH_REPLAY_H

#include "bench/rotate.h"

/* A run was made with the copy whose turn it is. */
void bench_rotor_turn(bench_rotor *r);
/* For bench_contestant.timed. */
tare_status bench_rotor_events(void *rotor, int runs, double *ns);
tare_status bench_rotor_replay(void *rotor, int runs, double *ns);

#endif
