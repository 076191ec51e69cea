/* tare compare: two files of records of `tare bench -o jsonl`, cell by cell. */
#include "bench/compare.h"
#include "bench/gate.h"
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/data/file.h"
#include "src/internal.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "usage: tare compare A.jsonl B.jsonl [options]   two files of tare bench -o jsonl\n"
    "\n"
    "  -o FORM     table (default), md, csv, jsonl\n"
    "  --out FILE  instead of standard output (-)\n"
    "  --gate      exit 1 where b is slower, 4 where it is wrong, 5 where that can't be told\n"
    "\n"
    "One line a cell that both files hold: the same device, shape, scheme, cache state and place "
    "of\n"
    "weights, whatever the kernel (`old -> new` where it changed). Time in a and in b, a / b with "
    "an\n"
    "interval (above 1: b is faster), and how much of each is the floor that its run's ceilings\n"
    "allow. `b is` says faster or slower where the whole interval is beyond 5 %. Then what only "
    "one\n"
    "file holds, or was not timed in both. On standard error, what all of it decides:\n"
    "  wrong       any cell of b is WRONG\n"
    "  can't tell  another processor, device or count of threads\n"
    "  slower      a cell is, by more than two like runs differ: 1.5 times and what b's ceilings "
    "fell;\n"
    "              2.5 times where a and b chose other kernels, and b does not have a's\n"
    "  can't tell  cells were not timed again, are noisy or unclear, or the ceilings rose that "
    "much\n"
    "  unchanged or faster\n"
    "Cells that were asked for decide; where a file has none, all do. A mask is a change like any "
    "other.\n"
    "A file that is not whole records of schema " BENCH_RECORD_SCHEMA
    " is refused, with its line.\n"
    "\n"
    "  tare bench -n 4096 -k 4096 -o jsonl --out before.jsonl\n"
    "  tare compare --gate before.jsonl after.jsonl\n"
    "\n"
    "exit codes: 0 ok (with --gate: unchanged or faster), 2 bad input; with --gate 1 slower, 4 "
    "wrong,\n"
    "5 can't tell\n";

typedef struct compare_args {
    const char *view, *out, *file[2];
    int gate;
} compare_args;

static tare_status read_records(const char *path, json_t **out) {
    void *text;
    size_t size;
    TARE_TRY(file_read(path, BENCH_RECORDS_BYTES, &text, &size));
    tare_status s = bench_records_parse(path, text, size, out);
    tare_free(text);
    return s;
}

/* On standard error: the other holds a table or records. */
static int decide(const json_t *pairs, int gate) {
    char line[BENCH_GATE_LINE];
    enum bench_gate_code code = bench_gate(pairs, line);
    fprintf(stderr, "tare compare: %s\n", line);
    return gate ? (int)code : CLI_OK;
}

static tare_status compare(const compare_args *a, int *code) {
    json_t *records[2] = {NULL, NULL}, *pairs = NULL;
    int view = bench_view_find(a->view ? a->view : "table");
    if (!view) TARE_FAIL(TARE_E_ARG, "-o: '%.40s' is none of table, md, csv, jsonl", a->view);
    if (a->out) TARE_TRY(bench_writable(a->out));
    tare_status s = read_records(a->file[0], &records[0]);
    if (s == TARE_OK) s = read_records(a->file[1], &records[1]);
    if (s == TARE_OK && !(pairs = bench_compare(records[0], records[1])))
        s = tare_fail(TARE_E_NOMEM, "out of memory");
    if (s == TARE_OK) s = bench_write(a->out, (enum bench_view)view, pairs, bench_report_compare);
    if (s == TARE_OK) *code = decide(pairs, a->gate);
    json_decref(records[0]);
    json_decref(records[1]);
    json_decref(pairs);
    return s;
}

int cli_compare(int argc, char **argv) {
    static const struct option list[] = {{"output", required_argument, NULL, 'o'},
                                         {"out", required_argument, NULL, 'O'},
                                         {"gate", no_argument, NULL, 'g'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    compare_args a = {0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":o:h", list, NULL)) != -1;) {
        if (c == 'h') return cli_help(help);
        if (c == ':' || c == '?') return cli_bad_option("compare", argc, argv, c, list);
        if (c == 'g') a.gate = 1;
        if (c == 'o') a.view = optarg;
        if (c == 'O') a.out = optarg[0] == '-' && !optarg[1] ? NULL : optarg;
    }
    if (argc - optind != 2) return cli_bad("compare", "two files of records are compared");
    a.file[0] = argv[optind];
    a.file[1] = argv[optind + 1];
    int code = CLI_OK;
    tare_status s = compare(&a, &code);
    return s == TARE_OK ? code : (cli_bad("compare", "%s", tare_last_error()), bench_exit_of(s));
}
