/* What the measuring verbs share: options, shapes to go through, progress on a terminal. */
#ifndef TARE_CLI_BENCH_H
#define TARE_CLI_BENCH_H

#include "bench/cell.h"
#include "bench/record.h"
#include <jansson.h>
#include <stdio.h>

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

/* How far a run is, on stderr: on a terminal one line that is rewritten, with the time that is
 * left; elsewhere a line a group, as it begins. */
typedef struct bench_progress {
    double start, shown;
    int group, groups;
    int terminal;
} bench_progress;
void bench_progress_init(bench_progress *p, int groups);
/* Group number p->group begins: "cpu llama-7b qkv 4096x4096 m 8: 3 of 12, about 40 s left". */
void bench_progress_begin(const bench_progress *p, const char *what);
void bench_progress_show(void *progress, const char *what, double done);
/* Takes the line off a terminal, so that something else may be written. */
void bench_progress_end(const bench_progress *p);
/* "cpu llama-7b qkv 4096x4096 m 8"; a shape that is named by its size has no other name. `suite`
 * may be null. */
void bench_group_name(char *out, size_t size, const char *device, const char *suite,
                      const bench_shape *shape, int64_t m);

/* ---- output ---- */

typedef int bench_reporter(FILE *out, enum bench_view view, const json_t *records);
/* Renders records and writes them to `path` (aside, then renamed) or, where null, to stdout; there
 * also where `path` takes nothing, with an error all the same. */
tare_status bench_write(const char *path, enum bench_view view, const json_t *records,
                        bench_reporter *report);
/* A text that is ready, likewise. */
tare_status bench_write_text(const char *path, const char *text, size_t size);
/* To stdout at once, whole lines. */
tare_status bench_print(const char *text, size_t size);

/* ---- what is written where a signal ends the verb in the middle of something ---- */

/* From here on a signal asks; where that is not answered within half a second, what was handed over
 * last is written and the process ends with 128 + the signal's number. */
tare_status bench_last_arm(const char *verb);
/* For stdout, and lines for stderr: what there is to say if nothing more is done. Takes both over;
 * either may be null. */
void bench_last_words(char *out, char *err);
/* Around what writes output and changes what is to be said last. Not nested. */
void bench_last_lock(void);
void bench_last_unlock(void);
/* With the lock held, from now on: the verb ends by itself. */
void bench_last_forget(void);

/* Fails early where a file could not be made later. */
tare_status bench_writable(const char *path);

/* The exit code (src/cli/cli.h) for a status. */
int bench_exit_of(tare_status s);

int cli_zero(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_breakeven(int argc, char **argv);
int cli_compare(int argc, char **argv);

#endif
