/* tare zero: the scale weighs itself. */
#include "bench/zero.h"
#include "bench/drift.h"
#include "bench/interrupt.h"
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/internal.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: tare zero [SUITE] [options]           the scale weighs itself\n"
    "\n"
    "Measures every row against its twin, the same row on weights packed anew: what is not NEUTRAL "
    "or\n"
    "INCONCLUSIVE between the two is a false verdict. Goes through its shapes again and again, "
    "and\n"
    "holds the 95 % intervals against the medians of the whole run, and the rows that heats chose\n"
    "against their rivals.\n"
    "\n"
    "what   SUITE, -n N -k K, -m M, --scheme LIST   as in tare bench; one m\n"
    "               default: n = k = 224 512 1024 2048 4096 (0.2 to 64 MB in f32), m 8, every "
    "kind\n"
    "               of scheme\n"
    "where  -d DEVICE, --threads N                  one device (default cpu)\n"
    "how    --limit S      seconds of it all, about; once through at least (default 60)\n"
    "       --time S       seconds of running a row, at most (default 0.3)\n"
    "       --cache C      cold (default) or hot\n"
    "       --timing T, --samples N, --seed N       as in tare bench\n"
    "       --plant FAULT  slow: every twin takes a tenth longer; noise: a clock that wanders.\n"
    "                      To see that the one is found and the other leaves no verdict\n"
    "out    -o FORM, --out FILE                     as in tare bench\n"
    "\n"
    "How far medians drift between measurements is kept in the user's cache folder "
    "(TARE_CACHE_DIR), "
    "and\n"
    "widens the intervals of medians that tare bench prints from then on; ratios and verdicts are\n"
    "formed within a measurement and need none of it.\n"
    "\n"
    "exit codes: 0 ok; 1 more than 5 % of the verdicts were false; 5 fewer than half of the pairs "
    "were\n"
    "decided, the machine is too noisy to tell; 2, 3, 130 as everywhere\n";

static const char every_kind[] = "f32,bf16,f16,w8a8,w8a16,w4a8,w4a16,csr@0.9,bitmap@0.7,"
                                 "bitmap-i8@0.7,2:4,2:4-i8,bsr4x4@0.8";

typedef struct zero_job {
    bench_args args;
    bench_shapes shapes;
    bench_scheme scheme[BENCH_SCHEMES_MAX];
    int schemes;
    bench_setup setup;
    bench_progress progress;
    enum bench_view view;
    bench_zero zero;
} zero_job;

static tare_status shapes_of(zero_job *j) {
    static const int64_t sizes[] = {224, 512, 1024, 2048, 4096};
    bench_args a = j->args;
    if (!a.m) a.m = "8";
    if (a.n || a.k || a.suite) return bench_shapes_make(&a, &j->shapes);
    char list[64] = "";
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%lld", i ? "," : "",
                 (long long)sizes[i]);
    a.n = list;
    a.k = list;
    TARE_TRY(bench_shapes_make(&a, &j->shapes));
    bench_suite *s = &j->shapes.suite;
    int kept = 0;
    for (int i = 0; i < s->count; i++) /* squares alone */
        if (s->shapes[i].n == s->shapes[i].k) s->shapes[kept++] = s->shapes[i];
    s->count = kept;
    return TARE_OK;
}

static tare_status read_choices(zero_job *j, bench_setup *s) {
    const bench_args *a = &j->args;
    int plant = bench_plant_find(a->plant ? a->plant : "none");
    j->view = (enum bench_view)bench_view_find(a->view ? a->view : "table");
    if (!j->view) TARE_FAIL(TARE_E_ARG, "-o: '%.40s' is none of table, md, csv, jsonl", a->view);
    if (a->cache && strcmp(a->cache, "cold") != 0 && strcmp(a->cache, "hot") != 0)
        TARE_FAIL(TARE_E_ARG, "--cache: '%.40s' is neither cold nor hot", a->cache);
    if (plant < 0) TARE_FAIL(TARE_E_ARG, "--plant: '%.40s' is none of slow, noise", a->plant);
    if (a->kernel || a->gate || a->weights)
        TARE_FAIL(TARE_E_ARG, "%s is no option of zero",
                  a->kernel ? "--kernel"
                  : a->gate ? "--gate"
                            : "--weights");
    s->caches = a->cache && strcmp(a->cache, "hot") == 0 ? BENCH_HOT : BENCH_COLD;
    s->weights = BENCH_RESIDENT;
    s->seconds = a->timed ? a->seconds : 0.3;
    s->samples = a->samples;
    s->seed = a->seed;
    s->plant = (enum bench_plant)plant;
    return bench_read_timing(a->timing, s);
}

static tare_status prepare(zero_job *j) {
    const bench_args *a = &j->args;
    bench_setup choices = {0};
    bench_devices devices;
    TARE_TRY(read_choices(j, &choices));
    TARE_TRY(bench_scheme_list(a->schemes ? a->schemes : every_kind, j->scheme, &j->schemes));
    TARE_TRY(shapes_of(j));
    if (j->shapes.m_count != 1) TARE_FAIL(TARE_E_ARG, "-m: one m is all that zero takes");
    if (a->out) TARE_TRY(bench_writable(a->out));
    TARE_TRY(bench_devices_parse(a->device, &devices));
    if (devices.count != 1) TARE_FAIL(TARE_E_ARG, "-d: one device is all that zero takes");
    if (a->threads) tare_set_threads(a->threads);
    TARE_TRY(bench_setup_init(&j->setup, devices.device[0]));
    TARE_TRY(read_choices(j, &j->setup));
    bench_progress_init(&j->progress, 1);
    j->setup.progress = bench_progress_show;
    j->setup.ctx = &j->progress;
    return TARE_OK;
}

/* A wandering clock's drift is nobody's, and a scale that fails or can't tell says nothing of it.
 */
static void keep_drift(const zero_job *j) {
    enum bench_cache cache = j->setup.caches == BENCH_HOT ? BENCH_HOT : BENCH_COLD;
    if (j->setup.plant || !(j->zero.share > 0) || bench_zero_exit(&j->zero) != 0) return;
    if (bench_drift_store(&j->setup, cache, j->zero.share) == TARE_OK)
        fprintf(stderr,
                "the drift is kept: from now on tare bench widens %s medians' intervals by it\n",
                cache == BENCH_HOT ? "hot" : "cold");
    else
        fprintf(stderr, "the drift is not kept: %s\n", tare_last_error());
}

static tare_status report(zero_job *j) {
    json_t *env = bench_record_env(&j->setup),
           *records = bench_zero_records(&j->zero, &j->setup, env);
    tare_status s = bench_write(j->args.out, j->view, records, bench_report_zero);
    json_decref(records);
    json_decref(env);
    return s;
}

int cli_zero(int argc, char **argv) {
    static zero_job j;
    memset(&j, 0, sizeof j);
    tare_status s = bench_args_parse(argc, argv, &j.args);
    if (s == TARE_OK && j.args.help) return cli_help(help);
    bench_interrupt_arm();
    if (s == TARE_OK) s = prepare(&j);
    double seconds = j.args.limit > 0 ? j.args.limit : 60;
    if (s == TARE_OK)
        s = bench_zero_run(&j.setup, j.shapes.suite.shapes, j.shapes.suite.count, j.shapes.m[0],
                           j.scheme, j.schemes, seconds, &j.zero);
    bench_progress_end(&j.progress);
    int ended = bench_interrupted();
    if (bench_stopped() && s != TARE_OK) s = TARE_OK; /* what was seen by then stands */
    if (s == TARE_OK && j.zero.rows) s = report(&j);
    if (s == TARE_OK && !ended) keep_drift(&j);
    if (s != TARE_OK) cli_bad("zero", "%s", tare_last_error());
    int code = s == TARE_OK ? bench_zero_exit(&j.zero) : bench_exit_of(s);
    if (s == TARE_OK && ended) code = cli_interrupted("zero");
    bench_zero_clear(&j.zero);
    bench_setup_clear(&j.setup);
    bench_shapes_clear(&j.shapes);
    return code;
}
