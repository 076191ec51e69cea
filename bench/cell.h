/* A cell: one kernel on one problem, weights cold or hot. All that a record says of it. */
#ifndef TARE_BENCH_CELL_H
#define TARE_BENCH_CELL_H

#include "bench/carry.h"
#include "bench/ceilings.h"
#include "bench/encoded.h"
#include "bench/measure.h"
#include "bench/noise.h"
#include "bench/plant.h"
#include "bench/scheme.h"
#include "bench/store.h"
#include "bench/workload.h"
#include <tare/tare.h>

enum bench_cache { BENCH_COLD = 1, BENCH_HOT = 2 };

/* Where a run finds its weights: on the device, or sent there before each run. */
enum bench_weights { BENCH_RESIDENT = 1, BENCH_STREAMED = 2 };

enum bench_verdict {
    BENCH_HELPS = 1,
    BENCH_NEUTRAL,
    BENCH_HURTS,
    BENCH_INCONCLUSIVE,
    BENCH_UNSUPPORTED,
    BENCH_WRONG
};
const char *bench_verdict_name(int v); /* "HELPS" ... */

typedef struct bench_cell {
    const tare_device *device;
    bench_shape shape;
    int64_t m;
    bench_scheme scheme;
    int twin;           /* packed anew from the same row as the cell before it (bench/zero.h) */
    int lost;           /* its heat: measured to see whether rightly */
    int asked;          /* 0: a baseline that was not asked for */
    char kernel[64];    /* "" where no kernel accepted */
    const char *vendor; /* null: tare's own */
    enum bench_cache cache;
    enum bench_weights weights;
    char refusal[400]; /* not empty: not timed, for this reason */

    tare_plan plan;
    int64_t nnz;
    size_t part[TARE_PARTS]; /* bytes of the encoded tensor */
    size_t packed_bytes;
    double pack_ns;    /* of one packing, untimed runs before it: none */
    int copies;        /* packed copies that cold samples rotate through */
    size_t huge_bytes; /* of those copies that lie on huge pages, where huge_known */
    int huge_known;
    size_t cold_bytes; /* that go by between two uses of cold weights; 0: hot or streamed */
    double error;      /* worst |y - y64| / bound; NaN where nothing ran */

    bench_result result;      /* n = 0 where not timed */
    enum bench_timing timing; /* by which clock its samples were taken */
    double tick_ns;           /* of that clock; 0: not known */
    int clocks_known;         /* the device told its clocks */
    tare_clocks clocks[2];    /* before and after the samples of its group */
    bench_transfer transfer;
    double pct_peak; /* NaN where not timed */
    enum bench_limit limit;

    /* Against the fastest dense float, int8, int4 cell of the same device, shape, cache state,
     * place of weights, clock and run: its median over this one's, above 1 is faster. NaN where
     * there is none. */
    char base_kernel[64];
    double ratio, ratio_lo, ratio_hi;
    double ratio_int8, ratio_int8_lo, ratio_int8_hi;
    double ratio_int4, ratio_int4_lo, ratio_int4_hi;
    int is_base;
    /* What the verdict is about: the same against the fastest dense cell that this one has to beat
     * (bench_scheme_has_to_beat). "" and NaN where there is none. */
    char against_scheme[40], against_kernel[64];
    double against_ratio, against_lo, against_hi;
    int against_noisy;
    enum bench_verdict verdict;
} bench_cell;

typedef struct bench_cells {
    bench_cell *cell;
    int count, room;
} bench_cells;
/* A zeroed cell at the end, null when memory ran out. Valid until the next call. */
bench_cell *bench_cells_add(bench_cells *c);
void bench_cells_clear(bench_cells *c);

/* Not 0: its samples are so short that the clock's tick decides them. Such a cell has no ratios, no
 * share of a peak, and INCONCLUSIVE as its verdict; nothing is compared with it. */
int bench_cell_unresolved(const bench_cell *c);

/* Fills ratios and verdicts of cells that were measured together (docs/measuring.md). */
void bench_verdicts(bench_cell *cells, int count);
/* The thresholds: HELPS above, HURTS below, NEUTRAL within. */
#define BENCH_HELPS_ABOVE 1.05
#define BENCH_HURTS_BELOW 0.95
enum bench_verdict bench_judge(double lo, double hi);

/* What a run comes to, as the tool's exit codes: a wrong result before all; then what was asked for
 * and could not be timed at all; then, where `gate` demands a decision, HURTS and INCONCLUSIVE
 * among what was asked for. */
enum bench_outcome {
    BENCH_RAN = 0,
    BENCH_GATE_HURTS = 1,
    BENCH_NONE_TIMED = 3,
    BENCH_WRONG_RESULT = 4,
    BENCH_GATE_OPEN = 5
};
enum bench_outcome bench_outcome_of(const bench_cell *cells, int count, int gate);

/* ---- measuring ---- */

/* How one device is measured. */
typedef struct bench_setup {
    tare_device *device;
    tare_device_info info;
    tare_rates rates;
    bench_noise noise;
    const char *kernel;       /* null: the best of each scheme; "all"; or a kernel's name */
    int caches;               /* BENCH_COLD | BENCH_HOT */
    int weights;              /* BENCH_RESIDENT | BENCH_STREAMED */
    enum bench_timing timing; /* of resident weights; streamed ones are the host's clock's */
    double seconds;           /* of running, a cell */
    double window;            /* seconds that a group's samples are spread over, at least */
    uint64_t seed;
    int samples;   /* at least; 500 gives p90 and p99 */
    size_t memory; /* bytes that packed copies may take */
    /* Dense schemes to measure beside those asked for; null-terminated. Null: all of them. */
    const char *const *baselines;
    int twins;              /* every row has a twin beside it, near rivals stay (bench/zero.h) */
    enum bench_plant plant; /* a fault, to see that it is seen */
    /* "llama-7b qkv m 8: verify w8a8", and the share of this group done; may be null. */
    void (*progress)(void *ctx, const char *what, double done);
    void *ctx;
    bench_matrix own, *shared; /* the last matrix made: its own, or one of several setups */
    bench_store store;         /* packed weights for the next m of a shape */
    int lost;                  /* a group broke the device: nothing more can be measured on it */
    char lost_row[64];         /* that ran then; "": none did */
    char lost_why[400];        /* "cuda:0 was lost while ... ran" */
} bench_setup;

/* Describes the device, measures its ceilings, starts the noise probe. */
tare_status bench_setup_init(bench_setup *s, tare_device *d);
void bench_setup_clear(bench_setup *s);

/* Measures the schemes (asked) and the dense baselines on one shape, and appends their cells with
 * verdicts. Where it fails, states that were measured whole are there all the same, and where the
 * device was lost (`lost`) a refusal of the row that ran. */
tare_status bench_group(bench_setup *s, const bench_shape *shape, int64_t m,
                        const bench_scheme *schemes, int count, bench_cells *out);

/* Holds the device's cells of a run against its ceilings (pct_peak, limit), after raising those
 * that a cell has passed; bench_group ends with it. */
void bench_peaks(bench_setup *s, bench_cells *all);

#endif
