/* Options of the measuring verbs, and the shapes they ask for. */
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/internal.h"
#include "src/parse.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tare_status real(const char *flag, const char *text, double least, double most,
                        double *out) {
    if (!tare_parse_real(text, least, most, out))
        TARE_FAIL(TARE_E_ARG, "%s: '%.40s' is no number from %g to %g", flag, text, least, most);
    return TARE_OK;
}

static tare_status whole(const char *flag, const char *text, uint64_t least, uint64_t most,
                         uint64_t *out) {
    if (!tare_parse_whole(text, least, most, out))
        TARE_FAIL(TARE_E_ARG, "%s: '%.40s' is no whole number from %llu to %llu", flag, text,
                  (unsigned long long)least, (unsigned long long)most);
    return TARE_OK;
}

static tare_status numbers(bench_args *a, const char *seconds, const char *limit, const char *seed,
                           const char *threads, const char *samples) {
    uint64_t n = 0, least = 30;
    a->seconds = 1;
    a->seed = 1;
    a->timed = seconds != NULL;
    a->seeded = seed != NULL;
    a->sampled = samples != NULL;
    if (seconds) TARE_TRY(real("--time", seconds, 0.001, 3600, &a->seconds));
    if (limit) TARE_TRY(real("--limit", limit, 0.001, 1e6, &a->limit));
    if (seed) TARE_TRY(whole("--seed", seed, 0, INT64_MAX, &a->seed));
    if (threads) TARE_TRY(whole("--threads", threads, 1, TARE_THREADS_MAX, &n));
    if (samples) TARE_TRY(whole("--samples", samples, 6, 1000000, &least));
    a->samples = (int)least;
    a->threads = (int)n;
    return TARE_OK;
}

enum {
    DEVICE = 'd',
    SCHEME = 256,
    KERNEL,
    CACHE,
    WEIGHTS,
    TIMING,
    OUT,
    TIME,
    LIMIT,
    SEED,
    THREADS,
    SAMPLES,
    GATE,
    PLANT
};

static const struct option list[] = {{"device", required_argument, NULL, DEVICE},
                                     {"scheme", required_argument, NULL, SCHEME},
                                     {"kernel", required_argument, NULL, KERNEL},
                                     {"cache", required_argument, NULL, CACHE},
                                     {"weights", required_argument, NULL, WEIGHTS},
                                     {"timing", required_argument, NULL, TIMING},
                                     {"output", required_argument, NULL, 'o'},
                                     {"out", required_argument, NULL, OUT},
                                     {"time", required_argument, NULL, TIME},
                                     {"limit", required_argument, NULL, LIMIT},
                                     {"seed", required_argument, NULL, SEED},
                                     {"threads", required_argument, NULL, THREADS},
                                     {"samples", required_argument, NULL, SAMPLES},
                                     {"gate", no_argument, NULL, GATE},
                                     {"plant", required_argument, NULL, PLANT},
                                     {"help", no_argument, NULL, 'h'},
                                     {NULL, 0, NULL, 0}};

tare_status bench_args_parse(int argc, char **argv, bench_args *out) {
    const char *seconds = NULL, *limit = NULL, *seed = NULL, *threads = NULL, *samples = NULL;
    const struct {
        int option;
        const char **text;
    } texts[] = {{DEVICE, &out->device},
                 {SCHEME, &out->schemes},
                 {KERNEL, &out->kernel},
                 {CACHE, &out->cache},
                 {WEIGHTS, &out->weights},
                 {TIMING, &out->timing},
                 {'o', &out->view},
                 {PLANT, &out->plant},
                 {OUT, &out->out},
                 {TIME, &seconds},
                 {LIMIT, &limit},
                 {SEED, &seed},
                 {THREADS, &threads},
                 {SAMPLES, &samples},
                 {'m', &out->m},
                 {'n', &out->n},
                 {'k', &out->k}};
    memset(out, 0, sizeof *out);
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":d:m:n:k:o:h", list, NULL)) != -1;) {
        if (c == ':' || c == '?') {
            char text[200];
            cli_option_error(argc, argv, c, list, text, sizeof text);
            TARE_FAIL(TARE_E_ARG, "%s; see --help", text);
        }
        if (c == GATE) out->gate = 1;
        if (c == 'h') out->help = 1;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (texts[i].option == c) *texts[i].text = optarg;
    }
    if (out->out && strcmp(out->out, "-") == 0) out->out = NULL;
    if (optind < argc) out->suite = argv[optind];
    if (optind + 1 < argc)
        TARE_FAIL(TARE_E_ARG, "two suites, '%.40s' and '%.40s'", argv[optind], argv[optind + 1]);
    return numbers(out, seconds, limit, seed, threads, samples);
}

static tare_status from_sizes(const bench_args *a, bench_suite *out) {
    int64_t n[BENCH_SWEEP_MAX], k[BENCH_SWEEP_MAX];
    int nn, kk;
    TARE_TRY(bench_sweep_parse("-n", a->n, n, &nn));
    TARE_TRY(bench_sweep_parse("-k", a->k, k, &kk));
    if (nn * kk > BENCH_SHAPES_MAX)
        TARE_FAIL(TARE_E_ARG, "-n and -k: more than %d shapes", BENCH_SHAPES_MAX);
    out->shapes = calloc((size_t)(nn * kk), sizeof *out->shapes);
    if (!out->shapes) TARE_FAIL(TARE_E_NOMEM, "out of memory");
    for (int i = 0; i < nn; i++)
        for (int j = 0; j < kk; j++) {
            bench_shape *s = &out->shapes[out->count++];
            *s = (bench_shape){.n = n[i], .k = k[j], .count = 1};
            snprintf(s->name, sizeof s->name, "%lldx%lld", (long long)n[i], (long long)k[j]);
        }
    return TARE_OK;
}

tare_status bench_shapes_make(const bench_args *a, bench_shapes *out) {
    memset(out, 0, sizeof *out);
    TARE_TRY(bench_sweep_parse("-m", a->m ? a->m : "1", out->m, &out->m_count));
    if (!a->n != !a->k) TARE_FAIL(TARE_E_ARG, "-n and -k go together: W is n x k");
    if (a->suite && a->n) TARE_FAIL(TARE_E_ARG, "either a suite or -n and -k, not both");
    if (a->n) return from_sizes(a, &out->suite);
    if (a->suite) return bench_suite_load(a->suite, &out->suite);
    bench_args usual = *a; /* a layer of a language model, past every cache but the largest */
    usual.n = usual.k = "4096";
    return from_sizes(&usual, &out->suite);
}

void bench_shapes_clear(bench_shapes *s) {
    bench_suite_clear(&s->suite);
}

tare_status bench_read_timing(const char *text, bench_setup *s) {
    int asked = bench_timing_find(text ? text : "auto");
    if (asked < 0)
        TARE_FAIL(TARE_E_ARG, "--timing: '%.40s' is none of auto, host, events, graph", text);
    return s->device ? bench_timing_choose(s->device, (enum bench_timing)asked, &s->timing)
                     : TARE_OK;
}
