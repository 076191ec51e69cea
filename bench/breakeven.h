/* Where does a sparse format begin to pay? A search over the share of zeros, in whole percents.
 *
 * At a share the format is measured beside the best dense row, and is faster, slower (the whole 95
 * % interval of the ratio on one side of 1) or neither. Bisection finds the share from which on all
 * that was measured is faster, and that up to which all is slower; the break-even lies between,
 * where the ratio crosses 1. Speed is taken to grow with the share of zeros.
 *
 * The search holds nothing but the points: what is measured, in which order and with what beside it
 * is the caller's, and it may end at any time. */
#ifndef TARE_BENCH_BREAKEVEN_H
#define TARE_BENCH_BREAKEVEN_H

enum { BENCH_SHARES = 100 }; /* 0..99 percent */

/* Dense time over sparse time at a share, with its interval; NaN interval: undecided. */
typedef struct bench_point {
    int known;
    double ratio, lo, hi;
} bench_point;

typedef enum bench_even {
    BENCH_EVEN_AT = 1,  /* between `slower` and `faster` */
    BENCH_EVEN_ALWAYS,  /* faster with no zeros at all */
    BENCH_EVEN_NEVER,   /* slower at 99 % */
    BENCH_EVEN_UNCLEAR, /* neither faster nor slower at 99 % */
    BENCH_EVEN_CUT      /* more shares would have been measured */
} bench_even;
const char *bench_even_name(bench_even e); /* "at" "always" "never" "unclear" "cut" */

typedef struct bench_evens {
    bench_even kind;
    double at;          /* percent, interpolated where the ratio crosses 1; NaN unless AT */
    int slower, faster; /* percent: the interval. CUT: as far as it is known. -1: not even 0 % is
                         * surely slower; BENCH_SHARES: not even 99 % is surely faster */
} bench_evens;

/* The share whose measurement narrows the interval most; -1: the search is over. `points` are
 * BENCH_SHARES. */
int bench_even_next(const bench_point *points);
bench_evens bench_even_of(const bench_point *points);

#endif
