/* tare tune: measures the parameters of a device's kernels and keeps the best for later. */
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/internal.h"
#include "src/parse.h"

#include <float.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: tare tune -d DEVICES [--time S]\n"
    "\n"
    "Measures tiles, work-group sizes and vector widths of a device's kernels and stores the best "
    "in\n"
    "the user's cache directory; later runs on this device and driver take them. Devices whose\n"
    "kernels have nothing to choose say so (exit 3).\n"
    "\n"
    "  -d DEVICES  one or a list, as in tare bench\n"
    "  --time S    seconds a device, about (default 60)\n"
    "\n"
    "  tare tune -d opencl:0\n";

enum { TIME = 256 };

/* One line that is rewritten on a terminal, one a step elsewhere. */
typedef struct teller {
    int live;
    char last[96];
} teller;

static void tell(void *ctx, const char *what, double done) {
    teller *t = ctx;
    if (!t->live && strcmp(t->last, what) == 0) return;
    snprintf(t->last, sizeof t->last, "%s", what);
    fprintf(stderr, t->live ? "\r\033[K%3.0f%% %s" : "%3.0f%% %s\n", 100 * done, what);
}

static tare_status tune(tare_device *d, double seconds) {
    teller t = {.live = isatty(2)};
    tare_status s = tare_device_tune(d, seconds, tell, &t);
    if (t.live && t.last[0]) fputs("\r\033[K", stderr);
    if (s == TARE_OK) printf("%s: tuned; later runs take the best that was found\n", d->info.id);
    return s;
}

int cli_tune(int argc, char **argv) {
    static const struct option list[] = {{"device", required_argument, NULL, 'd'},
                                         {"time", required_argument, NULL, TIME},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    const char *asked = NULL;
    double seconds = 60;
    bench_devices devices;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":d:h", list, NULL)) != -1;) {
        if (c == 'h') return cli_help(help);
        if (c == ':' || c == '?') return cli_bad_option("tune", argc, argv, c, list);
        if (c == 'd') asked = optarg;
        if (c != TIME) continue;
        if (!tare_parse_real(optarg, DBL_MIN, 36000, &seconds))
            return cli_bad("tune", "--time: '%.40s' is no number above 0 and up to 36000", optarg);
    }
    if (optind < argc) return cli_bad("tune", "'%.40s' is not expected here", argv[optind]);
    if (!asked) return cli_bad("tune", "which device? Give -d; tare devices lists them");
    tare_status s = bench_devices_parse(asked, &devices);
    for (int i = 0; i < devices.count && s == TARE_OK; i++) s = tune(devices.device[i], seconds);
    if (s != TARE_OK) cli_bad("tune", "%s", tare_last_error());
    return bench_exit_of(s);
}
