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

/* What BENCH_AUTO means on a device; another one is an error where the device lacks it. */
tare_status bench_timing_choose(const tare_device *d, enum bench_timing asked,
                                enum bench_timing *out);

#endif
