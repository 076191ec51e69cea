/* A device that is lost in the middle: a kernel can break its context, after which every call of
 * the process on it fails. What was measured before stays, and the row that ran is named. */
#include "bench/group.h"
#include "src/internal.h"

#include <stdio.h>

/* Whether the least that a device does fails on it. */
static int is_lost(tare_device *d) {
    tare_stream *s = NULL;
    tare_buffer *b = NULL;
    char byte = 0;
    tare_status st = tare_stream_create(d, &s);
    if (st == TARE_OK) st = tare_buffer_create(d, 1, &b);
    if (st == TARE_OK) st = tare_buffer_write(s, b, 0, &byte, 1);
    if (st == TARE_OK) st = tare_stream_sync(s);
    tare_buffer_destroy(b);
    tare_stream_destroy(s);
    return st == TARE_E_DEVICE;
}

tare_status bench_lost(bench_group_state *g, tare_status s, const bench_cell *running) {
    bench_setup *p = g->setup;
    char why[200], row[140] = "";
    if (s != TARE_E_DEVICE || p->lost) return s;
    snprintf(why, sizeof why, "%s", tare_last_error());
    if (!is_lost(p->device)) return tare_fail(s, "%s", why);
    p->lost = 1;
    if (running) {
        snprintf(p->lost_row, sizeof p->lost_row, "%s", running->kernel);
        snprintf(row, sizeof row, " while %s ran (%s)", running->kernel, running->scheme.name);
    }
    snprintf(p->lost_why, sizeof p->lost_why, "%.31s was lost%s at %lldx%lld m %lld: %s",
             p->info.id, row, (long long)g->shape->n, (long long)g->shape->k, (long long)g->m, why);
    return tare_fail(s, "%s", p->lost_why);
}

tare_status bench_lost_row(bench_group_state *g, tare_status s, const bench_cell *running) {
    int before = g->setup->lost;
    s = bench_lost(g, s, running);
    if (g->setup->lost && !before)
        (void)bench_refuse(g, running, BENCH_UNSUPPORTED, running->kernel, g->setup->lost_why);
    return s;
}
