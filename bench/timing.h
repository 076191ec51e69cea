/* By which clock a sample is taken.
 *
 *   host    the host's, from queueing a run until it has been waited for
 *   events  the device's own, around a run's kernels as the host queues them
 *   graph   the device's own, around the replay of several runs that were recorded before: what
 *           queueing costs is gone
 *
 * On a device's clock the time is that of the device alone. While it is still busy with what
 * evicts its caches the host queues the sample, so that the device never waits for the host.
 * Samples by different clocks are never compared (docs/measuring.md). */
#ifndef TARE_BENCH_TIMING_H
#define TARE_BENCH_TIMING_H

#include <tare/tare.h>

enum bench_timing { BENCH_AUTO = 0, BENCH_BY_HOST, BENCH_BY_EVENTS, BENCH_BY_GRAPH };
const char *bench_timing_name(int t);    /* "auto" "host" "events" "graph" */
int bench_timing_find(const char *name); /* -1: none of them */

/* What BENCH_AUTO means on a device; another one is an error where the device lacks it. A clock
 * that the device's backend does not believe counts as none. */
tare_status bench_timing_choose(tare_device *d, enum bench_timing asked, enum bench_timing *out);
/* The tick of that clock, ns; 0 where it is not known. */
double bench_timing_tick(tare_device *d, enum bench_timing by);

/* A sample that is shorter than this many ticks says nothing: half of them is what a verdict's
 * threshold is. Samples are made longer than that where they can be (bench_contestant.tick_ns). */
#define BENCH_TICKS_LEAST 20
#define BENCH_TICKS_WANTED 200

#endif
