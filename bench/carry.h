/* Runs with their transfers, on devices with memory of their own: x goes there, y comes back, and
 * where weights are streamed the packed blob goes there too, before every run.
 *
 * Streamed is what a model sees that does not fit into the device's memory. The blob is read back
 * from the device once, so that what is uploaded is what the row laid out. */
#ifndef TARE_BENCH_CARRY_H
#define TARE_BENCH_CARRY_H

#include "bench/rotate.h"

/* Medians of a few runs with their transfers, ns: by the device's clock, NaN where it has none;
 * and by the host's clock from the first write until y is there. */
typedef struct bench_transfer {
    double h2d_ns, kernel_ns, d2h_ns, end_to_end_ns;
} bench_transfer;

typedef struct bench_carry {
    bench_rotor *rotor;
    tare_buffer *x; /* the rotor's */
    const void *x_host;
    void *y_host;
    size_t x_bytes, y_bytes;
    void *blob; /* null: weights stay on the device */
} bench_carry;

/* Reads the blob back: from now on every run uploads it. */
tare_status bench_carry_stream(bench_carry *c);
void bench_carry_clear(bench_carry *c);
/* For bench_measure: a run from host memory to host memory. */
bench_contestant bench_carry_contestant(bench_carry *c);
/* A few such runs, each after the rotor's preparation (cold or hot); one where it takes longer than
 * `seconds`. */
tare_status bench_carry_times(bench_carry *c, double seconds, bench_transfer *out);

#endif
