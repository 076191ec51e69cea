/* Options of the measuring verbs, and the shapes they ask for. */
#include "src/cli/bench.h"
#include "src/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tare_status real(const char *flag, const char *text, double least, double most,
                        double *out) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !(v >= least) || !(v <= most))
        TARE_FAIL(TARE_E_ARG, "%s: '%.40s' is no number from %g to %g", flag, text, least, most);
    *out = v;
    return TARE_OK;
}

static tare_status whole(const char *flag, const char *text, uint64_t most, uint64_t *out) {
    char *end;
    errno = 0;
    unsigned long long v = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (*text < '0' || *text > '9' || *end || errno || v > most)
        TARE_FAIL(TARE_E_ARG, "%s: '%.40s' is no whole number from 0 to %llu", flag, text,
                  (unsigned long long)most);
    *out = v;
    return TARE_OK;
}

typedef struct option {
    const char *flag, *other;
    const char **text; /* takes a value */
    int *on;           /* takes none */
} option;

static tare_status one(const option *list, int argc, char **argv, int *i, int *known) {
    *known = 0;
    for (const option *o = list; o->flag; o++) {
        size_t length = strlen(o->flag);
        int same = strcmp(argv[*i], o->flag) == 0 || (o->other && strcmp(argv[*i], o->other) == 0);
        int joined = o->text && length > 2 && strncmp(argv[*i], o->flag, length) == 0 &&
                     argv[*i][length] == '=';
        if (!same && !joined) continue;
        *known = 1;
        if (o->on) *o->on = 1;
        if (joined) *o->text = argv[*i] + length + 1;
        if (o->text && same) {
            if (*i + 1 >= argc) TARE_FAIL(TARE_E_ARG, "%s needs a value; see --help", o->flag);
            *o->text = argv[++*i];
        }
        return TARE_OK;
    }
    return TARE_OK;
}

static tare_status numbers(bench_args *a, const char *seconds, const char *seed,
                           const char *threads, const char *samples) {
    uint64_t n = 0, least = 30;
    a->seconds = 1;
    a->seed = 1;
    a->timed = seconds != NULL;
    if (seconds) TARE_TRY(real("--time", seconds, 0.001, 3600, &a->seconds));
    if (seed) TARE_TRY(whole("--seed", seed, INT64_MAX, &a->seed));
    if (threads) TARE_TRY(whole("--threads", threads, 1024, &n));
    if (samples) TARE_TRY(whole("--samples", samples, 1000000, &least));
    if (least < 6) TARE_FAIL(TARE_E_ARG, "--samples: an interval takes at least 6");
    a->samples = (int)least;
    a->threads = (int)n;
    return TARE_OK;
}

tare_status bench_args_parse(int argc, char **argv, bench_args *out) {
    const char *seconds = NULL, *seed = NULL, *threads = NULL, *samples = NULL;
    memset(out, 0, sizeof *out);
    const option list[] = {{"--device", "-d", &out->device, NULL},
                           {"--scheme", NULL, &out->schemes, NULL},
                           {"-m", NULL, &out->m, NULL},
                           {"-n", NULL, &out->n, NULL},
                           {"-k", NULL, &out->k, NULL},
                           {"--kernel", NULL, &out->kernel, NULL},
                           {"--cache", NULL, &out->cache, NULL},
                           {"-o", NULL, &out->view, NULL},
                           {"--out", NULL, &out->out, NULL},
                           {"--time", NULL, &seconds, NULL},
                           {"--seed", NULL, &seed, NULL},
                           {"--threads", NULL, &threads, NULL},
                           {"--samples", NULL, &samples, NULL},
                           {"--gate", NULL, NULL, &out->gate},
                           {"--help", "-h", NULL, &out->help},
                           {NULL, NULL, NULL, NULL}};
    for (int i = 1; i < argc; i++) {
        int known;
        TARE_TRY(one(list, argc, argv, &i, &known));
        if (known) continue;
        if (argv[i][0] == '-')
            TARE_FAIL(TARE_E_ARG, "unknown option '%.40s'; tare %s --help lists them", argv[i],
                      argv[0]);
        if (out->suite)
            TARE_FAIL(TARE_E_ARG, "two suites, '%.40s' and '%.40s'", out->suite, argv[i]);
        out->suite = argv[i];
    }
    return numbers(out, seconds, seed, threads, samples);
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
    char known[1024];
    bench_suite_list(known, sizeof known);
    TARE_FAIL(TARE_E_ARG, "what shapes? Give -n and -k, or a suite: %s",
              known[0] ? known : "none found");
}

void bench_shapes_clear(bench_shapes *s) {
    bench_suite_clear(&s->suite);
}
