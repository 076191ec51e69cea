#ifndef TARE_BENCH_CLOCK_H
#define TARE_BENCH_CLOCK_H
double bench_now_ns(void);     /* CLOCK_MONOTONIC */
double bench_clock_tick(void); /* the least step it was seen to make */
#endif
