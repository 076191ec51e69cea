/* Workloads: named shapes from text files, and sweeps of batch sizes from the command line.
 *
 * A suite file opens with comment lines (#) that give its source; then one shape a line:
 *     name n k [count]
 * y[m,n] = x[m,k] W[n,k]^T; count is how often the layer occurs in the model. The text comes from
 * outside: every line is checked, and errors name file and line. */
#ifndef TARE_BENCH_WORKLOAD_H
#define TARE_BENCH_WORKLOAD_H

#include <stddef.h>
#include <tare/tare.h>

/* Larger sizes are typing errors; n * k * 8 bytes must fit into an int64 by far. */
#define BENCH_SIZE_MAX ((int64_t)1 << 24)
enum { BENCH_SHAPES_MAX = 4096, BENCH_SUITE_BYTES_MAX = 1 << 20, BENCH_SWEEP_MAX = 256 };

typedef struct bench_shape {
    char name[32];
    int64_t n, k, count;
} bench_shape;

typedef struct bench_suite {
    char name[64]; /* the file's name without folder and ".txt" */
    bench_shape *shapes;
    int count;
} bench_suite;

/* `label` stands for the file in errors. The text need not end with a zero. */
tare_status bench_suite_parse(const char *label, const char *text, size_t bytes, bench_suite *out);
/* A name ("llama-7b": looked for in $TARE_SUITE_DIR, in share/tare/suites beside the installed
 * tool, in the source tree it was built from) or the path of a file (has a '/' or ends in .txt). */
tare_status bench_suite_load(const char *name, bench_suite *out);
void bench_suite_clear(bench_suite *s);
/* The names of the suites found, space-separated, into buf; "" where there are none. */
void bench_suite_list(char *buf, size_t size);

/* "1,8,32", "1-512*2" (1 2 4 ... 512), "1-16+4" (1 5 9 13), "3-5" (3 4 5), and lists of these.
 * Repeated values are kept once. `what` names the option in errors. */
tare_status bench_sweep_parse(const char *what, const char *text, int64_t out[BENCH_SWEEP_MAX],
                              int *count);

#endif
