/* The library's own threads. Made at first use, asleep when there is nothing to do, gone in a
 * forked child (which makes its own). Where a thread is not to be had there are fewer. */
#ifndef TARE_POOL_H
#define TARE_POOL_H

#include "src/parallel.h"

/* Runs the pieces (2..PARALLEL_MAX of them) on the caller and up to tare_threads() - 1 workers, and
 * returns 1 when they are done. 0, with nothing run, where the pool serves another caller or has no
 * workers: the caller's thread then does it all. */
int pool_run(int pieces, parallel_piece *piece, void *ctx);

#endif
