/* A device that is lost in the middle: a kernel can break its context, after which every call of
 * the process on it fails. What was measured before stays, and the row that ran is named. */
#include "bench/devices.h"
#include "bench/group.h"
#include "src/internal.h"

#include <stdio.h>

tare_status bench_lost(bench_group_state *g, tare_status s, const bench_cell *running) {
    bench_setup *p = g->setup;
    char why[200], row[140] = "";
    if (s != TARE_E_DEVICE || p->lost) return s;
    if (!bench_device_lost(p->device)) return s;
    snprintf(why, sizeof why, "%s", tare_last_error());
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
