/* plan: the cheapest row of a device. The features a row needs are tested before any of its
 * pointers is called, because its file is compiled for them. */
#include "fpenv.h"
#include "internal.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double transfer_ns(const tare_device *d, const tare_problem *p) {
    if (d->backend->host_memory || !(d->rates.h2d_gbs > 0) || !(d->rates.d2h_gbs > 0)) return 0;
    double in = (double)p->m * (double)p->k * (double)tare_type_bytes(p->x);
    double out = (double)p->m * (double)p->n * (double)tare_type_bytes(p->y);
    return in / d->rates.h2d_gbs + out / d->rates.d2h_gbs;
}

static int refuse(char why[160], const char *text) {
    snprintf(why, 160, "%s", text);
    tare_text_clean(why);
    return 0;
}

/* "needs avx512 vnni, absent or masked"; or what the backend says of a library, "no oneDNN: ...".
 */
int tare_plan_features(const tare_device *d, const tare_kernel *row, char why[160]) {
    uint64_t absent = row->needs & ~d->features;
    size_t at = (size_t)snprintf(why, 160, "needs");
    for (int bit = 0; bit < 64 && at < 100; bit++) {
        if (!(absent >> bit & 1)) continue;
        const char *name = d->backend->feature_name ? d->backend->feature_name(bit) : NULL;
        if (name && strncmp(name, "no ", 3) == 0) return refuse(why, name);
        if (name)
            at += (size_t)snprintf(why + at, 160 - at, " %.20s", name);
        else
            at += (size_t)snprintf(why + at, 160 - at, " feature %d", bit);
    }
    snprintf(why + at, 160 - at, ", absent or masked");
    tare_text_clean(why);
    return absent == 0;
}

int tare_plan_row(tare_device *d, const tare_kernel *row, const tare_problem *p,
                  const tare_plan_options *o, tare_plan *out, char why[160]) {
    tare_fit fit;
    if (o && o->only && strcmp(o->only, row->name) != 0)
        return refuse(why, "another row is forced");
    if (o && o->own_only && row->vendor) return refuse(why, "vendor rows are left out");
    if (row->op != p->op) return refuse(why, "another op");
    if (row->vendor && d->backend->host_memory && parallel_lent() && tare_threads() > 1)
        return refuse(why, "its library has threads of its own, and a host lends its");
    if (row->needs & ~d->features) return tare_plan_features(d, row, why);
    memset(&fit, 0, sizeof fit);
    int threads = tare_threads(); /* scratch is sized for as many, whatever is set meanwhile */
    if (!row->fit(&d->rates, p, &fit)) {
        fit.why[sizeof fit.why - 1] = 0;
        return refuse(why, fit.why[0] ? fit.why : "refused without a reason");
    }
    if (!(fit.cost_ns >= 0) || !isfinite(fit.cost_ns) || !(fit.bytes >= 0) || !(fit.ops >= 0))
        return refuse(why, "its predicted cost is no number"); /* nothing compares with a NaN */
    if (tare_row_left_out(row->name)) return refuse(why, TARE_LEFT_OUT);
    if (tare_declined(d, p, row->name, why)) {
        tare_text_clean(why); /* it was cut to length */
        return 0;
    }
    double tuned = tare_tuned_cost(d, p, row->name);
    *out = (tare_plan){.problem = *p,
                       .device = d,
                       .row = row,
                       .kernel = row->name,
                       .vendor = row->vendor,
                       .cost_ns = tuned >= 0 ? tuned : fit.cost_ns,
                       .transfer_ns = transfer_ns(d, p),
                       .bytes = fit.bytes,
                       .ops = fit.ops,
                       .unit = fit.unit,
                       .measured = tuned >= 0,
                       .threads = threads < tare_threads() ? threads : tare_threads(),
                       .packed_bytes = fit.packed_bytes,
                       .scratch_bytes = fit.scratch_bytes};
    return 1;
}

/* Whether `a` should replace `b`, which stands before it in the table. A measured row beats every
 * modelled one: a model that flatters a row must not undo a tuning. Modelled costs closer than
 * models can tell are decided by the table's order, best first. The reference is for when nothing
 * else fits. */
static int better(const tare_plan *a, const tare_plan *b) {
    int ar = (a->row->flags & TARE_ROW_REFERENCE) != 0,
        br = (b->row->flags & TARE_ROW_REFERENCE) != 0;
    if (ar != br) return br;
    if (a->measured != b->measured) return a->measured;
    double margin = a->measured ? 1 : 0.97;
    return a->cost_ns + a->transfer_ns < margin * (b->cost_ns + b->transfer_ns);
}

tare_status tare_plan_make(tare_device *d, const tare_problem *p, const tare_plan_options *o,
                           tare_plan *out) {
    TARE_FP_DEFAULT;
    if (!d || !out) TARE_FAIL(TARE_E_ARG, "plan: null argument");
    memset(out, 0, sizeof *out);
    TARE_TRY(tare_problem_check(p));
    tare_plan best, one;
    char why[160];
    int found = 0;
    for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
        if (!tare_plan_row(d, *row, p, o, &one, why)) continue;
        if (!found || better(&one, &best)) best = one;
        found = 1;
    }
    if (!found) return tare_plan_refusal(d, p, o);
    *out = best;
    return TARE_OK;
}

tare_status tare_explain(tare_device *d, const tare_problem *p, const tare_plan_options *o,
                         int (*each)(void *ctx, const tare_row_report *r), void *ctx) {
    TARE_FP_DEFAULT;
    if (!d || !each) TARE_FAIL(TARE_E_ARG, "explain: null argument");
    TARE_TRY(tare_problem_check(p));
    tare_plan best;
    int found = tare_plan_make(d, p, o, &best) == TARE_OK;
    for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
        tare_row_report r = {.kernel = (*row)->name, .vendor = (*row)->vendor};
        r.fits = tare_plan_row(d, *row, p, o, &r.plan, r.reason);
        r.chosen = found && r.fits && *row == best.row;
        if (each(ctx, &r)) break;
    }
    return TARE_OK;
}
