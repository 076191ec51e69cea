/* Why no row of a device accepts a problem, in one line that helps: not what the last of the table
 * happened to say, but what the rows for such weights said; where there are none, each reason once.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

/* Whether the row takes these weights with other activations: what it said of this problem is then
 * about the activations, and nearer to the matter than a word of rows for other weights. */
static int takes_weights(tare_device *d, const tare_kernel *row, const tare_problem *p) {
    static const tare_type types[] = {TARE_F32, TARE_F16, TARE_BF16};
    tare_plan plan;
    char why[160];
    for (size_t i = 0; i < 2 * (sizeof types / sizeof *types); i++) {
        tare_problem other = *p;
        other.x = other.y = types[i / 2];
        other.flags = i % 2 ? tare_x_quantised(&p->w) : 0;
        if (tare_problem_check(&other) == TARE_OK &&
            tare_plan_row(d, row, &other, NULL, &plan, why))
            return 1;
    }
    return 0;
}

enum { REASONS = 4 };

typedef struct reasons {
    char text[REASONS][160];
    int count, more; /* distinct ones kept, and left out */
} reasons;

static void add_reason(reasons *r, const char *row, const char *why) {
    char text[160];
    snprintf(text, sizeof text, "%s%s%.120s", row ? row : "", row ? " " : "", why);
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->text[i], text) == 0) return;
    if (r->count == REASONS)
        r->more++;
    else
        memcpy(r->text[r->count++], text, sizeof text);
}

/* Rows that take the weights, by name; where there are none, what the rows ask for instead. */
static void collect(tare_device *d, const tare_problem *p, const tare_plan_options *o,
                    reasons *out) {
    for (int near = 1; near >= 0 && out->count == 0; near--)
        for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
            tare_plan plan;
            char why[160];
            if (tare_plan_row(d, *row, p, o, &plan, why)) continue;
            int left_out = strcmp(why, TARE_LEFT_OUT) == 0;
            if (near && !left_out && !takes_weights(d, *row, p)) continue;
            add_reason(out, near ? (*row)->name : NULL, why);
        }
}

void tare_plan_reasons(tare_device *d, const tare_problem *p, const tare_plan_options *o, char *out,
                       size_t size) {
    reasons r = {.count = 0};
    size_t at = 0, rest = sizeof "; and 99 more reasons";
    collect(d, p, o, &r);
    snprintf(out, size, "%s", r.count ? "" : "it has no rows");
    for (int i = 0; i < r.count; i++)
        if (at + strlen(r.text[i]) + 2 + rest > size)
            r.more++;
        else
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? "; " : "", r.text[i]);
    if (r.more && at + rest <= size)
        snprintf(out + at, size - at, "; and %d more reasons", r.more < 99 ? r.more : 99);
}

static tare_status no_named_row(tare_device *d, const tare_problem *p, const tare_plan_options *o) {
    for (const tare_kernel *const *row = d->backend->rows; *row; row++) {
        tare_plan plan;
        char why[160];
        if (strcmp((*row)->name, o->only) != 0) continue;
        if (!tare_plan_row(d, *row, p, o, &plan, why))
            TARE_FAIL(TARE_E_UNSUPPORTED, "%s: kernel %s refuses: %s", d->info.id, o->only, why);
    }
    TARE_FAIL(TARE_E_UNSUPPORTED, "%s has no kernel '%s'", d->info.id, o->only);
}

tare_status tare_plan_refusal(tare_device *d, const tare_problem *p, const tare_plan_options *o) {
    char why[360];
    if (o && o->only) return no_named_row(d, p, o);
    tare_plan_reasons(d, p, o, why, sizeof why);
    TARE_FAIL(TARE_E_UNSUPPORTED, "%s: no kernel accepts the problem: %s", d->info.id, why);
}
