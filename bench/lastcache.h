/* How much the last cache holds, found by reading: virtual machines report the host's, a
 * neighbour's or somebody's default, and what should be cold follows from it. */
#ifndef TARE_BENCH_LASTCACHE_H
#define TARE_BENCH_LASTCACHE_H

#include "bench/cell.h"

/* GB/s of reading so many bytes again and again; 0: that could not be measured now. */
typedef double bench_read_rate(void *ctx, size_t bytes);

typedef struct bench_knee {
    size_t held; /* the largest size that was surely faster than memory; 0: none was */
    size_t from; /* the first of three in a row that were not; 0: no knee is to be seen */
    size_t sure; /* the third of them, twice as large */
} bench_knee;

/* The knee of such a curve over memory's rate (`memory`, GB/s), at least, 1.41 least, 2 least ...
 * up to most. There is none where the first size is as slow as memory already (a cache that is no
 * faster can't be told from it), where no three in a row are, or where one could not be measured.
 */
bench_knee bench_knee_find(bench_read_rate *rate, void *ctx, double memory, size_t least,
                           size_t most);
/* The cache that a knee speaks of, where `told` bytes are reported. A machine that is busy shows
 * its cache smaller than it is, so what is told is believed up to `sure`, and beyond it too unless
 * the machine is a virtual one (`guest`), which may tell of caches that it has no part of. Below
 * `from` it is `from`; without a knee, the larger of what is told and what was held. */
size_t bench_knee_cache(const bench_knee *k, size_t told, int guest);

/* Bytes of the last cache, for what must not come from it and for what may: of the CPU by its knee,
 * measured when first asked for, once a process, within a third of a second. Of other devices what
 * they report. */
size_t bench_last_cache(const bench_setup *s);
/* The same where a knee says so and was asked for; else 0. */
size_t bench_last_cache_measured(const bench_setup *s);
/* Whether so many bytes fit into it. Asks for no measurement where any last cache would hold them.
 */
int bench_last_cache_holds(const bench_setup *s, size_t bytes);

#endif
