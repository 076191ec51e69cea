/* The before/after table: one line a route, 140 columns at most, and the kernels below it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/demo/demo.h"
#include "src/internal.h"

void demo_kernels(const demo_result *r, int batch, char *out, size_t size) {
    const exec *e = &r->ready[batch];
    size_t at = 0;
    int same = 1;
    out[0] = 0;
    for (int l = 1; l < e->layers; l++) same &= e->plan[l].kernel == e->plan[0].kernel;
    for (int l = 0; l < (same && e->layers ? 1 : e->layers) && at < size; l++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", l ? ", " : "", e->plan[l].kernel);
}

/* "+size +b1 -top-1": what gets better and what gets worse. */
static void reasons(const demo_verdict *v, char *out, size_t size) {
    static const char *const name[] = {"size", "b1", "b256", "top-1"};
    const demo_word w[] = {v->size, v->latency[DEMO_B1], v->latency[DEMO_B256], v->metric};
    size_t at = 0;
    out[0] = 0;
    for (int better = 1; better >= 0; better--)
        for (int i = 0; i < 4 && at < size; i++)
            if (w[i] == (better ? WORD_HELPS : WORD_HURTS))
                at += (size_t)snprintf(out + at, size - at, " %c%s", better ? '+' : '-', name[i]);
}

/* The device's column is there where there are several. */
static void device_cell(FILE *f, const demo *d, const char *id) {
    if (d->devices > 1) fprintf(f, "%-10s ", id);
}

static void heading(FILE *f, const demo *d) {
    device_cell(f, d, "");
    fprintf(f, "%-10s %-10s %7s %5s  %24s  %5s  %24s  %5s  %7s  %5s %13s %7s  %s\n", "", "", "", "",
            "latency, batch 1, us", "", "latency, batch 256, us", "", "images", "top-1", "95 % of",
            "p vs", "");
    device_cell(f, d, "device");
    fprintf(f, "%-10s %-10s %7s %5s  %8s %7s %7s  %5s  %8s %7s %7s  %5s  %7s  %5s %13s %7s  %s\n",
            "route", "stored", "KiB", "share", "p50", "p90", "p99", "speed", "p50", "p90", "p99",
            "speed", "/s b256", "%", "top-1", "before", "verdict");
}

static void latency(FILE *f, const demo_result *r, int b) {
    const bench_result *t = &r->time[b];
    const char *form = b == DEMO_B1 ? "  %8.1f %7.1f %7.1f  %4.2fx" : "  %8.0f %7.0f %7.0f  %4.2fx";
    if (t->n < BENCH_TAIL_SAMPLES)
        fprintf(f, "  %8.1f %7s %7s  %4.2fx", t->median_ns / 1e3, "-", "-", r->speed[b][0]);
    else
        fprintf(f, form, t->median_ns / 1e3, t->p90_ns / 1e3, t->p99_ns / 1e3, r->speed[b][0]);
}

static void line(FILE *f, const demo *d, const demo_result *r) {
    char why[160], p[16];
    int base = r == demo_base(d, r);
    reasons(&r->verdict, why, sizeof why);
    if (base)
        snprintf(p, sizeof p, "-");
    else
        snprintf(p, sizeof p, r->p < 0.001 ? "%.0e" : "%.3f", r->p);
    device_cell(f, d, r->on->info.id);
    fprintf(f, "%-10s %-10s %7.0f %5.2f", r->route->name, r->stored, (double)r->size.total / 1024.0,
            (double)r->size.total / (double)demo_base(d, r)->size.total);
    if (r->refusal[0]) {
        fprintf(f, "  %s, nothing ran: %s\n", demo_word_text(r->verdict.overall), r->refusal);
        return;
    }
    latency(f, r, DEMO_B1);
    latency(f, r, DEMO_B256);
    double seconds = r->time[DEMO_B256].median_ns * 1e-9;
    fprintf(f, "  %7.0f  %5.2f %6.2f-%-6.2f %7s  %s%s\n", (double)demo_batch[DEMO_B256] / seconds,
            100 * r->top1[0], 100 * r->top1[1], 100 * r->top1[2], p,
            base ? "before" : demo_word_text(r->verdict.overall), base ? "" : why);
}

static void kernels(FILE *f, const demo *d) {
    char name[DEMO_BATCHES][DEMO_TEXT];
    fprintf(f, "\nkernels that ran, by layer: batch 1; batch 256\n");
    for (int i = 0; i < d->count; i++) {
        if (d->result[i].refusal[0]) continue;
        for (int b = 0; b < DEMO_BATCHES; b++)
            demo_kernels(&d->result[i], b, name[b], sizeof name[b]);
        int same = strcmp(name[0], name[1]) == 0;
        fputs("  ", f);
        device_cell(f, d, d->result[i].on->info.id);
        fprintf(f, "%-10s %s%s%s\n", d->result[i].route->name, name[0], same ? "" : "; ",
                same ? "" : name[1]);
    }
}

tare_status demo_table(const demo *d, char **out) {
    size_t size = 0;
    *out = NULL;
    FILE *f = open_memstream(out, &size);
    if (!f) TARE_FAIL(TARE_E_NOMEM, "demo: out of memory");
    heading(f, d);
    for (int i = 0; i < d->count; i++) line(f, d, &d->result[i]);
    fputs(
        "\nspeed: times as fast as the best dense float route of the same device and run; size is "
        "judged against\nthe smallest of them\n",
        f);
    for (int i = 0; i < d->devices; i++) {
        const demo_device *on = &d->on[i];
        fprintf(f, "  %s: %s; batch 1: %s, batch 256: %s, size: %s\n", on->info.id, on->info.name,
                d->result[on->best[DEMO_B1]].route->name,
                d->result[on->best[DEMO_B256]].route->name, d->result[on->best_size].route->name);
    }
    fprintf(f,
            "top-1 of %lld test images with Wilson's interval; p: McNemar's exact test against "
            "f32.\n",
            (long long)d->data.test.count);
    kernels(f, d);
    if (fclose(f) != 0) {
        free(*out);
        *out = NULL;
        TARE_FAIL(TARE_E_NOMEM, "demo: out of memory");
    }
    return TARE_OK;
}
