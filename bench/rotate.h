/* A contestant's packed weights in the cache state that a sample wants.
 *
 * Cold: copies are used in turn, and before a copy is used again as many other bytes must have gone
 * through the caches as `target` says (twice the last level). Copies of all contestants count,
 * since they take turns; what is missing is made up by reading a buffer, or on a device with memory
 * of its own by writing one there, which is not timed. Hot: each sample follows an untimed run on
 * the same copy. */
#ifndef TARE_BENCH_ROTATE_H
#define TARE_BENCH_ROTATE_H

#include "bench/measure.h"
#include <tare/tare.h>

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

typedef struct bench_rotor {
    const tare_plan *plan;
    tare_stream *stream;
    const tare_buffer *x;
    tare_buffer *y;
    bench_cold *cold; /* null: hot */
    tare_packed **copy;
    double *used; /* cold->moved when the copy was last used */
    int copies, room, next;
} bench_rotor;

/* Packs copies until there are `want`. */
tare_status bench_rotor_grow(bench_rotor *r, const tare_tensor *t, int want);
void bench_rotor_clear(bench_rotor *r);
/* The callbacks for bench_measure. */
bench_contestant bench_rotor_contestant(bench_rotor *r);
tare_status bench_rotor_run(void *rotor);
tare_status bench_rotor_settle(const bench_rotor *r);
tare_status bench_rotor_queue(bench_rotor *r); /* without waiting for it */

#endif
