/* Timing of callbacks against each other.
 *
 * Contestants take turns in random order, round after round, so that a slow spell of the machine
 * hits all of them alike. How many samples each gets is settled before the first that counts, from
 * a short pilot: so many that the 95 % interval of its median should come to +-ci, within its time;
 * nobody looks at an interval to decide when to stop, which would end measurements at lucky moments
 * (Stein 1945 plans in two stages for the same reason). A contestant with fewer samples than there
 * are rounds takes part in rounds spread over all of them. Samples are counted, never dropped for
 * their value: only a block of rounds during which the noise probe was low, or the system says that
 * the process did not get its processors, is measured again, whatever it says. Intervals are those
 * of bench/interval.h. docs/measuring.md has the whole method.
 *
 * A caller that wants latencies of its own:
 *     bench_contestant c[2] = {{.run = forward, .ctx = &a}, {.run = forward, .ctx = &b}};
 *     bench_options o = bench_options_default();
 *     bench_result r[2];
 *     tare_status s = bench_measure(c, 2, &o, r);    r[i].median_ns, r[i].p90_ns, ...
 *     bench_result_clear(&r[0]), bench_result_clear(&r[1]);
 */
#ifndef TARE_BENCH_MEASURE_H
#define TARE_BENCH_MEASURE_H

#include "bench/noise.h"
#include <tare/tare.h>

typedef struct bench_contestant {
    tare_status (*run)(void *ctx); /* one run, finished on return */
    /* Called before each sample, not timed, with the number of runs that the sample will make
     * (more than one where a run is too short for the clock). May be null. */
    tare_status (*prepare)(void *ctx, int runs);
    /* The placement (0, 1, ...) of what the sample that was just prepared runs on. Null: one. */
    int (*place)(void *ctx);
    void *ctx;
    /* What a sample is taken for, ns: faults are planted with it (bench/plant.h). Null: as it is.
     */
    double (*seen)(void *seen_ctx, double ns);
    void *seen_ctx;
    int burst; /* samples that it takes in a row, of which the first alone is prepared; 0: one */
    int batch_max;  /* the most runs of a sample; 0: no limit of its own */
    int batch;      /* the runs of every sample; 0: as many as the clock needs */
    double tick_ns; /* of the clock that `timed` goes by; 0: as fine as can be */
    /* Makes that many runs and says what counts of them, ns in all, where that is not the host's
     * time around calls of `run`. May be null. */
    tare_status (*timed)(void *ctx, int runs, double *ns);
} bench_contestant;

enum bench_stop {
    BENCH_STOP_CI = 1, /* as many samples as a narrow interval was thought to need */
    BENCH_STOP_TIME,   /* fewer: its time allowed no more */
    BENCH_STOP_COUNT   /* fewer: max_samples */
};
const char *bench_stop_name(int stop); /* "ci" "time" "count" */

typedef struct bench_options {
    double seconds;            /* of running, a contestant */
    double ci;                 /* half width of the interval over the median to plan for: 0.02 */
    double window;             /* seconds that all of it lasts at least, time permitting: 0.4 */
    int min_samples;           /* time permitting: 30; 500 where p90 and p99 are wanted */
    int max_samples;           /* 20000; where it is min_samples there is no pilot */
    int warmup;                /* runs before the first sample: 2 */
    uint64_t seed;             /* of the order */
    struct bench_noise *noise; /* null: no probe */
    /* Called now and then with the share done, 0..1; may be null. */
    void (*progress)(void *ctx, double done);
    void *progress_ctx;
    int *failed; /* set to the contestant that a failure came from; may be null */
} bench_options;
bench_options bench_options_default(void);

/* Least samples for p90 and p99; slices of time that a measurement is cut into; resamples. */
enum { BENCH_TAIL_SAMPLES = 500, BENCH_SLICES = 20, BENCH_DRAWS = 1000 };

typedef struct bench_result {
    double *samples;       /* ns a run, in the order measured; free with bench_result_clear */
    unsigned char *slice;  /* of each sample: when it was taken, 0..BENCH_SLICES - 1 */
    unsigned short *place; /* of each sample: which of its contestant's placements it ran on */
    double *draw;          /* BENCH_DRAWS resampled medians (bench/interval.h); null: none */
    double slice_median[BENCH_SLICES]; /* NaN where it has no sample */
    size_t n;
    int batch; /* runs a sample is the mean of; 1 unless a run is very short */
    enum bench_stop stop;
    double median_ns, mad_ns, min_ns, mean_ns;
    double p90_ns, p99_ns; /* NaN below BENCH_TAIL_SAMPLES */
    double ci_lo, ci_hi;   /* 95 % interval of the median; NaN below 6 samples */
    size_t outliers;       /* counted, still among the samples */
    bench_noise_log noise; /* what the probe saw during these samples */
} bench_result;

/* Measures n contestants together. On an error of a callback everything is cleared and its status
 * returned. */
tare_status bench_measure(const bench_contestant *c, int n, const bench_options *o,
                          bench_result *out);
void bench_result_clear(bench_result *r);
/* Fills the summary from samples[0..n). */
tare_status bench_result_summarise(bench_result *r);

#endif
