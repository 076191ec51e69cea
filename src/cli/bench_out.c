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
    *p = (bench_progress){.groups = groups, .start = bench_now_ns(), .terminal = isatty(2)};
}

void bench_group_name(char *out, size_t size, const char *device, const char *suite,
                      const bench_shape *shape, int64_t m) {
    char sizes[64];
    snprintf(sizes, sizeof sizes, "%lldx%lld", (long long)shape->n, (long long)shape->k);
    int named = strcmp(sizes, shape->name) != 0;
    snprintf(out, size, "%s%s%s%s%s %s m %lld", device, suite ? " " : "", suite ? suite : "",
             named ? " " : "", named ? shape->name : "", sizes, (long long)m);
}

/* Groups are taken to last alike. */
void bench_progress_begin(const bench_progress *p, const char *what) {
    char left[48] = "";
    if (p->terminal || p->groups < 2) return;
    if (p->group > 0)
        snprintf(left, sizeof left, ", about %.0f s left",
                 (bench_now_ns() - p->start) * 1e-9 / p->group * (p->groups - p->group));
    fprintf(stderr, "%s: %d of %d%s\n", what, p->group + 1, p->groups, left);
}

void bench_progress_show(void *progress, const char *what, double done) {
    bench_progress *p = progress;
    double now = bench_now_ns(), share = (p->group + done) / p->groups;
    if (!p->terminal || (now - p->shown < 1e8 && done > 0)) return;
    p->shown = now;
    double left = share > 0.02 ? (now - p->start) * 1e-9 * (1 - share) / share : -1;
    fprintf(stderr, "\r\033[K%3.0f%% %s", 100 * share, what);
    if (left >= 0) fprintf(stderr, "  (about %.0f s left)", left);
    fflush(stderr);
}

void bench_progress_end(const bench_progress *p) {
    if (p->terminal) fputs("\r\033[K", stderr);
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

tare_status bench_print(const char *text, size_t size) {
    if (fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0) return TARE_OK;
    TARE_FAIL(TARE_E_IO, "standard output: the report could not be written: %s", strerror(errno));
}

tare_status bench_write_text(const char *path, const char *text, size_t size) {
    char why[400];
    if (!path) return bench_print(text, size);
    tare_status s = file_save(path, text, size);
    if (s == TARE_OK) return s;
    /* It may have taken hours: what no file takes goes where it can still be kept. */
    snprintf(why, sizeof why, "%s", tare_last_error());
    if (bench_print(text, size) != TARE_OK) return tare_fail(s, "%s", why);
    return tare_fail(s, "%s; the report went to standard output instead", why);
}

tare_status bench_write(const char *path, enum bench_view view, const json_t *records,
                        bench_reporter *report) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) TARE_FAIL(TARE_E_NOMEM, "report: out of memory");
    int bad = report(f, view, records) != 0;
    bad |= fclose(f) != 0;
    tare_status s =
        bad ? tare_fail(TARE_E_NOMEM, "report: out of memory") : bench_write_text(path, text, size);
    free(text);
    return s;
}

int bench_exit_of(tare_status s) {
    if (s == TARE_OK) return CLI_OK;
    int absent = s == TARE_E_NODEVICE || s == TARE_E_UNSUPPORTED || s == TARE_E_DEVICE;
    return absent ? CLI_ABSENT : CLI_USAGE;
}
