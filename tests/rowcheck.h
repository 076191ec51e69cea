/* The one check that every kernel row must pass, as a function, so that checkall can apply it to
 * the rows that ship and the mutation gate to rows that are broken on purpose. */
#ifndef TARE_TESTS_ROWCHECK_H
#define TARE_TESTS_ROWCHECK_H

#include "src/internal.h"

typedef struct rowcheck {
    uint64_t seed;
    int quick;           /* fewer shapes: for the mutation gate */
    int share;           /* above 1: of the cases that concern the row, one in so many */
    long runs, refusals; /* counted by the check */
    char worst_at[256];
    double worst; /* largest |y - y64| / bound seen */
    char failure[512];
} rowcheck;

/* Runs `row` of `d` on every format, type, flag, shape and data pattern that it accepts, against
 * the fp64 reference. 1: passed; 0: `failure` says where it broke. A row that accepts nothing
 * fails. */
int rowcheck_run(tare_device *d, const tare_kernel *row, rowcheck *c);

/* The same row at one large shape a format, against an oracle that shares nothing with the
 * reference but the decoding: (x W^T) t compared with x (W^T t). */
int rowcheck_large(tare_device *d, const tare_kernel *row, rowcheck *c);

/* What the row makes of x with a NaN or an infinity in some rows (tests/rowxnan.c). */
int rowcheck_xnan(tare_device *d, const tare_kernel *row, rowcheck *c);

/* Names of the formats that are tried, null past the end. */
const char *rowcheck_format(int index);

#endif
