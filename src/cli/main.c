/* tare: the command-line tool. One verb a file; this one finds the verb and flushes the output. */
#include "src/cli/cli.h"

#include "bench/interrupt.h"
#include "cpu/cpu.h"
#include "src/cli/bench.h"
#include "src/cli/demo.h"
#include "src/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_verb verbs[] = {
    {"devices", "what is here: devices, ceilings, libraries, kernels per format", cli_devices},
    {"explain", "which kernel a problem would get, and why not the others", cli_explain},
    {"bench", "time schemes against the best dense row of a device", cli_bench},
    {"breakeven", "the sparsity from which each sparse format pays", cli_breakeven},
    {"compare", "two files of records of bench, cell by cell", cli_compare},
    {"zero", "the scale weighs itself: every row against its twin", cli_zero},
    {"tune", "measure a device's kernel parameters and keep the best", cli_tune},
    {"lab", "the two experiments of the course page", cli_lab},
    {"demo", "the main job: train, compress, measure, judge", cli_demo},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void usage(FILE *out) {
    fputs("tare weighs what compression really saves.\n\nusage: tare VERB [options]\n\n", out);
    for (int i = 0; i < VERBS; i++) fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\n  tare VERB --help   or   tare help VERB   explains one\n"
          "  tare --version\n\n"
          "Begin with `tare demo`, or with the bottleneck: `tare bench llama-7b -m 1`.\n\n"
          "exit codes: 0 ok, 1 a gate failed, 2 usage or bad input, 3 device or kernel absent,\n"
          "4 wrong result, 5 inconclusive where a decision was demanded, 6 a device was lost; 130 "
          "ended by Ctrl-C\n\n"
          "environment: TARE_THREADS (host threads), TARE_CPU_MASK (portable, or on x86 what "
          "kernels may use:\n"
          "avx2 avx512 vnni bf16 vbmi2, each with what it stands on; or bits 1 2 4 8 16),\n"
          "TARE_BACKEND_DIR (absolute folder of backend modules),\n"
          "TARE_OPENBLAS, TARE_ONEDNN (the file of that library to open, off for none),\n"
          "TARE_CUDA_LIBRARIES (absolute folder of NVIDIA's libraries, the only one then),\n"
          "TARE_ROWS_WITHOUT (kernels to leave out, by name: a,b),\n"
          "TARE_CACHE_DIR (built programs, tuned parameters, the drift of tare zero; default\n"
          "~/.cache/tare)\n",
          out);
}

int cli_bad(const char *verb, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* What was typed is quoted in it, and may hold anything. */
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
    fprintf(stderr, "tare%s%s: %s\n", *verb ? " " : "", verb, text);
    return CLI_USAGE;
}

int cli_interrupted(const char *verb) {
    cli_bad(verb, "ended by signal %d; what was measured by then is written", bench_interrupted());
    return CLI_SIGNAL + bench_interrupted();
}

int cli_bad_option(const char *verb, int argc, char **argv, int code, const struct option *list) {
    char text[200];
    cli_option_error(argc, argv, code, list, text, sizeof text);
    return cli_bad(verb, "%s; see tare %s --help", text, verb);
}

int cli_help(const char *text) {
    return fputs(text, stdout) < 0 ? CLI_USAGE : CLI_OK;
}

static int unknown(const char *name) {
    for (int i = 0; i < VERBS; i++)
        if (cli_resembles(name, verbs[i].name))
            return cli_bad("", "unknown verb '%s'; did you mean '%s'?", name, verbs[i].name);
    return cli_bad("", "unknown verb '%.40s'; `tare` lists them", name);
}

static int run(const cli_verb *v, int argc, char **argv) {
    int help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (!help && tare_threads_error())
        return cli_bad(v->name, "TARE_THREADS is '%.40s'; %s", getenv("TARE_THREADS"),
                       tare_threads_error());
    if (!help && cpu_mask_error()) return cli_bad(v->name, "%s", cpu_mask_error());
    return v->run(argc, argv);
}

static int dispatch(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "--version") == 0) {
        printf("tare %s\n", tare_version());
        return CLI_OK;
    }
    int help = strcmp(name, "help") == 0;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (help && argc < 3)) {
        usage(stdout);
        return argc > 1 ? CLI_OK : CLI_USAGE;
    }
    char verb_help[] = "--help";
    char *help_args[] = {argv[help ? 2 : 1], verb_help, NULL};
    for (int i = 0; i < VERBS; i++)
        if (strcmp(help_args[0], verbs[i].name) == 0)
            return help ? verbs[i].run(2, help_args) : run(&verbs[i], argc - 1, argv + 1);
    return unknown(help_args[0]);
}

int main(int argc, char **argv) {
    if (argc > 1) cli_environment(argv[1]);
    int code = dispatch(argc, argv);
    /* A full disk behind standard output shows only here. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_OK)
        return cli_bad("", "standard output could not be written: %s", strerror(errno));
    return code;
}
