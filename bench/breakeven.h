/* Where does a sparse format begin to pay? A search over the share of zeros, in whole percents.
 *
 * At a share the format is measured beside the best dense row, and is faster, slower (the whole 95
 * % interval of the ratio on one side of 1) or neither. Bisection finds the least share that is
 * faster and the largest that is slower; the break-even lies between, where the ratio crosses 1.
 * Speed is taken to grow with the share of zeros. */
#ifndef TARE_BENCH_BREAKEVEN_H
#define TARE_BENCH_BREAKEVEN_H

#include <tare/tare.h>

enum { BENCH_SHARES = 100 }; /* 0..99 percent */

/* Dense time over sparse time at a share, with its interval; NaN interval: undecided. */
typedef struct bench_point {
    int known;
    double ratio, lo, hi;
} bench_point;

typedef enum bench_even {
    BENCH_EVEN_AT = 1, /* between `slower` and `faster` */
    BENCH_EVEN_ALWAYS, /* faster with no zeros at all */
    BENCH_EVEN_NEVER,  /* slower at 99 % */
    BENCH_EVEN_UNCLEAR /* neither faster nor slower at 99 % */
} bench_even;
const char *bench_even_name(bench_even e); /* "at" "always" "never" "unclear" */

typedef struct bench_search {
    /* Measures one share, 0..99; called once for each share needed. */
    tare_status (*measure)(void *ctx, int percent, bench_point *out);
    void *ctx;
    bench_point *points; /* BENCH_SHARES of them; those known already are not measured again */
} bench_search;

typedef struct bench_evens {
    bench_even kind;
    double at;          /* percent, interpolated where the ratio crosses 1; NaN unless AT */
    int slower, faster; /* percent: the interval; slower is -1 where even 0 % is not slower */
} bench_evens;

tare_status bench_breakeven(const bench_search *s, bench_evens *out);

#endif
