/* Packed weights that outlive a group: where a row packs alike for every m, the next m of the same
 * shape takes them from here instead of packing again. */
#ifndef TARE_BENCH_STORE_H
#define TARE_BENCH_STORE_H

#include <tare/tare.h>

typedef struct bench_kept {
    tare_packed *w;
    double sparsity, pack_ns;
} bench_kept;

typedef struct bench_store {
    int64_t n, k; /* of what is kept */
    uint64_t seed;
    bench_kept *kept;
    int count, room;
    size_t bytes, most; /* what is kept, and may be */
} bench_store;

/* What does not belong to this matrix goes. */
void bench_store_open(bench_store *s, int64_t n, int64_t k, uint64_t seed);
/* Weights for a plan, now its own; null: there are none. */
tare_packed *bench_store_take(bench_store *s, const tare_plan *p, double sparsity, double *pack_ns);
/* Hands weights over: kept, or destroyed where they are of no use or too many. */
void bench_store_give(bench_store *s, tare_packed *w, double sparsity, double pack_ns);
void bench_store_clear(bench_store *s);

#endif
