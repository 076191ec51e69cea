/* What a scheme makes of a whole model: its time over all layers of a suite, each as often as the
 * model has it, at one m.
 *
 * It is held against the dense scheme that is fastest over the whole model among those that it has
 * to beat (bench_scheme_has_to_beat), one scheme throughout: that is what one would run instead,
 * and a model whose layers change between f32 and bf16 is not. That total can therefore be larger
 * than the sum of the layers' fastest cells.
 */
#ifndef TARE_BENCH_TOTAL_H
#define TARE_BENCH_TOTAL_H

#include "bench/cell.h"
#include "bench/interval.h"
#include <jansson.h>

#define BENCH_TOTAL_SCHEMA "tare-total-1"

/* Another total's time over this one's: above 1 this one is faster. NaN where there is none. */
typedef struct bench_versus {
    const struct bench_model *base;
    double ratio, lo, hi;
} bench_versus;

/* One scheme at one m, in one cache state, with weights in one place. Of several kernels (--kernel
 * all) each layer has its fastest. */
typedef struct bench_model {
    int64_t m;
    bench_scheme scheme;
    int asked;
    enum bench_cache cache;
    enum bench_weights weights;
    enum bench_timing timing; /* BENCH_AUTO: layers were timed by several clocks */
    const bench_cell **layer; /* a shape of the suite: its cell; null: it was not measured */
    int layers, timed;        /* all, and those that have times */
    int noisy, unresolved;    /* of those */
    bench_total sum;
    double packed_bytes;
    bench_versus vs_float, vs_int8, vs_int4;
    bench_versus against; /* what the verdict is about */
} bench_model;

typedef struct bench_models {
    bench_model *model;
    int count, room;
} bench_models;

/* The totals of one device's cells, in the order in which its schemes come. They refer to the
 * cells. */
tare_status bench_models_make(const bench_suite *suite, const tare_device *device,
                              const bench_cell *cells, int count, bench_models *out);
void bench_models_clear(bench_models *m);

/* All layers are there, by one clock that resolved them: it can be compared. */
int bench_model_whole(const bench_model *m);
/* By `against`, as a cell's; INCONCLUSIVE where one of the two has a noisy layer; 0: layers are
 * missing. */
enum bench_verdict bench_model_verdict(const bench_model *m);

/* Appends a record (docs/records.md) for each of them. */
tare_status bench_total_records(const bench_suite *suite, const bench_setup *s,
                                const bench_cell *cells, int count, json_t *env, json_t *out);

#endif
