/* A contestant's packed weights in the cache state that a sample wants.
 *
 * Cold: copies are used in turn, and before a copy is used again as many other bytes must have gone
 * through the caches as `target` says (twice the last level). Copies of all contestants count,
 * since they take turns; what is missing is made up by reading a buffer, or on a device with memory
 * of its own by setting one there, which is not timed. Hot: each sample follows an untimed run on
 * the same copy, and the next sample takes the next of a few copies.
 *
 * Where a copy lies is luck that all its samples share: `place` tells them apart. */
#ifndef TARE_BENCH_ROTATE_H
#define TARE_BENCH_ROTATE_H

#include "bench/measure.h"
#include "bench/timing.h"
#include <tare/tare.h>

/* Placements that hot samples go through, at most; samples that are taken of one in a row. */
enum { BENCH_HOT_COPIES = 8, BENCH_HOT_BURST = 4 };

typedef struct bench_cold {
    size_t target; /* bytes to go by before a copy counts as cold */
    double moved;  /* bytes that went by so far */
    char *buffer;  /* `target` bytes, made when first needed; else what is written to `spare` */
    size_t at;     /* where reading or writing goes on */
    tare_stream *stream; /* of a device with its own memory; null: host memory */
    tare_buffer *spare;  /* there */
    size_t spare_bytes;
} bench_cold;
void bench_cold_clear(bench_cold *c);

/* Whose threads ran last on the host's processors. Ours and a vendor library's both spin for a
 * while after a run, on the cores that the others' next run wants. */
enum bench_threads { BENCH_THREADS_OURS, BENCH_THREADS_VENDORS };

typedef struct bench_rotor {
    const tare_plan *plan;
    tare_stream *stream;
    const tare_buffer *x;
    tare_buffer *y;
    bench_cold *cold; /* null: hot */
    tare_packed **copy;
    double *used; /* cold->moved when the copy was last used */
    int copies, room, next;
    int is_long; /* a run takes so long that what comes before it does not matter */
    int runs;    /* of the sample that was prepared last */
    enum bench_threads threads,
        *ran_last;            /* its own; the group's. Null: no threads of the host's */
    enum bench_timing timing; /* BENCH_AUTO reads as by the host */
    double tick_ns;           /* of that clock */
    tare_graph *graph;        /* of `recorded` runs, cold ones through all copies in turn */
    int recorded;
} bench_rotor;

/* Makes copies until there are `want`, on the device where that can be, else packed from t. */
tare_status bench_rotor_grow(bench_rotor *r, const tare_tensor *t, int want);
/* Gives the first one to the rotor, which has none yet. */
tare_status bench_rotor_adopt(bench_rotor *r, tare_packed *first);
/* Records `runs` runs as the graph that samples replay; cold: each copy once. */
tare_status bench_rotor_record(bench_rotor *r, int runs);
void bench_rotor_forget(bench_rotor *r); /* the graph */
void bench_rotor_clear(bench_rotor *r);
/* The callbacks for bench_measure. */
bench_contestant bench_rotor_contestant(bench_rotor *r);
tare_status bench_rotor_run(void *rotor);
tare_status bench_rotor_settle(const bench_rotor *r);
tare_status bench_rotor_queue(bench_rotor *r); /* without waiting for it */

#endif
