/* What the machine can do at best, measured; and how far a row is from it. */
#ifndef TARE_BENCH_CEILINGS_H
#define TARE_BENCH_CEILINGS_H

#include <stddef.h>
#include <tare/tare.h>

/* Measures every ceiling of the device once a process, about `seconds` each, and hands them to the
 * cost model (tare_device_set_rates). What the device cannot measure keeps its estimate, and so
 * does what was never tried beside a noise probe that was not low. A later call gives the same
 * rates, but where the one from memory or f32 is an estimate still: then all are measured again. */
tare_status bench_ceilings(tare_device *d, double seconds, tare_rates *out);

/* Whether that one was, and is no estimate: also what a probe claimed that no device can do. */
int bench_ceiling_measured(const tare_rates *r, tare_probe_kind kind);

enum bench_limit { BENCH_MEMORY = 1, BENCH_COMPUTE, BENCH_LAUNCH, BENCH_TRANSFER };
const char *bench_limit_name(int limit); /* "memory" ... */

/* The least time in which a plan could run, ns, and what it is bound by: the largest of bytes /
 * bandwidth, ops / peak of its unit, launch; transfers are bench_peaks' matter. `cached`: W, x and
 * y come from the last cache; otherwise the packed W (`packed` bytes of it) comes from memory, and
 * x and y may lie in any cache, so they count nothing. Launch counts for the label only, not for
 * the floor. */
double bench_floor_ns(const tare_plan *p, size_t packed, const tare_rates *r, int cached,
                      enum bench_limit *limit);

/* A run that took `ns`. Where that is less than the floor, a ceiling was measured in a slow spell:
 * the run is the better measurement, and the ceiling rises to it. The cache's ceiling does not:
 * caches nearer to a core are faster than the last. */
void bench_ceilings_met(const tare_plan *p, size_t packed, int cached, double ns, tare_rates *r);

#endif
