/* Contests that searches share: a share of zeros is a contestant, so all formats and shares of a
 * round have the same dense rows beside them, and the copies that keep weights cold serve all. */
#include "src/cli/even.h"
#include "bench/table.h"
#include "src/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const against_name[EVEN_OPPONENTS] = {"float", "int8"};
/* Formats turn on either side of them; the rounds look closer. */
static const int survey_shares[] = {60, 90};
enum { SURVEY = sizeof survey_shares / sizeof *survey_shares };

int even_survey_size(const even_problem *p) {
    int dense = 0;
    while (bench_baseline(dense)) dense++;
    return dense + SURVEY * p->formats;
}

void even_problem_init(even_problem *p, bench_setup *s, const bench_shape *shape, int64_t m,
                       char formats[][24], int count) {
    memset(p, 0, sizeof *p);
    p->setup = s;
    p->shape = *shape;
    p->m = m;
    p->formats = count;
    for (int f = 0; f < count; f++)
        p->search[f] = (even_search){.format = formats[f], .highest = -1};
}

int even_is_over(const even_search *s) {
    return s->refusal[0] ||
           (bench_even_next(s->points[0]) < 0 && bench_even_next(s->points[1]) < 0);
}

int even_is_begun(const even_search *s) {
    return s->refusal[0] || s->highest >= 0;
}

/* ---- contests ---- */

/* What a contest measures: schemes, and whose search and which share each of them is. */
typedef struct contest {
    bench_scheme scheme[BENCH_SCHEMES_MAX];
    even_search *search[BENCH_SCHEMES_MAX];
    int percent[BENCH_SCHEMES_MAX];
    int count;
} contest;

static tare_status enter(contest *c, even_search *s, int percent) {
    char text[64];
    if (c->count == BENCH_SCHEMES_MAX) return TARE_OK; /* the next round's */
    snprintf(text, sizeof text, "%s@%d%%", s->format, percent);
    TARE_TRY(bench_scheme_parse(text, &c->scheme[c->count]));
    c->search[c->count] = s;
    c->percent[c->count++] = percent;
    return TARE_OK;
}

static const bench_cell *best_of(const bench_cells *c, enum bench_family family) {
    const bench_cell *best = NULL;
    for (int i = 0; i < c->count; i++) {
        const bench_cell *x = &c->cell[i];
        if (x->scheme.family != family || x->result.n == 0) continue;
        if (!best || x->result.median_ns < best->result.median_ns) best = x;
    }
    return best;
}

/* The scheme's time, or why there is none. */
static const bench_cell *cell_of(const bench_cells *c, const bench_scheme *s) {
    const bench_cell *found = NULL;
    for (int i = 0; i < c->count; i++) {
        const bench_cell *x = &c->cell[i];
        if (strcmp(x->scheme.name, s->name) != 0) continue;
        if (!found || (x->result.n > 0 && found->result.n == 0)) found = x;
    }
    return found;
}

static void name(char out[64], const bench_cell *c) {
    if (c) snprintf(out, 64, "%s", c->kernel);
}

static void take(even_search *s, int percent, const bench_cells *cells, const bench_cell *c) {
    if (!c || c->result.n == 0) {
        snprintf(s->refusal, sizeof s->refusal, "%s", c ? c->refusal : "nothing ran");
        return;
    }
    s->points[0][percent] = (bench_point){1, c->ratio, c->ratio_lo, c->ratio_hi};
    s->points[1][percent] = (bench_point){1, c->ratio_int8, c->ratio_int8_lo, c->ratio_int8_hi};
    if (percent < s->highest) return;
    s->highest = percent;
    name(s->kernel, c);
    name(s->base[0], best_of(cells, BENCH_FLOAT));
    name(s->base[1], best_of(cells, BENCH_INT8));
}

static tare_status hold(even_problem *p, const contest *c, bench_cells *cells) {
    tare_status s = bench_group(p->setup, &p->shape, p->m, c->scheme, c->count, cells);
    for (int i = 0; i < c->count && s == TARE_OK; i++)
        if (!c->search[i]->refusal[0])
            take(c->search[i], c->percent[i], cells, cell_of(cells, &c->scheme[i]));
    return s;
}

static void refuse_all(even_problem *p, const char *why) {
    for (int f = 0; f < p->formats; f++)
        snprintf(p->search[f].refusal, sizeof p->search[f].refusal, "%s", why);
}

tare_status even_survey(even_problem *p) {
    contest c = {.count = 0};
    bench_cells cells = {0};
    for (int i = 0; i < SURVEY; i++)
        for (int f = 0; f < p->formats; f++) TARE_TRY(enter(&c, &p->search[f], survey_shares[i]));
    p->setup->baselines = NULL;
    tare_status s = hold(p, &c, &cells);
    const bench_cell *best[EVEN_OPPONENTS] = {best_of(&cells, BENCH_FLOAT),
                                              best_of(&cells, BENCH_INT8)};
    for (int a = 0; a < EVEN_OPPONENTS && best[0] && best[1]; a++) p->best[a] = best[a]->scheme;
    if (s == TARE_OK && !(best[0] && best[1])) {
        s = tare_fail(TARE_E_UNSUPPORTED, "%s has no dense float or int8 row to compare with",
                      p->setup->info.id);
        refuse_all(p, tare_last_error());
    }
    bench_cells_clear(&cells);
    return s;
}

tare_status even_round(even_problem *p) {
    contest c = {.count = 0};
    bench_cells cells = {0};
    const char *baselines[] = {p->best[0].name, p->best[1].name, NULL};
    for (int f = 0; f < p->formats; f++) {
        even_search *x = &p->search[f];
        if (even_is_over(x)) continue;
        int next[EVEN_OPPONENTS] = {bench_even_next(x->points[0]), bench_even_next(x->points[1])};
        if (next[0] >= 0) TARE_TRY(enter(&c, x, next[0]));
        if (next[1] >= 0 && next[1] != next[0]) TARE_TRY(enter(&c, x, next[1]));
    }
    p->setup->baselines = baselines;
    tare_status s = hold(p, &c, &cells);
    p->setup->baselines = NULL;
    bench_cells_clear(&cells);
    return s;
}

/* ---- records ---- */

static json_t *text(const char *s) {
    return *s ? json_string(s) : json_null();
}

static json_t *points_of(const bench_point *p) {
    json_t *a = json_array();
    for (int i = 0; i < BENCH_SHARES; i++)
        if (p[i].known)
            json_array_append_new(a, json_pack("[i, o, o, o]", i, bench_json_real(p[i].ratio),
                                               bench_json_real(p[i].lo), bench_json_real(p[i].hi)));
    return a;
}

static json_t *record(const even_problem *p, const even_search *s, int against, json_t *env) {
    bench_evens e = bench_even_of(s->points[against]);
    int at = !s->refusal[0] && e.kind == BENCH_EVEN_AT,
        some = at || (!s->refusal[0] && e.kind == BENCH_EVEN_CUT);
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "schema", "tare-breakeven-1",
                  "device", p->setup->info.id, "m", (json_int_t)p->m, "n", (json_int_t)p->shape.n,
                  "k", (json_int_t)p->shape.k, "format", s->format, "against",
                  against_name[against], "cache", p->setup->caches == BENCH_HOT ? "hot" : "cold");
    if (!o) return NULL;
    json_object_set_new(o, "result",
                        json_string(s->refusal[0] ? "unsupported" : bench_even_name(e.kind)));
    json_object_set_new(o, "sparsity", bench_json_real(at ? e.at / 100 : NAN));
    json_object_set_new(o, "slower_at",
                        bench_json_real(some && e.slower >= 0 ? e.slower / 100.0 : NAN));
    json_object_set_new(o, "faster_at",
                        bench_json_real(some && e.faster < BENCH_SHARES ? e.faster / 100.0 : NAN));
    json_object_set_new(o, "kernel", text(s->kernel));
    json_object_set_new(o, "base_kernel", text(s->base[against]));
    json_object_set_new(o, "points", points_of(s->points[against]));
    json_object_set_new(o, "refusal", text(s->refusal));
    json_object_set_new(o, "env", json_incref(env));
    return o;
}

int even_records(const even_problem *p, const even_search *s, json_t *env, json_t *out) {
    int bad = 0;
    for (int against = 0; against < EVEN_OPPONENTS; against++)
        bad |= json_array_append_new(out, record(p, s, against, env));
    return bad;
}
