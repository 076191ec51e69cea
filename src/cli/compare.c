/* tare compare: two files of records of `tare bench -o jsonl`, cell by cell. */
#include "bench/compare.h"
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
    "\n"
    "One line a cell that both files hold: the same device, shape, scheme, kernel, cache state "
    "and\n"
    "place of weights. Time in a and in b, a / b with an interval (above 1: b is faster), and how\n"
    "much of each is the floor that its run's ceilings allow. `b is` says faster or slower where "
    "the\n"
    "whole interval is beyond 5 %. Then what only one file holds, or was not timed in both.\n"
    "A file that is not whole records of schema " BENCH_RECORD_SCHEMA
    " is refused, with its line.\n"
    "\n"
    "  tare bench -n 4096 -k 4096 -o jsonl --out before.jsonl\n"
    "  tare compare before.jsonl after.jsonl\n"
    "\n"
    "exit codes: 0 ok, 2 bad input\n";

typedef struct compare_args {
    const char *view, *out, *file[2];
    int help;
} compare_args;

static tare_status read_records(const char *path, json_t **out) {
    void *text;
    size_t size;
    TARE_TRY(file_read(path, BENCH_RECORDS_BYTES, &text, &size));
    tare_status s = bench_records_parse(path, text, size, out);
    tare_free(text);
    return s;
}

static tare_status compare(const compare_args *a) {
    json_t *records[2] = {NULL, NULL}, *pairs = NULL;
    int view = bench_view_find(a->view ? a->view : "table");
    if (!view) TARE_FAIL(TARE_E_ARG, "-o: '%.40s' is none of table, md, csv, jsonl", a->view);
    if (a->out) TARE_TRY(bench_writable(a->out));
    tare_status s = read_records(a->file[0], &records[0]);
    if (s == TARE_OK) s = read_records(a->file[1], &records[1]);
    if (s == TARE_OK && !(pairs = bench_compare(records[0], records[1])))
        s = tare_fail(TARE_E_NOMEM, "out of memory");
    if (s == TARE_OK) s = bench_write(a->out, (enum bench_view)view, pairs, bench_report_compare);
    json_decref(records[0]);
    json_decref(records[1]);
    json_decref(pairs);
    return s;
}

int cli_compare(int argc, char **argv) {
    static const struct option list[] = {{"output", required_argument, NULL, 'o'},
                                         {"out", required_argument, NULL, 'O'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    compare_args a = {0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":o:h", list, NULL)) != -1;) {
        if (c == 'h') return cli_help(help);
        if (c == ':' || c == '?') return cli_bad_option("compare", argc, argv, c, list);
        if (c == 'o') a.view = optarg;
        if (c == 'O') a.out = optarg[0] == '-' && !optarg[1] ? NULL : optarg;
    }
    if (argc - optind != 2) return cli_bad("compare", "two files of records are compared");
    a.file[0] = argv[optind];
    a.file[1] = argv[optind + 1];
    tare_status s = compare(&a);
    return s == TARE_OK ? CLI_OK : (cli_bad("compare", "%s", tare_last_error()), bench_exit_of(s));
}
