/* tare demo: options in, table out. */
#include "src/cli/demo.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/demo/demo.h"
#include "src/internal.h"
#include "src/parse.h"

static const char help[] =
    "tare demo - does compressing this network help on this machine?\n"
    "\n"
    "  tare demo [-d DEVICES] [--data DIR] [--out DIR] [--seed N] [--epochs N] [--fine-epochs N]\n"
    "            [--time SECONDS] [--threads N] [--quiet]\n"
    "\n"
    "Trains a 784-512-256-10 network on Fashion-MNIST (60,000 images), compresses it along nine\n"
    "routes (bf16, w8a8, w8a16, w4a16, 2:4, three unstructured sparsities, narrower layers), "
    "writes\n"
    "each as a file, reads it back, and measures size, latency at batch 1 and 256, throughput and\n"
    "top-1 of the 10,000 test images, before and after. Prints one table with a verdict a route.\n"
    "\n"
    "  -d, --device LIST    where the routes run (cpu; `tare devices` lists them; cpu,opencl:0 "
    "for\n"
    "                       several). Training is on the CPU always; latency counts transfers\n"
    "      --data DIR       the four IDX files; default " FASHION_DIR ",\n"
    "                       where the Debian package dataset-fashion-mnist puts them\n"
    "      --out DIR        for the models (*.tare), report.md and report.jsonl; default demo-out\n"
    "      --seed N         of weights and shuffling: the same seed and threads, the same models "
    "(1)\n"
    "      --epochs N       of training (10)\n"
    "      --fine-epochs N  of fine-tuning after pruning (3)\n"
    "      --time SECONDS   of running, a route and batch size, at most (3)\n"
    "      --threads N      of kernels (the CPUs this process may use)\n"
    "      --quiet          no progress on stderr\n"
    "\n"
    "How to read the table: `share` is the file's size over that of f32; `speed` says how many "
    "times\n"
    "as fast as the best dense float route of the same run (f32 or bf16, not just f32); p is\n"
    "McNemar's test of top-1 against f32. HELPS +size -b1 means: smaller, but slower at batch 1.\n"
    "report.md gives intervals, the sizes' parts, how it was measured and the rule of the "
    "verdicts.\n"
    "\n"
    "Of a list of devices those that are not there are left out, and named with the reason.\n"
    "exit codes: 0 ok, 2 bad input or output that can't be written, 3 none of the devices is "
    "there\n";

enum { DATA = 256, OUT, SEED, EPOCHS, FINE, SECONDS, THREADS, QUIET };

static tare_status whole(const char *flag, const char *text, uint64_t least, uint64_t most,
                         uint64_t *out) {
    if (!tare_parse_whole(text, least, most, out))
        TARE_FAIL(TARE_E_ARG, "%s: '%.40s' is no whole number from %llu to %llu", flag, text,
                  (unsigned long long)least, (unsigned long long)most);
    return TARE_OK;
}

static tare_status real(const char *flag, const char *text, double most, double *out) {
    if (!tare_parse_real(text, DBL_MIN, most, out))
        TARE_FAIL(TARE_E_ARG, "%s: '%.40s' is no number above 0 and up to %g", flag, text, most);
    return TARE_OK;
}

static tare_status take(int option, demo_options *o) {
    uint64_t v = 0;
    switch (option) {
    case 'd':
        o->device = optarg;
        return TARE_OK;
    case DATA:
        o->data = optarg;
        return TARE_OK;
    case OUT:
        o->out = optarg;
        return TARE_OK;
    case SEED:
        TARE_TRY(whole("--seed", optarg, 0, INT64_MAX, &v));
        o->seed = v;
        return TARE_OK;
    case EPOCHS:
        TARE_TRY(whole("--epochs", optarg, 1, 1000, &v));
        o->epochs = (int)v;
        return TARE_OK;
    case FINE:
        TARE_TRY(whole("--fine-epochs", optarg, 1, 1000, &v));
        o->fine_epochs = (int)v;
        return TARE_OK;
    case SECONDS:
        return real("--time", optarg, 3600, &o->seconds);
    case THREADS:
        TARE_TRY(whole("--threads", optarg, 1, TARE_THREADS_MAX, &v));
        tare_set_threads((int)v);
        return TARE_OK;
    default:
        o->progress = 0;
        return TARE_OK;
    }
}

static tare_status parse(int argc, char **argv, demo_options *o, int *wants_help) {
    static const struct option list[] = {{"device", required_argument, NULL, 'd'},
                                         {"data", required_argument, NULL, DATA},
                                         {"out", required_argument, NULL, OUT},
                                         {"seed", required_argument, NULL, SEED},
                                         {"epochs", required_argument, NULL, EPOCHS},
                                         {"fine-epochs", required_argument, NULL, FINE},
                                         {"time", required_argument, NULL, SECONDS},
                                         {"threads", required_argument, NULL, THREADS},
                                         {"quiet", no_argument, NULL, QUIET},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":d:h", list, NULL)) != -1;) {
        if (c == ':' || c == '?') {
            char text[200];
            cli_option_error(argc, argv, c, list, text, sizeof text);
            TARE_FAIL(TARE_E_ARG, "%s; see tare demo --help", text);
        }
        if (c == 'h') {
            *wants_help = 1;
            return TARE_OK;
        }
        TARE_TRY(take(c, o));
    }
    if (optind < argc)
        TARE_FAIL(TARE_E_ARG, "'%.40s' is not expected; see tare demo --help", argv[optind]);
    return TARE_OK;
}

static tare_status show(const demo *d, int reported) {
    char *table;
    TARE_TRY(demo_table(d, &table));
    int failed = fputs(table, stdout) < 0;
    failed |= printf("\n%.0f s in all, %.0f s of them training.", d->all_s, d->train_s) < 0;
    if (reported) failed |= printf(" %s/report.md and report.jsonl have the rest.", d->o.out) < 0;
    failed |= putchar('\n') < 0;
    if (d->skipped[0]) failed |= printf("Not there, so left out: %s\n", d->skipped) < 0;
    failed |= fflush(stdout) != 0;
    free(table);
    if (failed) TARE_FAIL(TARE_E_IO, "stdout: can't be written: %s", strerror(errno));
    return TARE_OK;
}

int cli_demo(int argc, char **argv) {
    demo_options o = demo_options_default();
    demo d = {0};
    int wants_help = 0;
    tare_status s = parse(argc, argv, &o, &wants_help);
    if (s == TARE_OK && wants_help) return cli_help(help);
    if (s == TARE_OK) s = demo_run(&o, &d);
    if (s != TARE_OK) cli_bad("demo", "%s", tare_last_error());
    /* A report that can't be written does not take what was measured with it. */
    if (d.all_s > 0) {
        tare_status shown = show(&d, s == TARE_OK);
        if (shown != TARE_OK && s == TARE_OK) {
            cli_bad("demo", "%s", tare_last_error());
            s = shown;
        }
    }
    demo_clear(&d);
    return s == TARE_OK ? 0 : bench_exit_of(s);
}
