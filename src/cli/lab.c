/* tare lab: the two experiments of the course page on model compression. Without options they print
 * what the page expects, to the byte; its exercises are options. */
#include "src/cli/cli.h"
#include "src/parse.h"

#include <float.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: tare lab quant-error [--values LIST] [--scale LIST]\n"
    "       tare lab model-size  [--layers LIST]\n"
    "\n"
    "quant-error  rounds each value to a multiple of 1/scale (ties to even) and prints what is "
    "left\n"
    "             of it and the mean absolute error. The larger the scale, the finer the steps.\n"
    "  --values LIST  default 0.12,-1.87,3.44,-0.03\n"
    "  --scale LIST   default 16,4: the first two are called q8_like and q4_like, as on the page\n"
    "model-size   counts the parameters of linear layers and what they take in four precisions.\n"
    "             Parameters only: no scales, metadata or runtime (tare demo weighs those too).\n"
    "  --layers LIST  widths, input first; default 128,64,10\n"
    "\n"
    "The page's exercises:\n"
    "  tare lab quant-error --scale 32,4          does the error fall?\n"
    "  tare lab model-size --layers 128,64,32,10  a third layer\n";

enum { LIST_MAX = 4096 };

/* Comma-separated numbers; the count, or -1 with a message. */
static int numbers(const char *flag, const char *text, double *out) {
    int n = 0;
    for (const char *at = text;; at++) {
        char one[64];
        double v;
        size_t length = strcspn(at, ",");
        const char *end = at + length;
        snprintf(one, sizeof one, "%.*s", (int)(length < sizeof one ? length : 0), at);
        if (!tare_parse_real(one, -DBL_MAX, DBL_MAX, &v)) {
            cli_bad("lab", "%s: '%.40s' is not a list of numbers like 1,2.5,-3", flag, text);
            return -1;
        }
        if (n == LIST_MAX) {
            cli_bad("lab", "%s: more than %d numbers", flag, LIST_MAX);
            return -1;
        }
        out[n++] = v;
        if (!*end) return n;
        at = end;
    }
}

/* round() of Python gives an integer, so there is no -0. */
static double fake_quantize(double v, double scale) {
    return (rint(v * scale) + 0.0) / scale;
}

static void print_list(const char *name, const double *v, int n) {
    char text[64];
    printf("%s: [", name);
    for (int i = 0; i < n; i++) {
        cli_python_float(v[i], text, sizeof text);
        printf("%s%s", i ? ", " : "", text);
    }
    puts("]");
}

static void label(int i, double scale, char *out, size_t size) {
    if (i < 2)
        snprintf(out, size, i ? "q4" : "q8");
    else
        snprintf(out, size, "scale%g", scale);
}

static int quant_error(const char *values, const char *scales) {
    static double v[LIST_MAX], s[LIST_MAX], q[LIST_MAX];
    char name[48], text[64];
    int n = numbers("--values", values, v), m = n < 0 ? -1 : numbers("--scale", scales, s);
    if (n < 0 || m < 0) return CLI_USAGE;
    for (int j = 0; j < m; j++) {
        if (!(s[j] > 0)) return cli_bad("lab", "--scale: %g: a scale is above 0", s[j]);
        for (int i = 0; i < n; i++)
            if (!isfinite(v[i] * s[j]))
                return cli_bad("lab", "--values: %g times %g overflows", v[i], s[j]);
    }
    puts("quant_error_lab");
    print_list("original", v, n);
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < n; i++) q[i] = fake_quantize(v[i], s[j]);
        label(j, s[j], name, sizeof name);
        strcat(name, "_like");
        print_list(name, q, n);
    }
    for (int j = 0; j < m; j++) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += fabs(v[i] - fake_quantize(v[i], s[j]));
        label(j, s[j], name, sizeof name);
        cli_python_float(cli_python_round(sum / n, 4), text, sizeof text);
        printf("%s_mae: %s\n", name, text);
    }
    return CLI_OK;
}

static int model_size(const char *layers) {
    static const struct {
        const char *name;
        int bits;
    } precisions[] = {{"fp32", 32}, {"fp16", 16}, {"int8", 8}, {"int4", 4}};
    static double widths[LIST_MAX];
    int n = numbers("--layers", layers, widths);
    if (n < 0) return CLI_USAGE;
    if (n < 2) return cli_bad("lab", "--layers: an input and at least one layer, like 128,64,10");
    double params = 0;
    for (int i = 0; i < n; i++)
        if (widths[i] < 1 || widths[i] > 1e9 || widths[i] != floor(widths[i]))
            return cli_bad("lab", "--layers: %g is no width from 1 to 1e9", widths[i]);
    for (int i = 1; i < n; i++) params += widths[i - 1] * widths[i] + widths[i];
    /* Exact as long as the bits are: beyond that the count itself would be rounded. */
    if (params * 32 > 0x1p53)
        return cli_bad("lab", "--layers: more parameters than can be counted");
    printf("model_size_lab\nparams: %.0f\n", params);
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
        printf("%4s: %.4f MB\n", precisions[i].name, params * precisions[i].bits / 8 / 1024 / 1024);
    return CLI_OK;
}

enum { VALUES = 256, SCALE, LAYERS };

int cli_lab(int argc, char **argv) {
    static const struct option list[] = {{"values", required_argument, NULL, VALUES},
                                         {"scale", required_argument, NULL, SCALE},
                                         {"layers", required_argument, NULL, LAYERS},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    const char *values = NULL, *scale = NULL, *layers = NULL;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", list, NULL)) != -1;) {
        if (c == 'h') return cli_help(help);
        if (c == ':' || c == '?') return cli_bad_option("lab", argc, argv, c, list);
        *(c == VALUES ? &values : c == SCALE ? &scale : &layers) = optarg;
    }
    const char *name = optind == argc - 1 ? argv[optind] : "";
    if (strcmp(name, "quant-error") == 0 && !layers)
        return quant_error(values ? values : "0.12,-1.87,3.44,-0.03", scale ? scale : "16,4");
    if (strcmp(name, "model-size") == 0 && !values && !scale)
        return model_size(layers ? layers : "128,64,10");
    return cli_bad(
        "lab", "one of quant-error [--values --scale], model-size [--layers]; see tare lab --help");
}
