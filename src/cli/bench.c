/* tare bench: schemes against the best dense row, on shapes, by the rules of docs/measuring.md. */
#include "bench/interrupt.h"
#include "src/cli/bench_job.h"
#include "src/cli/cli.h"
#include "src/internal.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: tare bench [SUITE] [options]         measure schemes against the best dense row\n"
    "\n"
    "what   SUITE          a suite of shapes by name, or a file of lines `name n k [count]`\n"
    "       -n N -k K      or sizes of W[n,k] (default 4096); sweeps: 1,8,32  1-512*2\n"
    "       -m M           rows of x, the batch (default 1); sweeps as above\n"
    "       --scheme LIST  f32 bf16 f16 | w8a8 w8a16 w8a32 | w4a8 w4a16 w4a32 [-g32 -g64 -g128]\n"
    "                      | 2:4 2:4-i8 | csr@S bsrRxC@S bitmap@S bitmap-i8@S  (S: 0.9 or 90%)\n"
    "                      default f32,bf16,w8a8,w8a16,w4a8,w4a16\n"
    "where  -d DEVICES     default cpu; a list, cpu,opencl:0; parts of names; all. Every cell is "
    "held\n"
    "                      against the best dense row of its own device\n"
    "       --kernel NAME  force one kernel; `all`: every row, vendor libraries included\n"
    "                      default: the fastest row of each scheme\n"
    "       --threads N    host threads\n"
    "how    --cache C      cold (default: weights from memory), hot, both\n"
    "       --weights W    resident on the device, streamed to it before each run, both (default "
    "on\n"
    "                      devices with memory of their own)\n"
    "       --timing T     by the host's clock, by events of the device's, or by it around a graph "
    "of\n"
    "                      several runs: host, events, graph (default: the last of these that the\n"
    "                      device has; streamed weights: host)\n"
    "       --time S       seconds of running a cell, at most (default 1)\n"
    "       --limit S      seconds of it all: no shape and m is begun after that, what is left out "
    "is\n"
    "                      named\n"
    "       --samples N    a cell, at least (default 30); p90 and p99 need 500, and time for them\n"
    "       --seed N       of the data and the order (default 1)\n"
    "out    -o FORM        table (default), md, csv, jsonl\n"
    "       --out FILE     instead of standard output (-)\n"
    "                      each shape and m is written when it is measured; a suite ends in the "
    "totals\n"
    "                      of its model (not in csv)\n"
    "       --gate         exit 1 where a scheme asked for HURTS, 5 where one is INCONCLUSIVE\n"
    "\n"
    "Every kernel is checked against an fp64 reference before it is timed. The dense float, int8\n"
    "and int4 schemes are always measured beside yours. The verdict is about the fastest dense\n"
    "row of the same run that yours has to beat (`against`, its time over yours): of float, 8 and\n"
    "4 bit a sparse scheme has to beat its own coding and the finer ones, a dense int8 scheme the\n"
    "floats, an int4 one floats and int8. HELPS: the whole 95 % interval of the ratio is above\n"
    "1.05 (yours is faster); HURTS: below 0.95; NEUTRAL: between; INCONCLUSIVE: neither, or one\n"
    "of the two was measured on a noisy machine.\n"
    "\n"
    "  tare bench -n 4096 -k 4096 -m 1,8,128 --scheme w8a8,2:4,csr@90%\n"
    "  tare bench -n 4096 -k 4096 -m 1,64 -d cpu,opencl\n"
    "  tare bench llama-7b --scheme w4a16-g64 -o jsonl --out llama.jsonl\n"
    "\n"
    "exit codes: 0 ok, 1 gate failed, 2 bad input, 3 device or kernel absent, 4 wrong result,\n"
    "5 inconclusive where --gate demands a decision, 6 a device was lost (the kernel that ran is\n"
    "named, and what was measured before is written), 130 (143) ended by Ctrl-C (SIGTERM): what\n"
    "was measured by then is written, what was not is named\n";

/* One of the devices has it; what the others lack becomes a refusal in their cells. */
static tare_status find_kernel(const bench_devices *list, const char *name) {
    if (!name || strcmp(name, "all") == 0) return TARE_OK;
    for (int i = 0; i < list->count; i++)
        for (const tare_kernel *const *row = list->device[i]->backend->rows; *row; row++)
            if (strcmp((*row)->name, name) == 0) return TARE_OK;
    TARE_FAIL(TARE_E_UNSUPPORTED, "--kernel: %s%s no kernel '%.60s'; tare devices lists them",
              list->count > 1 ? "the devices" : list->device[0]->info.id,
              list->count > 1 ? " have" : " has", name);
}

/* In host memory weights have nowhere to be streamed to. */
static tare_status read_weights(const char *text, bench_setup *s) {
    int away = s->device && !s->device->backend->host_memory;
    int wanted = !text                           ? 0
                 : strcmp(text, "resident") == 0 ? BENCH_RESIDENT
                 : strcmp(text, "streamed") == 0 ? BENCH_STREAMED
                 : strcmp(text, "both") == 0     ? BENCH_RESIDENT | BENCH_STREAMED
                                                 : -1;
    if (wanted < 0)
        TARE_FAIL(TARE_E_ARG, "--weights: '%.40s' is none of resident, streamed, both", text);
    if (!wanted) wanted = s->rates.h2d_gbs > 0 ? BENCH_RESIDENT | BENCH_STREAMED : BENCH_RESIDENT;
    s->weights = away ? wanted : BENCH_RESIDENT;
    return TARE_OK;
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
    TARE_TRY(read_weights(a->weights, s));
    TARE_TRY(bench_read_timing(a->timing, s));
    s->kernel = a->kernel;
    s->seconds = a->seconds;
    s->seed = a->seed;
    s->samples = a->samples;
    return TARE_OK;
}

static tare_status some_streamed(const bench_devices *list, const char *weights) {
    if (!weights || strcmp(weights, "streamed") != 0) return TARE_OK;
    for (int i = 0; i < list->count; i++)
        if (!list->device[i]->backend->host_memory) return TARE_OK;
    TARE_FAIL(TARE_E_ARG, "--weights streamed: %s works in host memory, nothing is streamed there",
              list->device[0]->info.id);
}

static tare_status prepare(bench_job *j) {
    const bench_args *a = &j->args;
    bench_setup choices = {0};
    TARE_TRY(read_choices(a, &choices, &j->view));
    TARE_TRY(bench_scheme_list(a->schemes ? a->schemes : "f32,bf16,w8a8,w8a16,w4a8,w4a16",
                               j->scheme, &j->schemes));
    TARE_TRY(bench_shapes_make(a, &j->shapes));
    if (a->out) TARE_TRY(bench_writable(a->out));
    TARE_TRY(bench_devices_parse(a->device, &j->devices));
    TARE_TRY(find_kernel(&j->devices, a->kernel));
    TARE_TRY(some_streamed(&j->devices, a->weights));
    if (a->threads) tare_set_threads(a->threads);
    bench_job_begin(j);
    for (int i = 0; i < j->devices.count; i++) {
        TARE_TRY(bench_setup_init(&j->setup[i], j->devices.device[i]));
        TARE_TRY(read_choices(a, &j->setup[i], &j->view));
        j->setup[i].shared = &j->matrix;
    }
    return TARE_OK;
}

int cli_bench(int argc, char **argv) {
    static bench_job j;
    memset(&j, 0, sizeof j);
    tare_status s = bench_args_parse(argc, argv, &j.args);
    if (s == TARE_OK && j.args.help) return cli_help(help);
    if (s == TARE_OK) s = bench_last_arm("bench");
    if (s == TARE_OK) s = prepare(&j);
    if (s == TARE_OK) s = bench_job_run(&j);
    if (s != TARE_OK) cli_bad("bench", "%s", tare_last_error());
    int code = s == TARE_OK ? (int)bench_outcome_of(j.cells.cell, j.cells.count, j.args.gate)
                            : bench_exit_of(s);
    if (s == TARE_E_DEVICE && j.lost[0]) code = CLI_LOST;
    if (s == TARE_OK && bench_interrupted() && code != CLI_WRONG) code = cli_interrupted("bench");
    bench_job_clear(&j);
    return code;
}
