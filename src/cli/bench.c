/* tare bench: schemes against the best dense row, on shapes, by the rules of docs/measuring.md. */
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/internal.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: tare bench [SUITE] [options]         measure schemes against the best dense row\n"
    "\n"
    "what   SUITE          a suite of shapes by name, or a file of lines `name n k [count]`\n"
    "       -n N -k K      or sizes of W[n,k]; sweeps: 1,8,32  1-512*2  1-16+4\n"
    "       -m M           rows of x, the batch (default 1); sweeps as above\n"
    "       --scheme LIST  f32 bf16 f16 | w8a8 w8a16 w8a32 | w4a8 w4a16 w4a32 [-g32 -g64 -g128]\n"
    "                      | 2:4 2:4-i8 | csr@S bsrRxC@S bitmap@S bitmap-i8@S  (S: 0.9 or 90%)\n"
    "                      default f32,bf16,w8a8,w8a16,w4a8,w4a16\n"
    "where  -d DEVICE      default cpu\n"
    "       --kernel NAME  force one kernel; `all`: every row, vendor libraries included\n"
    "                      default: the fastest row of each scheme\n"
    "       --threads N    host threads\n"
    "how    --cache C      cold (default: weights from memory), hot, both\n"
    "       --time S       seconds of running a cell, at most (default 1)\n"
    "       --samples N    a cell, at least (default 30); p90 and p99 need 500, and time for them\n"
    "       --seed N       of the data and the order (default 1)\n"
    "out    -o FORM        table (default), md, csv, jsonl\n"
    "       --out FILE     instead of standard output (-)\n"
    "       --gate         exit 1 where a scheme asked for HURTS, 5 where one is INCONCLUSIVE\n"
    "\n"
    "Every kernel is checked against an fp64 reference before it is timed. The dense float, int8\n"
    "and int4 schemes are always measured beside yours: ratios are against the fastest of each in\n"
    "the same run (above 1: yours is faster). HELPS: the whole 95 % interval is above 1.05; "
    "HURTS:\n"
    "below 0.95; NEUTRAL: between; INCONCLUSIVE: neither.\n"
    "\n"
    "  tare bench -n 4096 -k 4096 -m 1,8,128 --scheme w8a8,2:4,csr@90%\n"
    "  tare bench llama-7b --scheme w4a16-g64 -o jsonl --out llama.jsonl\n"
    "\n"
    "exit codes: 0 ok, 1 gate failed, 2 bad input, 3 device or kernel absent, 4 wrong result,\n"
    "5 inconclusive where --gate demands a decision\n";

static tare_status find_kernel(const tare_device *d, const char *name) {
    if (!name || strcmp(name, "all") == 0) return TARE_OK;
    for (const tare_kernel *const *row = d->backend->rows; *row; row++)
        if (strcmp((*row)->name, name) == 0) return TARE_OK;
    TARE_FAIL(TARE_E_UNSUPPORTED, "--kernel: %s has no kernel '%.60s'; tare devices lists them",
              d->info.id, name);
}

static tare_status read_choices(const bench_args *a, bench_setup *s, enum bench_view *view) {
    *view = (enum bench_view)bench_view_find(a->view ? a->view : "table");
    if (!*view) TARE_FAIL(TARE_E_ARG, "-o: '%.40s' is none of table, md, csv, jsonl", a->view);
    const char *cache = a->cache ? a->cache : "cold";
    s->caches = strcmp(cache, "cold") == 0   ? BENCH_COLD
                : strcmp(cache, "hot") == 0  ? BENCH_HOT
                : strcmp(cache, "both") == 0 ? BENCH_COLD | BENCH_HOT
                                             : 0;
    if (!s->caches) TARE_FAIL(TARE_E_ARG, "--cache: '%.40s' is none of cold, hot, both", cache);
    s->kernel = a->kernel;
    s->seconds = a->seconds;
    s->seed = a->seed;
    s->samples = a->samples;
    return TARE_OK;
}

typedef struct bench_job {
    bench_args args;
    bench_shapes shapes;
    bench_scheme scheme[BENCH_SCHEMES_MAX];
    int schemes;
    bench_setup setup;
    bench_cells cells;
    enum bench_view view;
} bench_job;

static tare_status measure_all(bench_job *j) {
    bench_progress p;
    bench_progress_init(&p, j->shapes.suite.count * j->shapes.m_count);
    j->setup.progress = bench_progress_show;
    j->setup.ctx = &p;
    tare_status s = TARE_OK;
    for (int i = 0; i < j->shapes.suite.count && s == TARE_OK; i++)
        for (int k = 0; k < j->shapes.m_count && s == TARE_OK; k++, p.group++)
            s = bench_group(&j->setup, &j->shapes.suite.shapes[i], j->shapes.m[k], j->scheme,
                            j->schemes, &j->cells);
    bench_progress_end(&p);
    return s;
}

static tare_status report(bench_job *j) {
    json_t *records = json_array(), *env = bench_record_env(&j->setup);
    tare_status s = TARE_OK;
    for (int i = 0; i < j->cells.count; i++)
        if (json_array_append_new(records, bench_record(&j->setup, &j->cells.cell[i], env)) != 0)
            s = tare_fail(TARE_E_NOMEM, "report: out of memory");
    if (s == TARE_OK) s = bench_write(j->args.out, j->view, records, bench_report);
    json_decref(records);
    json_decref(env);
    return s;
}

static tare_status prepare(bench_job *j) {
    const bench_args *a = &j->args;
    tare_device *d;
    enum bench_view view;
    bench_setup choices = {0};
    TARE_TRY(read_choices(a, &choices, &view));
    TARE_TRY(bench_scheme_list(a->schemes ? a->schemes : "f32,bf16,w8a8,w8a16,w4a8,w4a16",
                               j->scheme, &j->schemes));
    TARE_TRY(bench_shapes_make(a, &j->shapes));
    if (a->out) TARE_TRY(bench_writable(a->out));
    TARE_TRY(tare_device_find(a->device ? a->device : "cpu", &d));
    TARE_TRY(find_kernel(d, a->kernel));
    if (a->threads) tare_set_threads(a->threads);
    TARE_TRY(bench_setup_init(&j->setup, d));
    j->view = view;
    return read_choices(a, &j->setup, &view);
}

int cli_bench(int argc, char **argv) {
    static bench_job j;
    memset(&j, 0, sizeof j);
    tare_status s = bench_args_parse(argc, argv, &j.args);
    if (s == TARE_OK && j.args.help) return cli_help(help);
    if (s == TARE_OK) s = prepare(&j);
    if (s == TARE_OK) s = measure_all(&j);
    if (s == TARE_OK) s = report(&j);
    if (s != TARE_OK) cli_bad("bench", "%s", tare_last_error());
    int code = s == TARE_OK ? (int)bench_outcome_of(j.cells.cell, j.cells.count, j.args.gate)
                            : bench_exit_of(s);
    bench_cells_clear(&j.cells);
    bench_setup_clear(&j.setup);
    bench_shapes_clear(&j.shapes);
    return code;
}
