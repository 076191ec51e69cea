/* What the measuring verbs share: options, shapes to go through, progress on a terminal. */
#ifndef TARE_CLI_BENCH_H
#define TARE_CLI_BENCH_H

#include "bench/cell.h"
#include "bench/record.h"

typedef struct bench_args {
    const char *suite, *device, *schemes, *m, *n, *k, *kernel, *cache, *weights, *timing, *view,
        *out, *plant;
    double seconds, limit; /* limit: of all of it; 0: none */
    uint64_t seed;
    int timed, seeded, sampled; /* --time, --seed, --samples were given */
    int threads, samples, gate, help;
} bench_args;

/* The shapes of a run: of a suite, or n x k. */
typedef struct bench_shapes {
    bench_suite suite;
    int64_t m[BENCH_SWEEP_MAX];
    int m_count;
} bench_shapes;

/* Parses argv (argv[0] is the verb). A status with a text that names flag and remedy. */
tare_status bench_args_parse(int argc, char **argv, bench_args *out);
tare_status bench_shapes_make(const bench_args *a, bench_shapes *out);
void bench_shapes_clear(bench_shapes *s);

/* --timing on a device: an error where it can't. `text` null: what the device does best. */
tare_status bench_read_timing(const char *text, bench_setup *s);

/* One line that is rewritten, with the time that is left; silent where stderr is no terminal. */
typedef struct bench_progress {
    double start, shown;
    int group, groups;
    int on;
} bench_progress;
void bench_progress_init(bench_progress *p, int groups);
void bench_progress_show(void *progress, const char *what, double done);
void bench_progress_end(bench_progress *p);

/* Renders records and writes them to `path` (aside, then renamed) or, where null, to stdout; there
 * also where `path` takes nothing, with an error all the same. */
tare_status bench_write(const char *path, enum bench_view view, const json_t *records,
                        int (*report)(FILE *out, enum bench_view view, const json_t *records));
/* The same to a file and nowhere else. */
tare_status bench_save(const char *path, enum bench_view view, const json_t *records,
                       int (*report)(FILE *out, enum bench_view view, const json_t *records));
/* Fails early where a file could not be made later. */
tare_status bench_writable(const char *path);

/* The exit code (src/cli/cli.h) for a status. */
int bench_exit_of(tare_status s);

int cli_zero(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_breakeven(int argc, char **argv);
int cli_compare(int argc, char **argv);

#endif
