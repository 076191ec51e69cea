/* tare breakeven: from which share of zeros a sparse format pays, against the best dense float row
 * and against the best dense int8 row. */
#include "bench/breakeven.h"
#include "bench/interrupt.h"
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: tare breakeven -n N -k K [options]   the sparsity from which sparse formats pay\n"
    "       tare breakeven SUITE [options]\n"
    "\n"
    "  -n N -k K      sizes of W[n,k]; or a SUITE of them, as in tare bench\n"
    "  -m M           rows of x, the batch: 1,8,32 (default 1)\n"
    "  --scheme LIST  formats without their share of zeros: csr bitmap bitmap-i8 bsrRxC\n"
    "                 (default csr,bitmap,bitmap-i8,bsr4x4)\n"
    "  -d DEVICES     default cpu; a list as in tare bench: each is searched for itself\n"
    "  --cache C      cold (default) or hot weights\n"
    "  --time S       seconds of running a cell, at most (default 0.3)\n"
    "  --timing T     host, events or graph, as in tare bench\n"
    "  --seed N, --samples N, --threads N   as in tare bench\n"
    "  -o FORM        table (default), md, csv, jsonl;  --out FILE\n"
    "\n"
    "The best dense float and int8 rows are found first. Then each format is measured beside them "
    "at\n"
    "shares of zeros chosen by bisection, in steps of 1 %. The interval runs from the largest "
    "share\n"
    "that is surely slower to the least that is surely faster (95 % intervals of the ratio).\n"
    "Ctrl-C writes what was found by then (exit 130; SIGTERM 143), and so does the loss of a "
    "device (6).\n"
    "never: surely slower at 99 %. always: surely faster with no zeros. unclear: undecided at 99 "
    "%.\n"
    "\n"
    "  tare breakeven -n 4096 -k 4096 -m 1,8,32,128\n"
    "  tare breakeven -n 4096 -k 4096 -d cpu,opencl\n";

enum { FORMATS_MAX = 16 };
static const char *const against_name[2] = {"float", "int8"};

typedef struct search_ctx {
    bench_setup *setup;
    bench_shape shape;
    int64_t m;
    const char *format;
    const char *baselines[3]; /* the best float and int8 schemes of this shape */
    bench_point points[2][BENCH_SHARES];
    char kernel[64]; /* at the largest share measured */
    char base[2][64];
    char refusal[400];
} search_ctx;

static const bench_cell *best_of(const bench_cells *c, enum bench_family family) {
    const bench_cell *best = NULL;
    for (int i = 0; i < c->count; i++) {
        const bench_cell *x = &c->cell[i];
        if (x->scheme.family != family || x->result.n == 0) continue;
        if (!best || x->result.median_ns < best->result.median_ns) best = x;
    }
    return best;
}

/* One contest at a share: both ratios come from it. */
static tare_status measure_share(search_ctx *x, int percent) {
    char text[64];
    bench_scheme s;
    bench_cells cells = {0};
    snprintf(text, sizeof text, "%s@%d%%", x->format, percent);
    TARE_TRY(bench_scheme_parse(text, &s));
    x->setup->baselines = x->baselines;
    tare_status st = bench_group(x->setup, &x->shape, x->m, &s, 1, &cells);
    const bench_cell *c = st == TARE_OK ? best_of(&cells, BENCH_SPARSE) : NULL;
    if (st == TARE_OK && !c) {
        const char *why = cells.count ? cells.cell[cells.count - 1].refusal : "nothing ran";
        snprintf(x->refusal, sizeof x->refusal, "%s", why);
        st = tare_fail(TARE_E_UNSUPPORTED, "%s: %s", text, why);
    }
    if (c) {
        const bench_cell *f = best_of(&cells, BENCH_FLOAT), *i = best_of(&cells, BENCH_INT8);
        x->points[0][percent] = (bench_point){1, c->ratio, c->ratio_lo, c->ratio_hi};
        x->points[1][percent] = (bench_point){1, c->ratio_int8, c->ratio_int8_lo, c->ratio_int8_hi};
        snprintf(x->kernel, sizeof x->kernel, "%s", c->kernel);
        if (f) snprintf(x->base[0], sizeof x->base[0], "%s", f->kernel);
        if (i) snprintf(x->base[1], sizeof x->base[1], "%s", i->kernel);
    }
    bench_cells_clear(&cells);
    return st;
}

static tare_status against_float(void *ctx, int percent, bench_point *out) {
    search_ctx *x = ctx;
    TARE_TRY(measure_share(x, percent));
    *out = x->points[0][percent];
    return TARE_OK;
}

static tare_status against_int8(void *ctx, int percent, bench_point *out) {
    search_ctx *x = ctx;
    TARE_TRY(measure_share(x, percent));
    *out = x->points[1][percent];
    return TARE_OK;
}

/* ---- results ---- */

static json_t *number(double v) {
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *points_of(const bench_point *p) {
    json_t *a = json_array();
    for (int i = 0; i < BENCH_SHARES; i++)
        if (p[i].known)
            json_array_append_new(a, json_pack("[i, o, o, o]", i, number(p[i].ratio),
                                               number(p[i].lo), number(p[i].hi)));
    return a;
}

static json_t *result_of(const search_ctx *x, int against, const bench_evens *e, json_t *env) {
    int at = e && e->kind == BENCH_EVEN_AT;
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "schema", "tare-breakeven-1",
                  "device", x->setup->info.id, "m", (json_int_t)x->m, "n", (json_int_t)x->shape.n,
                  "k", (json_int_t)x->shape.k, "format", x->format, "against",
                  against_name[against], "cache", x->setup->caches == BENCH_HOT ? "hot" : "cold");
    json_object_set_new(o, "result", json_string(e ? bench_even_name(e->kind) : "unsupported"));
    json_object_set_new(o, "sparsity", number(at ? e->at / 100 : NAN));
    json_object_set_new(o, "slower_at", number(at && e->slower >= 0 ? e->slower / 100.0 : NAN));
    json_object_set_new(o, "faster_at", number(at ? e->faster / 100.0 : NAN));
    json_object_set_new(o, "kernel", x->kernel[0] ? json_string(x->kernel) : json_null());
    json_object_set_new(o, "base_kernel",
                        x->base[against][0] ? json_string(x->base[against]) : json_null());
    json_object_set_new(o, "points", points_of(x->points[against]));
    json_object_set_new(o, "refusal", x->refusal[0] ? json_string(x->refusal) : json_null());
    json_object_set_new(o, "env", json_incref(env));
    return o;
}

/* ---- the run ---- */

typedef struct even_job {
    bench_args args;
    bench_shapes shapes;
    bench_devices devices;
    bench_setup setup; /* of the device at hand */
    bench_progress progress;
    char format[FORMATS_MAX][24];
    int formats;
    enum bench_view view;
    search_ctx search;
    json_t *records, *env;
} even_job;

static tare_status one_format(even_job *j, search_ctx *x) {
    for (int against = 0; against < 2; against++) {
        bench_evens e;
        bench_search s = {against ? against_int8 : against_float, x, x->points[against]};
        tare_status st = bench_breakeven(&s, &e);
        if (st != TARE_OK && !(st == TARE_E_UNSUPPORTED && x->refusal[0])) return st;
        json_array_append_new(j->records, result_of(x, against, st == TARE_OK ? &e : NULL, j->env));
    }
    return TARE_OK;
}

/* The best dense float and int8 schemes of a shape, from a run of all of them. */
static tare_status find_baselines(even_job *j, const bench_shape *shape, int64_t m,
                                  bench_scheme best[2]) {
    bench_cells cells = {0};
    j->setup.baselines = NULL;
    tare_status st = bench_group(&j->setup, shape, m, NULL, 0, &cells);
    const bench_cell *f = st == TARE_OK ? best_of(&cells, BENCH_FLOAT) : NULL;
    const bench_cell *i = st == TARE_OK ? best_of(&cells, BENCH_INT8) : NULL;
    if (f) best[0] = f->scheme;
    if (i) best[1] = i->scheme;
    bench_cells_clear(&cells);
    if (st == TARE_OK && (!f || !i))
        TARE_FAIL(TARE_E_UNSUPPORTED, "%s has no dense float or int8 row to compare with",
                  j->setup.info.id);
    return st;
}

/* One of several devices may have nothing to compare with: that is its result. */
static void no_baselines(even_job *j, const bench_shape *shape, int64_t m) {
    search_ctx *x = &j->search;
    for (int f = 0; f < j->formats; f++)
        for (int against = 0; against < 2; against++) {
            *x = (search_ctx){.setup = &j->setup, .shape = *shape, .m = m, .format = j->format[f]};
            snprintf(x->refusal, sizeof x->refusal, "%s", tare_last_error());
            json_array_append_new(j->records, result_of(x, against, NULL, j->env));
        }
    j->progress.group += j->formats + 1;
}

static tare_status run_device(even_job *j) {
    search_ctx *x = &j->search;
    for (int i = 0; i < j->shapes.suite.count; i++)
        for (int k = 0; k < j->shapes.m_count; k++) {
            bench_scheme best[2];
            const bench_shape *shape = &j->shapes.suite.shapes[i];
            tare_status st = find_baselines(j, shape, j->shapes.m[k], best);
            if (st == TARE_E_UNSUPPORTED && j->devices.count > 1) {
                no_baselines(j, shape, j->shapes.m[k]);
                continue;
            }
            TARE_TRY(st);
            j->progress.group++;
            for (int f = 0; f < j->formats; f++, j->progress.group++) {
                *x = (search_ctx){.setup = &j->setup,
                                  .shape = *shape,
                                  .m = j->shapes.m[k],
                                  .format = j->format[f],
                                  .baselines = {best[0].name, best[1].name, NULL}};
                TARE_TRY(one_format(j, x));
            }
        }
    return TARE_OK;
}

/* Formats are schemes without "@S". */
static tare_status read_formats(even_job *j, const char *text) {
    for (const char *at = text;;) {
        size_t length = strcspn(at, ",");
        char probe[64];
        bench_scheme s;
        if (j->formats == FORMATS_MAX || length >= sizeof j->format[0])
            TARE_FAIL(TARE_E_ARG, "--scheme: too many formats, or too long a name");
        snprintf(j->format[j->formats], sizeof j->format[0], "%.*s", (int)length, at);
        if (strchr(j->format[j->formats], '@'))
            TARE_FAIL(TARE_E_ARG,
                      "--scheme: '%s': the share of zeros is what is looked for, leave "
                      "the @ out",
                      j->format[j->formats]);
        snprintf(probe, sizeof probe, "%s@0.5", j->format[j->formats++]);
        if (bench_scheme_parse(probe, &s) != TARE_OK)
            TARE_FAIL(TARE_E_ARG,
                      "--scheme: '%s' is no format with a share of zeros; there are csr bitmap "
                      "bitmap-i8 bsrRxC (R and C from 1 to 256)",
                      j->format[j->formats - 1]);
        if (!at[length]) return TARE_OK;
        at += length + 1;
    }
}

static tare_status prepare(even_job *j) {
    const bench_args *a = &j->args;
    j->view = (enum bench_view)bench_view_find(a->view ? a->view : "table");
    if (!j->view) TARE_FAIL(TARE_E_ARG, "-o: '%.40s' is none of table, md, csv, jsonl", a->view);
    if (a->cache && strcmp(a->cache, "cold") != 0 && strcmp(a->cache, "hot") != 0)
        TARE_FAIL(TARE_E_ARG, "--cache: '%.40s' is neither cold nor hot", a->cache);
    if (a->kernel || a->gate || a->weights || a->limit > 0)
        TARE_FAIL(TARE_E_ARG, "%s is no option of breakeven",
                  a->kernel    ? "--kernel"
                  : a->gate    ? "--gate"
                  : a->weights ? "--weights"
                               : "--limit");
    TARE_TRY(read_formats(j, a->schemes ? a->schemes : "csr,bitmap,bitmap-i8,bsr4x4"));
    if (!a->n && !a->k && !a->suite) /* minutes a shape: nobody gets one by accident */
        TARE_FAIL(TARE_E_ARG, "what shapes? Give -n and -k, or a suite");
    TARE_TRY(bench_shapes_make(a, &j->shapes));
    TARE_TRY(bench_read_timing(a->timing, &j->setup));
    if (a->out) TARE_TRY(bench_writable(a->out));
    TARE_TRY(bench_devices_parse(a->device, &j->devices));
    if (a->threads) tare_set_threads(a->threads);
    int groups = j->shapes.suite.count * j->shapes.m_count * (j->formats + 1);
    bench_progress_init(&j->progress, groups * j->devices.count);
    j->records = json_array();
    return TARE_OK;
}

static tare_status search_device(even_job *j, tare_device *d) {
    const bench_args *a = &j->args;
    TARE_TRY(bench_setup_init(&j->setup, d));
    j->setup.caches = a->cache && strcmp(a->cache, "hot") == 0 ? BENCH_HOT : BENCH_COLD;
    TARE_TRY(bench_read_timing(a->timing, &j->setup));
    j->setup.seconds = a->timed ? a->seconds : 0.3;
    j->setup.seed = a->seed;
    j->setup.samples = a->samples;
    j->setup.progress = bench_progress_show;
    j->setup.ctx = &j->progress;
    j->env = bench_record_env(&j->setup);
    tare_status s = run_device(j);
    json_decref(j->env);
    bench_setup_clear(&j->setup);
    return s;
}

/* What was found before the device was lost; the loss keeps its words. */
static void write_before(even_job *j) {
    char why[500];
    snprintf(why, sizeof why, "%s", tare_last_error());
    if (bench_write(j->args.out, j->view, j->records, bench_report_evens) == TARE_OK)
        (void)tare_fail(TARE_E_DEVICE, "%s", why);
}

int cli_breakeven(int argc, char **argv) {
    static even_job j;
    memset(&j, 0, sizeof j);
    tare_status s = bench_args_parse(argc, argv, &j.args);
    if (s == TARE_OK && j.args.help) return cli_help(help);
    if (s == TARE_OK) s = prepare(&j);
    bench_interrupt_arm();
    for (int i = 0; i < j.devices.count && s == TARE_OK; i++)
        s = search_device(&j, j.devices.device[i]);
    int ended = bench_interrupted() && j.records;
    if (ended) s = TARE_OK; /* what was found by then is written */
    bench_progress_end(&j.progress);
    if (s == TARE_OK && !(ended && json_array_size(j.records) == 0))
        s = bench_write(j.args.out, j.view, j.records, bench_report_evens);
    else if (s != TARE_OK && j.setup.lost && json_array_size(j.records) > 0)
        write_before(&j);
    if (s != TARE_OK) cli_bad("breakeven", "%s", tare_last_error());
    json_decref(j.records);
    bench_shapes_clear(&j.shapes);
    if (s != TARE_OK && j.setup.lost) return CLI_LOST;
    return ended && s == TARE_OK ? cli_interrupted("breakeven") : bench_exit_of(s);
}
