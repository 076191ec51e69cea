/* The inside of `tare breakeven`: what it is asked and how far it is. */
#ifndef TARE_CLI_EVEN_JOB_H
#define TARE_CLI_EVEN_JOB_H

#include "bench/devices.h"
#include "src/cli/even.h"

typedef struct even_job {
    bench_args args;
    bench_shapes shapes;
    bench_devices devices;
    bench_setup setup; /* of the device at hand */
    char format[EVEN_FORMATS_MAX][24];
    int formats;
    enum bench_view view;
    bench_progress progress; /* a group is a problem */
    double start, end;       /* of the time that there is */
    even_problem problem;    /* at hand */
    json_t *env;             /* its device's */
    json_t *records, *plan;  /* rows that are written */
    bench_sheet sheet;       /* of standard output */
} even_job;

/* After a contest: rows that are final go out; with `all`, at the end of a problem, those that are
 * not as they stand. */
tare_status even_show(even_job *j, int all);
/* What is below the rows; a file as a whole. */
tare_status even_finish(even_job *j);
/* A line for each format and problem that has no row; the same as a text, for a signal. */
void even_name_left_out(const even_job *j, FILE *out, const char *why);
char *even_left_out(const even_job *j);

#endif
