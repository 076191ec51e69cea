/* The main job: train a network, compress it along every route, measure what each file costs and
 * still can, and say per route whether it helps here. */
#ifndef TARE_DEMO_DEMO_H
#define TARE_DEMO_DEMO_H

#include "bench/devices.h"
#include "bench/measure.h"
#include "src/data/fashion.h"
#include "src/demo/routes.h"
#include "src/demo/verdict.h"
#include "src/model/exec.h"

enum { DEMO_B1, DEMO_B256, DEMO_BATCHES, DEMO_TEXT = 400 };
extern const int64_t demo_batch[DEMO_BATCHES]; /* 1, 256 */

typedef struct demo_options {
    const char *device; /* "cpu", or a list: every route runs on each */
    const char *data;   /* directory of the four IDX files */
    const char *out;    /* directory of models and reports, made if it is not there */
    uint64_t seed;
    int epochs;      /* of the baseline */
    int fine_epochs; /* after pruning */
    double seconds;  /* of measuring, a route and batch size */
    double tune;     /* seconds: of choosing a kernel, a layer and batch size */
    int progress;    /* tell stderr */
} demo_options;
demo_options demo_options_default(void);

/* A device, and which of its dense rows are what its other rows are held against. */
typedef struct demo_device {
    tare_device *device;
    tare_device_info info;
    int first;              /* its results: [first] is f32, the baseline */
    int best[DEMO_BATCHES]; /* the best dense row: of latency by batch */
    int best_size;          /* and of size */
} demo_device;

/* What was found out about one route on one device. */
typedef struct demo_result {
    const route *route;
    const demo_device *on;
    char refusal[DEMO_TEXT]; /* not empty: the device has no kernel for it, nothing ran */
    char stored[DEMO_TEXT];  /* the format of the hidden layers */
    char choice[DEMO_TEXT];  /* which encodings were tried and how fast they were */
    char file[DEMO_TEXT];
    int layers;
    int64_t width[MODEL_MAX_LAYERS + 1];
    double kept; /* weights that are not zero over those of the baseline */
    double loss; /* of the last epoch of training */
    int epochs;  /* of fine-tuning */
    model_size size;
    exec ready[DEMO_BATCHES];
    bench_result time[DEMO_BATCHES];
    double speed[DEMO_BATCHES][3];   /* times as fast as the best dense route: value, lo, hi */
    double speed_int8[DEMO_BATCHES]; /* as w8a8 */
    int64_t images, right;
    double top1[3];      /* share, Wilson's lo and hi */
    int64_t lost, won;   /* images that only the baseline, only this route got right */
    double p;            /* McNemar, exact */
    int64_t b1_disagree; /* of the first DEMO_AGREE images, those that batch 1 classes otherwise */
    uint8_t *predicted;
    demo_verdict verdict;
} demo_result;
enum { DEMO_AGREE = 1000 };

/* All that the reports are made of. */
typedef struct demo {
    demo_options o;
    fashion data;
    demo_device on[BENCH_DEVICES_MAX];
    char skipped[DEMO_TEXT]; /* devices of the list that are not there, and why */
    int devices, routes;     /* results: all routes of the first device, then of the next */
    tare_device_info trainer;
    const char *train_kernel; /* the row of the largest product of training */
    double *epoch_loss;
    int count;
    demo_result *result;
    double train_s, all_s;     /* seconds: training and fine-tuning, everything */
    struct demo_progress *bar; /* null: quiet */
} demo;

/* The whole job. Reports lie in o->out afterwards, and `out` holds what they say; end with
 * demo_clear, also after an error. */
tare_status demo_run(const demo_options *o, demo *out);
void demo_clear(demo *d);

/* ---- the steps, each in its own file ---- */
tare_status demo_make_models(demo *d); /* models.c: train, prune, fine-tune, encode, save */
tare_status demo_top1(demo *d);        /* top1.c */
tare_status demo_latency(demo *d);     /* latency.c */
tare_status demo_quick(const demo *d, exec *const *e, int count, double *median_ns); /* latency.c */
void demo_judge(demo *d);                                                            /* judge.c */
tare_status demo_write_reports(demo *d); /* report_md.c and report_jsonl.c */

/* The table as text (tare_free it): for stdout and for report.md. */
tare_status demo_table(const demo *d, char **out);
tare_status demo_markdown(const demo *d, const char *table, char **out);
tare_status demo_jsonl(const demo *d, char **out);
/* The result that r's metric is held against: f32 on the same device. */
const demo_result *demo_base(const demo *d, const demo_result *r);
/* "matmul_w8a8_vnni | ... " of a route at a batch size, one name where all layers share it. */
void demo_kernels(const demo_result *r, int batch, char *out, size_t size);

#endif
