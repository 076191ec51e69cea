/* tare breakeven: from which share of zeros a sparse format pays, against the best dense float row
 * and against the best dense int8 row. */
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "src/cli/cli.h"
#include "src/cli/even_job.h"
#include "src/internal.h"

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
    "  --time S       seconds of running a cell, at most (default: what --limit\n"
    "                 allows, up to 0.3)\n"
    "  --limit S      seconds of it all (default 60), shared out evenly; a search that it cuts "
    "says\n"
    "                 how far it came, what was not begun is named\n"
    "  --timing T     host, events or graph, as in tare bench\n"
    "  --seed N, --samples N, --threads N   as in tare bench\n"
    "  -o FORM        table (default), md, csv, jsonl;  --out FILE\n"
    "\n"
    "Each format is measured at shares of zeros chosen by bisection, in steps of 1 %, beside the "
    "best\n"
    "dense float and int8 rows. First all formats at a few shares with all dense schemes, then "
    "round\n"
    "by round. The interval runs from the largest share that is surely slower to the least that is "
    "surely\n"
    "faster (95 % intervals of the ratio). Rows come as searches end; Ctrl-C writes the others as "
    "they\n"
    "stand (exit 130; SIGTERM 143), the loss of a device what was found before (6).\n"
    "never: surely slower at 99 %. always: surely faster with no zeros. unclear: undecided at 99 "
    "%.\n"
    "cut: the time was up first. Exit 5: it was before anything was found.\n"
    "\n"
    "  tare breakeven -n 4096 -k 4096 -m 1,8,32,128\n"
    "  tare breakeven -n 4096 -k 4096 -d cpu,opencl\n";

static double seconds_left(const even_job *j) {
    double left = (j->end - bench_now_ns()) * 1e-9;
    return left > 0 ? left : 0;
}

/* ---- the run ---- */

/* On a terminal: at most the whole limit is used up. */
static void on_progress(void *ctx, const char *what, double done) {
    even_job *j = ctx;
    bench_progress p = j->progress;
    double all = j->end - j->start, now = bench_now_ns() - j->start;
    (void)done;
    p.group = 0;
    p.groups = 1;
    p.start = j->start;
    bench_progress_show(&p, what, now < all ? now / all : 1);
    j->progress.shown = p.shown;
}

/* Elsewhere a line a contest. */
static void tell(const even_job *j, const char *what) {
    char name[200];
    if (j->progress.terminal) return;
    bench_group_name(name, sizeof name, j->setup.info.id, NULL, &j->problem.shape, j->problem.m);
    fprintf(stderr, "%s: %d of %d, %s; %.0f s left at most\n", name, j->progress.group + 1,
            j->progress.groups, what, seconds_left(j));
}

static void tell_round(const even_job *j) {
    char what[EVEN_FORMATS_MAX * 25 + 16] = "narrowing";
    for (int f = 0; f < j->problem.formats; f++)
        if (!even_is_over(&j->problem.search[f])) {
            strcat(what, " ");
            strcat(what, j->format[f]);
        }
    tell(j, what);
}

static int is_over(const even_problem *p) {
    for (int f = 0; f < p->formats; f++)
        if (!even_is_over(&p->search[f])) return 0;
    return 1;
}

/* A contest that most likely would not end in time is not begun. */
static tare_status narrow(even_job *j, double until, double took) {
    while (!is_over(&j->problem)) {
        double begun = bench_now_ns();
        if (begun + 0.75 * took > until) return TARE_OK;
        tell_round(j);
        TARE_TRY(even_round(&j->problem));
        took = bench_now_ns() - begun;
        TARE_TRY(even_show(j, 0));
    }
    return TARE_OK;
}

/* Of a cell: encoding, heats and packing take several times what the samples do, and a problem's
 * time should hold its survey twice. */
static double cell_seconds(const even_problem *p, double all) {
    double fit = all / (8 * even_survey_size(p));
    return fit > 0.3 ? 0.3 : fit < 0.01 ? 0.01 : fit;
}

/* Every problem that is left has an equal part of the time that is left. */
static tare_status search(even_job *j) {
    double begun = bench_now_ns();
    double until = begun + (j->end - begun) / (j->progress.groups - j->progress.group);
    if (!j->args.timed) j->setup.seconds = cell_seconds(&j->problem, (until - begun) * 1e-9);
    tell(j, "all formats at a few shares");
    tare_status s = even_survey(&j->problem);
    if (s == TARE_OK || s == TARE_E_UNSUPPORTED) {
        char why[400];
        snprintf(why, sizeof why, "%s", tare_last_error());
        TARE_TRY(even_show(j, 0));
        if (s == TARE_E_UNSUPPORTED && j->devices.count > 1) return TARE_OK; /* its result */
        if (s != TARE_OK) return tare_fail(s, "%s", why);
        s = narrow(j, until, 0.5 * (bench_now_ns() - begun));
    }
    if (s != TARE_OK && !bench_stopped()) return s;
    TARE_TRY(even_show(j, 1));
    return bench_go_on();
}

static tare_status run_device(even_job *j) {
    for (int i = 0; i < j->shapes.suite.count; i++)
        for (int k = 0; k < j->shapes.m_count; k++, j->progress.group++) {
            even_problem_init(&j->problem, &j->setup, &j->shapes.suite.shapes[i], j->shapes.m[k],
                              j->format, j->formats);
            TARE_TRY(bench_go_on());
            TARE_TRY(search(j));
        }
    j->problem.formats = 0; /* no problem is at hand until the next device is ready */
    return TARE_OK;
}

/* Formats are schemes without "@S". */
static tare_status read_formats(even_job *j, const char *text) {
    for (const char *at = text;;) {
        size_t length = strcspn(at, ",");
        char probe[64];
        bench_scheme s;
        if (j->formats == EVEN_FORMATS_MAX || length >= sizeof j->format[0])
            TARE_FAIL(TARE_E_ARG, "--scheme: too many formats, or too long a name");
        snprintf(j->format[j->formats], sizeof j->format[0], "%.*s", (int)length, at);
        if (strchr(j->format[j->formats], '@'))
            TARE_FAIL(TARE_E_ARG,
                      "--scheme: '%s': the share of zeros is what is looked for, leave "
                      "the @ out",
                      j->format[j->formats]);
        for (int f = 0; f < j->formats; f++)
            if (strcmp(j->format[f], j->format[j->formats]) == 0)
                TARE_FAIL(TARE_E_ARG, "--scheme: '%s' is there twice", j->format[f]);
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

/* Rows as wide as they will be. */
static json_t *plan_of(const even_job *j) {
    json_t *all = json_array();
    const bench_shape *shape = j->shapes.suite.shapes;
    int formats = j->formats, count = formats > j->devices.count ? formats : j->devices.count;
    if (j->shapes.suite.count > count) count = j->shapes.suite.count;
    for (int i = 0; all && i < count; i++) {
        const bench_shape *s = &shape[i < j->shapes.suite.count ? i : 0];
        const tare_device *d = j->devices.device[i < j->devices.count ? i : 0];
        json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:f, s:f, s:s, s:s}", "device",
                              d->info.id, "n", (json_int_t)s->n, "k", (json_int_t)s->k, "m",
                              (json_int_t)j->shapes.m[j->shapes.m_count - 1], "format",
                              j->format[i < formats ? i : 0], "against", "float", "result",
                              "unsupported", "slower_at", 0.88, "faster_at", 0.88, "kernel",
                              "matmul_bitmapi8_vbmi2", "base_kernel", "matmul_bf16_avx512");
        json_array_append_new(all, o);
    }
    return all;
}

static tare_status prepare(even_job *j) {
    const bench_args *a = &j->args;
    j->view = (enum bench_view)bench_view_find(a->view ? a->view : "table");
    if (!j->view) TARE_FAIL(TARE_E_ARG, "-o: '%.40s' is none of table, md, csv, jsonl", a->view);
    if (a->cache && strcmp(a->cache, "cold") != 0 && strcmp(a->cache, "hot") != 0)
        TARE_FAIL(TARE_E_ARG, "--cache: '%.40s' is neither cold nor hot", a->cache);
    if (a->kernel || a->gate || a->weights)
        TARE_FAIL(TARE_E_ARG, "%s is no option of breakeven",
                  a->kernel ? "--kernel"
                  : a->gate ? "--gate"
                            : "--weights");
    TARE_TRY(read_formats(j, a->schemes ? a->schemes : "csr,bitmap,bitmap-i8,bsr4x4"));
    if (!a->n && !a->k && !a->suite) /* nobody gets a minute's work by accident */
        TARE_FAIL(TARE_E_ARG, "what shapes? Give -n and -k, or a suite");
    TARE_TRY(bench_shapes_make(a, &j->shapes));
    TARE_TRY(bench_read_timing(a->timing, &j->setup));
    if (a->out) TARE_TRY(bench_writable(a->out));
    TARE_TRY(bench_devices_parse(a->device, &j->devices));
    if (a->threads) tare_set_threads(a->threads);
    bench_progress_init(&j->progress, j->shapes.suite.count * j->shapes.m_count * j->devices.count);
    j->records = json_array();
    j->plan = plan_of(j);
    j->sheet = (bench_sheet){.view = j->view, .plan = j->plan};
    j->start = bench_now_ns();
    j->end = j->start + 1e9 * (a->limit > 0 ? a->limit : 60);
    bench_deadline_set(j->end);
    bench_last_lock();
    bench_last_words(NULL, even_left_out(j));
    bench_last_unlock();
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
    j->setup.progress = on_progress;
    j->setup.ctx = j;
    j->env = bench_record_env(&j->setup);
    tare_status s = run_device(j);
    json_decref(j->env);
    bench_setup_clear(&j->setup);
    return s;
}

/* Searches until all is found or something ends it; then what is still to be said. */
static int run(even_job *j) {
    tare_status s = TARE_OK;
    for (int i = 0; i < j->devices.count && s == TARE_OK; i++)
        s = search_device(j, j->devices.device[i]);
    bench_last_lock();
    bench_last_forget();
    bench_last_unlock();
    bench_progress_end(&j->progress);
    int ended = bench_interrupted(), late = !ended && s != TARE_OK && bench_stopped();
    size_t found = json_array_size(j->records);
    if ((ended && (s == TARE_OK || bench_stopped())) || late) {
        even_name_left_out(j, stderr, ended ? "interrupted" : "no time left");
        s = TARE_OK;
    }
    char why[400];
    snprintf(why, sizeof why, "%s", tare_last_error());
    tare_status written = found > 0 ? even_finish(j) : TARE_OK; /* else a file stays as it was */
    if (s != TARE_OK || written != TARE_OK)
        cli_bad("breakeven", "%s", s != TARE_OK ? why : tare_last_error());
    if (s != TARE_OK && j->setup.lost) return CLI_LOST; /* what was found before is written */
    if (s != TARE_OK || written != TARE_OK) return bench_exit_of(s != TARE_OK ? s : written);
    if (ended) return cli_interrupted("breakeven");
    if (found > 0) return CLI_OK;
    cli_bad("breakeven", "nothing was found within the limit of %g s; --limit gives it more",
            j->args.limit > 0 ? j->args.limit : 60);
    return CLI_OPEN;
}

int cli_breakeven(int argc, char **argv) {
    static even_job j;
    memset(&j, 0, sizeof j);
    tare_status s = bench_args_parse(argc, argv, &j.args);
    if (s == TARE_OK && j.args.help) return cli_help(help);
    if (s == TARE_OK) s = bench_last_arm("breakeven");
    if (s == TARE_OK) s = prepare(&j);
    int code = s == TARE_OK ? run(&j) : (cli_bad("breakeven", "%s", tare_last_error()), 0);
    json_decref(j.records);
    json_decref(j.plan);
    bench_shapes_clear(&j.shapes);
    return s == TARE_OK ? code : bench_exit_of(s);
}
