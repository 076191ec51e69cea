/* What the machine can do at best, measured; and how far a row is from it. */
#ifndef TARE_BENCH_CEILINGS_H
#define TARE_BENCH_CEILINGS_H

#include <stddef.h>
#include <tare/tare.h>

/* Measures every ceiling of the device once a process, about `seconds` each, and hands them to the
 * cost model (tare_device_set_rates). What the device cannot measure keeps its estimate; a later
 * call gives the same rates. */
tare_status bench_ceilings(tare_device *d, double seconds, tare_rates *out);

enum bench_limit { BENCH_MEMORY = 1, BENCH_COMPUTE, BENCH_LAUNCH, BENCH_TRANSFER };
const char *bench_limit_name(int limit); /* "memory" ... */

/* The least time in which a plan's bytes and operations could be had, ns, and what it is bound by:
 * the largest of bytes / bandwidth, ops / peak of its unit, launch, transfer. `cached`: weights
 * come from the last cache. Launch counts for the label only, not for the floor. */
double bench_floor_ns(const tare_plan *p, const tare_rates *r, int cached, enum bench_limit *limit);

#endif
