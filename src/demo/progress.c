/* Progress with an estimate: time so far scaled by the share that is done. */
#include "src/demo/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/clock.h"

static void draw(demo_progress *p, double share, int newline) {
    double now = bench_now_ns(), spent = (now - p->start) * 1e-9, all = p->done + p->step * share;
    p->last = now;
    fprintf(stderr, "%s[%3.0f %%] %s", p->terminal ? "\r\033[K" : "", 100 * all, p->text);
    if (all > 0.02) fprintf(stderr, "  (%.0f s, about %.0f s to go)", spent, spent * (1 / all - 1));
    if (newline) fputc('\n', stderr);
    fflush(stderr);
}

void progress_start(demo_progress *p) {
    memset(p, 0, sizeof *p);
    p->start = p->last = bench_now_ns();
    p->terminal = isatty(STDERR_FILENO);
}

void progress_step(demo_progress *p, double share, const char *format, ...) {
    if (!p) return;
    va_list args;
    va_start(args, format);
    vsnprintf(p->text, sizeof p->text, format, args);
    va_end(args);
    p->done += p->step;
    p->step = share;
    draw(p, 0, !p->terminal);
}

void progress_at(demo_progress *p, double share) {
    if (p && p->terminal && bench_now_ns() - p->last > 2e8) draw(p, share, 0);
}

void progress_end(demo_progress *p) {
    if (p && p->terminal) fprintf(stderr, "\r\033[K");
}
