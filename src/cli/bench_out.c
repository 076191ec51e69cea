/* Progress and output of the measuring verbs. */
#include "bench/clock.h"
#include "src/cli/bench.h"
#include "src/cli/cli.h"
#include "src/data/file.h"
#include "src/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void bench_progress_init(bench_progress *p, int groups) {
    *p = (bench_progress){.groups = groups, .start = bench_now_ns(), .on = isatty(2)};
}

void bench_progress_show(void *progress, const char *what, double done) {
    bench_progress *p = progress;
    double now = bench_now_ns(), share = (p->group + done) / p->groups;
    if (!p->on || (now - p->shown < 1e8 && done > 0)) return;
    p->shown = now;
    double left = share > 0.02 ? (now - p->start) * 1e-9 * (1 - share) / share : -1;
    fprintf(stderr, "\r\033[K%3.0f%% %s", 100 * share, what);
    if (left >= 0) fprintf(stderr, "  (about %.0f s left)", left);
    fflush(stderr);
}

void bench_progress_end(bench_progress *p) {
    if (p->on) fputs("\r\033[K", stderr);
    p->on = 0;
}

tare_status bench_writable(const char *path) {
    char folder[4096];
    struct stat there;
    if (stat(path, &there) == 0 && S_ISDIR(there.st_mode))
        TARE_FAIL(TARE_E_IO, "--out %s: this is a folder; name a file", path);
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    else
        snprintf(folder, sizeof folder, ".");
    if (!*path || access(folder, W_OK | X_OK) != 0)
        TARE_FAIL(TARE_E_IO, "--out %s: cannot write there: %s", path,
                  strerror(*path ? errno : ENOENT));
    return TARE_OK;
}

tare_status bench_write(const char *path, enum bench_view view, const json_t *records,
                        int (*report)(FILE *out, enum bench_view view, const json_t *records)) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = path ? open_memstream(&text, &size) : stdout;
    if (!f) TARE_FAIL(TARE_E_NOMEM, "report: out of memory");
    int bad = report(f, view, records) != 0;
    if (path)
        bad |= fclose(f) != 0;
    else
        bad |= fflush(f) != 0;
    tare_status s = TARE_OK;
    if (bad)
        s = tare_fail(TARE_E_IO, "%s: the report could not be written: %s",
                      path ? path : "standard output", strerror(errno));
    else if (path)
        s = file_save(path, text, size);
    /* It may have taken hours: what no file takes goes where it can still be kept. */
    if (path && !bad && s != TARE_OK && fwrite(text, 1, size, stdout) == size && !fflush(stdout)) {
        char why[400];
        snprintf(why, sizeof why, "%s", tare_last_error());
        s = tare_fail(s, "%s; the report went to standard output instead", why);
    }
    free(text);
    return s;
}

tare_status bench_save(const char *path, enum bench_view view, const json_t *records,
                       int (*report)(FILE *out, enum bench_view view, const json_t *records)) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) TARE_FAIL(TARE_E_NOMEM, "report: out of memory");
    int bad = report(f, view, records) != 0;
    bad |= fclose(f) != 0;
    tare_status s =
        bad ? tare_fail(TARE_E_NOMEM, "report: out of memory") : file_save(path, text, size);
    free(text);
    return s;
}

int bench_exit_of(tare_status s) {
    if (s == TARE_OK) return CLI_OK;
    int absent = s == TARE_E_NODEVICE || s == TARE_E_UNSUPPORTED || s == TARE_E_DEVICE;
    return absent ? CLI_ABSENT : CLI_USAGE;
}
