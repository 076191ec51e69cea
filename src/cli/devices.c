/* tare devices: what is here and which kernel takes what. */
#include "bench/ceilings.h"
#include "bench/scheme.h"
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/internal.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: tare devices [-d DEVICES] [-o table|md] [--quick]\n"
    "\n"
    "Devices with their features, measured ceilings and the libraries behind them, backends that "
    "did\n"
    "not load and why, and for every format the kernels that take it, the planner's choice first.\n"
    "\n"
    "  -d LIST  some of them: cpu,opencl:0; parts of names (default all)\n"
    "  -o md    just formats by devices as a Markdown table: the planner's choice in each cell\n"
    "  --quick  estimates instead of measured ceilings\n";

static const char *const schemes[] = {"f32",
                                      "tf32",
                                      "bf16",
                                      "f16",
                                      "w8a8",
                                      "w8a16",
                                      "w8a32",
                                      "fp8",
                                      "w4a8",
                                      "w4a16",
                                      "w4a32",
                                      "w4a16-g64-z",
                                      "2:4",
                                      "2:4-f16",
                                      "2:4-i8",
                                      "2:4-fp8",
                                      "csr@0.9",
                                      "csr-f16@0.9",
                                      "bsr1x4@0.9",
                                      "bsr4x4@0.9",
                                      "bsr16x16@0.9",
                                      "bsr32x32@0.9",
                                      "bsr64x64-f16@0.9",
                                      "bitmap@0.5",
                                      "bitmap-f16@0.5",
                                      "bitmap-i8@0.5",
                                      NULL};

typedef struct taker {
    char chosen[64], rest[600], why[400];
} taker;

/* Vendor kernels in italics would cost a width: a star marks them. */
static int each(void *ctx, const tare_row_report *r) {
    taker *t = ctx;
    char name[80];
    if (!r->fits) return 0;
    snprintf(name, sizeof name, "%s%s", r->kernel, r->vendor ? "*" : "");
    if (r->chosen)
        snprintf(t->chosen, sizeof t->chosen, "%s", name);
    else if (strlen(t->rest) + strlen(name) + 3 < sizeof t->rest) {
        strcat(t->rest, t->rest[0] ? ", " : "");
        strcat(t->rest, name);
    }
    return 0;
}

/* A problem of a representative shape; no weights are needed to plan. */
static tare_problem problem_of(const bench_scheme *s) {
    tare_tensor t = {.format = s->w, .n = 1024, .k = 1024};
    t.nnz = bench_scheme_nnz(s, t.n, t.k);
    return bench_scheme_problem(s, &t, 8);
}

static int take(tare_device *d, const bench_scheme *s, taker *t) {
    tare_problem p = problem_of(s);
    *t = (taker){"", "", ""};
    if (tare_explain(d, &p, NULL, each, t) != TARE_OK)
        return cli_bad("devices", "%s", tare_last_error());
    if (!t->chosen[0]) tare_plan_reasons(d, &p, NULL, t->why, sizeof t->why);
    return CLI_OK;
}

static void line(const bench_scheme *s, const tare_device *d, const taker *t) {
    char weights[64];
    tare_format_name(&s->w, weights, sizeof weights);
    printf("%-14s %-14s %-10s ", s->name, weights, d->info.id);
    if (t->chosen[0])
        printf("%s%s%s\n", t->chosen, t->rest[0] ? "; " : "", t->rest);
    else
        printf("none: %s\n", t->why);
}

static int one_scheme(const bench_devices *list, const bench_scheme *s, int md) {
    char weights[64];
    tare_format_name(&s->w, weights, sizeof weights);
    if (md) printf("| `%s` | `%s` |", s->name, weights);
    for (int i = 0; i < list->count; i++) {
        taker t;
        int code = take(list->device[i], s, &t);
        if (code != CLI_OK) return code;
        if (md)
            printf(" %s |", t.chosen[0] ? t.chosen : "-");
        else
            line(s, list->device[i], &t);
    }
    if (md) puts("");
    return CLI_OK;
}

static void heading(const bench_devices *list, int md) {
    if (!md) {
        printf("%-14s %-14s %-10s %s\n", "scheme", "weights", "device",
               "kernels: the planner's choice at m = 8, then the others");
        return;
    }
    printf("| scheme | weights |");
    for (int i = 0; i < list->count; i++) printf(" %s |", list->device[i]->info.id);
    printf("\n|---|---|");
    for (int i = 0; i < list->count; i++) printf("---|");
    puts("");
}

static int print_formats(const bench_devices *list, int md) {
    heading(list, md);
    for (int i = 0; schemes[i]; i++) {
        bench_scheme s;
        if (bench_scheme_parse(schemes[i], &s) != TARE_OK)
            return cli_bad("devices", "%s", tare_last_error());
        int code = one_scheme(list, &s, md);
        if (code != CLI_OK) return code;
    }
    puts("\n* a vendor library's kernel");
    return CLI_OK;
}

static void rate(const tare_rates *r, tare_probe_kind kind, const char *name, double v,
                 const char *unit) {
    int guess = r->measured && !bench_ceiling_measured(r, kind);
    if (v > 0) printf("  %-10s %8.1f %s%s\n", name, v, unit, guess ? ", estimated" : "");
}

static void clock_line(const char *name, int32_t now, int32_t most) {
    if (now >= 0) printf("    %-8s %8d of %d MHz\n", name, (int)now, (int)most);
}

/* Read just after the ceilings were measured: an idle device runs slower. */
static void print_clocks(tare_device *d) {
    tare_clocks c;
    if (!d->backend->ops->clocks) return;
    if (tare_device_clocks(d, &c) != TARE_OK) {
        printf("  clocks     %s\n", tare_last_error());
        return;
    }
    puts("  clocks, as they are now (read, never set):");
    clock_line("core", c.core_mhz, c.core_max_mhz);
    clock_line("memory", c.memory_mhz, c.memory_max_mhz);
    if (c.celsius >= 0) printf("    %-8s %8d C\n", "heat", (int)c.celsius);
    if (c.watts >= 0) printf("    %-8s %8.0f of %.0f W\n", "power", c.watts, c.watts_limit);
    printf("    held by  %s\n", c.limits[0] ? c.limits : "nothing");
}

static int print_device(tare_device *d) {
    tare_device_info info;
    tare_rates r;
    if (tare_device_describe(d, &info) != TARE_OK)
        return cli_bad("devices", "%s", tare_last_error());
    tare_device_rates(d, &r);
    printf("%s: %s\n", info.id, info.name);
    printf("  features   %s\n", info.features);
    if (info.threads > 0) printf("  threads    %d\n", info.threads);
    printf("  memory     %.1f GB, ", (double)info.memory / 1e9);
    if (info.cache > 0)
        printf("last cache %.1f MB\n", (double)info.cache / 1e6);
    else
        puts("last cache not told");
    printf("  runtime    %s\n", info.runtime);
    printf("  ceilings, %s:\n", r.measured ? "measured just now" : "estimated");
    rate(&r, TARE_PROBE_READ, "  read", r.read_gbs, "GB/s from memory");
    rate(&r, TARE_PROBE_CACHE, "  cache", r.cache_gbs, "GB/s from the last cache");
    rate(&r, TARE_PROBE_F32, "  f32", r.f32_gflops, "GFLOP/s");
    rate(&r, TARE_PROBE_BF16, "  bf16", r.bf16_gflops, "GFLOP/s");
    rate(&r, TARE_PROBE_I8, "  int8", r.i8_gops, "GOP/s");
    rate(&r, TARE_PROBE_LAUNCH, "  launch", r.launch_ns / 1000, "us");
    rate(&r, TARE_PROBE_H2D, "  h2d", r.h2d_gbs, "GB/s to the device");
    rate(&r, TARE_PROBE_D2H, "  d2h", r.d2h_gbs, "GB/s back");
    print_clocks(d);
    puts("");
    return CLI_OK;
}

int cli_devices(int argc, char **argv) {
    static const struct option list[] = {{"device", required_argument, NULL, 'd'},
                                         {"output", required_argument, NULL, 'o'},
                                         {"quick", no_argument, NULL, 'q'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    bench_devices devices;
    const char *asked = "all";
    int md = 0, quick = 0;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":d:o:h", list, NULL)) != -1;) {
        if (c == 'h') return cli_help(help);
        if (c == ':' || c == '?') return cli_bad_option("devices", argc, argv, c, list);
        if (c == 'q') quick = 1;
        if (c == 'd') asked = optarg;
        if (c != 'o') continue;
        md = strcmp(optarg, "md") == 0;
        if (!md && strcmp(optarg, "table") != 0)
            return cli_bad("devices", "-o: '%.40s' is none of table, md", optarg);
    }
    if (optind < argc) return cli_bad("devices", "'%.40s' is not expected here", argv[optind]);
    tare_status found = bench_devices_parse(asked, &devices);
    if (found != TARE_OK) {
        cli_bad("devices", "%s", tare_last_error());
        return bench_exit_of(found);
    }
    /* The planner goes by the ceilings too, so they come first. */
    for (int i = 0; i < devices.count; i++) {
        tare_rates r;
        if (!quick && bench_ceilings(devices.device[i], 0.15, &r) != TARE_OK)
            return cli_bad("devices", "%s", tare_last_error());
        int code = md ? CLI_OK : print_device(devices.device[i]);
        if (code != CLI_OK) return code;
    }
    for (int i = 0; !md && tare_backend_refusal(i); i++)
        printf("not used: %s\n\n", tare_backend_refusal(i));
    return print_formats(&devices, md);
}
