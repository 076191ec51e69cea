/* Packing on a device and back, as an optional of a row: done, or refused with a reason. */
#ifndef TARE_TESTS_ROWVALUES_H
#define TARE_TESTS_ROWVALUES_H

#include "src/internal.h"

typedef struct rowvalues {
    long done, skipped;
    char why[300]; /* of the last skip */
} rowvalues;

/* The weights that the plan's row packs on the device from n * k floats at w replace *packed, and
 * are unpacked once. A row without such kernels is none of its business; one that refuses with
 * TARE_E_UNSUPPORTED is counted as skipped, and *packed stays. Any other failure is an error. */
tare_status rowvalues_pack(const tare_plan *plan, tare_stream *s, const float *w,
                           tare_packed **packed, rowvalues *count);

#endif
