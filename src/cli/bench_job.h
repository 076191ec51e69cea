/* The inside of `tare bench`: what is asked (bench.c), measured and written (bench_run.c). */
#ifndef TARE_CLI_BENCH_JOB_H
#define TARE_CLI_BENCH_JOB_H

#include "bench/devices.h"
#include "src/cli/bench.h"

typedef struct bench_job {
    bench_args args;
    bench_shapes shapes;
    bench_scheme scheme[BENCH_SCHEMES_MAX];
    int schemes;
    bench_devices devices;
    bench_setup setup[BENCH_DEVICES_MAX]; /* a device */
    bench_matrix matrix;
    bench_cells cells;
    enum bench_view view;
    bench_progress progress;
    bench_sheet sheet; /* of standard output */
    json_t *plan;
    int shown;          /* cells that are there */
    double *shown_peak; /* and the pct_peak that they were shown with */
    char lost[600];     /* what became of a device that was lost; "": none was */
} bench_job;

/* With shapes and devices known: what a signal leaves out has names from here on. */
void bench_job_begin(bench_job *j);
/* Measures it all, a group (shape, m, device) after the other; each is written as it is done. What
 * is left out is named on stderr. */
tare_status bench_job_run(bench_job *j);
void bench_job_clear(bench_job *j);

#endif
