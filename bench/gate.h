/* What two files of records decide: whether b is slower than a, or wrong, or whether that can't be
 * told. docs/measuring.md, "Two runs", has the rules and where their figures come from. */
#ifndef TARE_BENCH_GATE_H
#define TARE_BENCH_GATE_H

#include <jansson.h>

/* b's time over a's that two runs of one kernel on one machine may show although nothing changed
 * and both intervals are narrow: load comes and goes, and memory with it. Of 24 pairs of unchanged
 * runs at 2048 x 2048 on a shared machine the farthest cell was 1.97 apart, 1.63 by the near end of
 * its interval, while the ceilings fell to 0.88; load on another machine made it 1.45. */
#define BENCH_RUNS_APART 1.5
/* The same where each run chose its kernel itself: a heat is short, and chose one of 2.2 times the
 * other's time under load. */
#define BENCH_CHOICES_APART 2.5

/* The exit codes of `tare compare --gate`, in the order of what they say. */
enum bench_gate_code {
    BENCH_PAIRS_HOLD = 0, /* unchanged or faster */
    BENCH_PAIRS_SLOWER = 1,
    BENCH_PAIRS_WRONG = 4,
    BENCH_PAIRS_OPEN = 5 /* can't be told */
};

enum { BENCH_GATE_LINE = 3000 };

/* The kernels of b's records, as the keys of an object; new reference. */
json_t *bench_gate_kernels(const json_t *b);
/* Puts into a pair what it says by itself, `gate`: "ok", "slower", "wrong", "other-machine",
 * "missing", "unclear", or null where it says nothing; and `why`. One of a and b may be null. */
void bench_gate_pair(json_t *pair, const json_t *a, const json_t *b, const json_t *kernels_of_b);

/* What all pairs decide, and one line that says which of them did. */
enum bench_gate_code bench_gate(const json_t *pairs, char line[BENCH_GATE_LINE]);

#endif
