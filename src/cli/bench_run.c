/* The groups of `tare bench`, and what is written after each of them. */
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "bench/lastcache.h"
#include "bench/total.h"
#include "src/cli/bench_job.h"
#include "src/data/file.h"
#include "src/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- groups ---- */

typedef struct group_of {
    bench_setup *setup;
    const bench_shape *shape;
    int64_t m;
    char name[200];
} group_of;

/* Devices innermost, then m. */
static group_of group_at(bench_job *j, int at) {
    int devices = j->devices.count, problem = at / devices;
    group_of g = {.setup = &j->setup[at % devices],
                  .shape = &j->shapes.suite.shapes[problem / j->shapes.m_count],
                  .m = j->shapes.m[problem % j->shapes.m_count]};
    bench_group_name(g.name, sizeof g.name, j->devices.device[at % devices]->info.id,
                     j->args.suite ? j->shapes.suite.name : NULL, g.shape, g.m);
    return g;
}

static void left_out(bench_job *j, const group_of *g, const char *why) {
    bench_progress_end(&j->progress);
    fprintf(stderr, "%s: not measured, %s\n", g->name, why);
}

/* Those lines for all groups from `from` on. */
static char *all_left_out(bench_job *j, int from) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    for (int i = from; i < j->progress.groups; i++)
        fprintf(f, "%s: not measured, interrupted\n", group_at(j, i).name);
    return fclose(f) == 0 ? text : NULL;
}

/* ---- records ---- */

typedef struct record_set {
    json_t *cells, *totals; /* totals: null where the shapes are no model */
} record_set;

static tare_status records_of(bench_job *j, record_set *r) {
    json_t *env[BENCH_DEVICES_MAX];
    tare_status s = TARE_OK;
    *r = (record_set){.cells = json_array()};
    for (int d = 0; d < j->devices.count; d++) env[d] = bench_record_env(&j->setup[d]);
    for (int i = 0; i < j->cells.count; i++) {
        int d = 0;
        while (j->setup[d].device != j->cells.cell[i].device) d++;
        json_t *one = bench_record(&j->setup[d], &j->cells.cell[i], env[d]);
        if (json_array_append_new(r->cells, one) != 0)
            s = tare_fail(TARE_E_NOMEM, "report: out of memory");
    }
    if (s == TARE_OK && j->args.suite) {
        r->totals = json_array();
        for (int d = 0; d < j->devices.count && s == TARE_OK; d++)
            s = bench_total_records(&j->shapes.suite, &j->setup[d], j->cells.cell, j->cells.count,
                                    env[d], r->totals);
    }
    for (int d = 0; d < j->devices.count; d++) json_decref(env[d]);
    return s;
}

static void clear(record_set *r) {
    json_decref(r->cells);
    json_decref(r->totals);
}

/* ---- texts ---- */

/* Ceilings rise to what a cell did: rows that were printed before stand too high then. */
static void tell_risen(FILE *out, const bench_job *j) {
    for (int d = 0; d < j->devices.count; d++) {
        double was = NAN, is = NAN;
        int rows = 0;
        for (int i = 0; i < j->shown; i++) {
            const bench_cell *c = &j->cells.cell[i];
            double by = j->shown_peak[i] - c->pct_peak;
            if (c->device != j->setup[d].device || !(by > 0.5)) continue;
            rows++;
            if (by <= was - is) continue;
            was = j->shown_peak[i];
            is = c->pct_peak;
        }
        if (rows)
            fprintf(out,
                    "%s: its ceilings rose while it was measured; \"of peak\" of %d rows above is "
                    "by the earlier ones (now %.0f%% where it says %.0f%%, at most)\n",
                    j->setup[d].info.id, rows, is, was);
    }
}

static int is_table(const bench_job *j) {
    return j->view == BENCH_TABLE || j->view == BENCH_MD;
}

/* The whole report, as a file has it. */
static int write_all(FILE *out, bench_job *j, const record_set *r) {
    bench_sheet sheet = {.view = j->view};
    if (bench_report_some(out, &sheet, r->cells) != 0) return -1;
    return bench_report_end(out, &sheet, r->cells, r->totals);
}

/* What standard output has not yet: rows, and where `end` is set what stands below them. */
static int write_rest(FILE *out, bench_job *j, const record_set *r, int end) {
    int bad = 0;
    if (j->shown < j->cells.count || !j->sheet.begun) {
        json_t *some = json_array();
        for (int i = j->shown; i < j->cells.count; i++)
            bad |= json_array_append(some, json_array_get(r->cells, (size_t)i));
        bad |= bench_report_some(out, &j->sheet, some);
        json_decref(some);
    }
    if (end) {
        bad |= bench_report_end(out, &j->sheet, r->cells, r->totals);
        if (is_table(j)) tell_risen(out, j);
    }
    return bad;
}

enum part { WHOLE, ROWS, END };

/* Null: out of memory. */
static char *text_of(bench_job *j, const record_set *r, enum part part, size_t *size) {
    char *text = NULL;
    FILE *f = open_memstream(&text, size);
    if (!f) return NULL;
    int bad = part == WHOLE ? write_all(f, j, r) : write_rest(f, j, r, part == END);
    bad |= fclose(f) != 0;
    if (!bad) return text;
    free(text);
    return NULL;
}

/* ---- output ---- */

static tare_status remember_shown(bench_job *j) {
    double *more = realloc(j->shown_peak, (size_t)j->cells.count * sizeof *more);
    if (!more) TARE_FAIL(TARE_E_NOMEM, "report: out of memory");
    j->shown_peak = more;
    for (; j->shown < j->cells.count; j->shown++) more[j->shown] = j->cells.cell[j->shown].pct_peak;
    return TARE_OK;
}

static tare_status write_part(bench_job *j, const record_set *r, enum part part) {
    size_t size;
    char *text = text_of(j, r, part, &size);
    if (!text) TARE_FAIL(TARE_E_NOMEM, "report: out of memory");
    bench_progress_end(&j->progress);
    tare_status s = bench_write_text(part == WHOLE ? j->args.out : NULL, text, size);
    free(text);
    return s;
}

/* After a group. To standard output go its rows. A file is written anew, aside and renamed, so that
 * it is whole whatever ends the run; that it could not be is told in the end. */
static tare_status show(bench_job *j, int next) {
    record_set r;
    size_t size;
    char *end = NULL;
    bench_last_lock();
    tare_status s = records_of(j, &r);
    if (s == TARE_OK && j->args.out) {
        char *text = text_of(j, &r, WHOLE, &size);
        if (text) (void)file_save(j->args.out, text, size);
        free(text);
    } else if (s == TARE_OK) {
        s = write_part(j, &r, ROWS);
        if (s == TARE_OK) s = remember_shown(j);
        if (s == TARE_OK) end = text_of(j, &r, END, &size);
    }
    bench_last_words(end, all_left_out(j, next));
    bench_last_unlock();
    clear(&r);
    return s;
}

/* In the end: from here on nobody else writes. */
static tare_status finish(bench_job *j) {
    record_set r;
    tare_status s = records_of(j, &r);
    if (s == TARE_OK) s = write_part(j, &r, j->args.out ? WHOLE : END);
    clear(&r);
    return s;
}

/* ---- the run ---- */

/* Past --limit, and once a signal has asked to end, a group is named instead of measured. */
static int is_late(bench_job *j, const group_of *g) {
    double took = bench_now_ns() - j->progress.start;
    if (bench_interrupted()) {
        left_out(j, g, "interrupted");
        return 1;
    }
    if (!(j->args.limit > 0) || took < j->args.limit * 1e9) return 0;
    left_out(j, g, "no time left");
    return 1;
}

static int is_lost(bench_job *j, const group_of *g) {
    if (!g->setup->lost) return 0;
    left_out(j, g, "the device was lost");
    return 1;
}

/* Other devices go on; the first loss is told in the end. */
static void note_lost(bench_job *j, const group_of *g) {
    const char *row = g->setup->lost_row;
    if (!j->lost[0])
        snprintf(j->lost, sizeof j->lost, "%s; what was measured before is written%s%s%s",
                 g->setup->lost_why, *row ? "; TARE_ROWS_WITHOUT=" : "", row,
                 *row ? " leaves that kernel out" : "");
    left_out(j, g, "the device was lost");
}

static tare_status one_group(bench_job *j, const group_of *g, int is_last) {
    bench_progress_begin(&j->progress, g->name);
    tare_status s = bench_group(g->setup, g->shape, g->m, j->scheme, j->schemes, &j->cells);
    if (s != TARE_OK && bench_stopped()) { /* half a group has no verdicts */
        left_out(j, g, "interrupted");
        s = TARE_OK;
    }
    if (s != TARE_OK && g->setup->lost) {
        note_lost(j, g);
        s = TARE_OK;
    }
    if (s == TARE_E_NOMEM && !is_last) { /* the next may be smaller */
        left_out(j, g, tare_last_error());
        s = TARE_OK;
    }
    return s;
}

static tare_status measure_all(bench_job *j) {
    bench_progress *p = &j->progress;
    tare_status s = TARE_OK;
    p->start = bench_now_ns();
    for (; p->group < p->groups && s == TARE_OK; p->group++) {
        group_of g = group_at(j, p->group);
        int before = j->cells.count, is_last = p->group + 1 == p->groups;
        g.setup->progress = bench_progress_show;
        g.setup->ctx = p;
        if (is_lost(j, &g) || is_late(j, &g)) continue;
        s = one_group(j, &g, is_last);
        if (s == TARE_OK && j->cells.count > before && !(is_last && j->args.out))
            s = show(j, p->group + 1);
    }
    bench_progress_end(p);
    return s;
}

/* Where memory did not hold what should go by, "cold" is less than it says: the reader is told. */
static void tell_short(const bench_job *j) {
    for (int d = 0; d < j->devices.count; d++) {
        const bench_setup *s = &j->setup[d];
        size_t had = SIZE_MAX;
        for (int i = 0; i < j->cells.count; i++) {
            const bench_cell *c = &j->cells.cell[i];
            if (c->device == s->device && c->cold_bytes && c->cold_bytes < had) had = c->cold_bytes;
        }
        if (had == SIZE_MAX) continue; /* nothing was cold: the cache is not looked for */
        size_t want = 2 * bench_last_cache(s);
        if (had < want)
            fprintf(stderr,
                    "%s: memory holds %.0f of the %.0f MB that should go by between two uses of "
                    "cold weights: some may have come from a cache\n",
                    s->info.id, (double)had / 1e6, (double)want / 1e6);
    }
}

void bench_job_begin(bench_job *j) {
    bench_progress_init(&j->progress, j->shapes.suite.count * j->shapes.m_count * j->devices.count);
    bench_last_lock();
    bench_last_words(NULL, all_left_out(j, 0));
    bench_last_unlock();
}

tare_status bench_job_run(bench_job *j) {
    char why[400];
    j->plan = bench_foresee(j->setup, j->devices.count, &j->shapes.suite, j->shapes.m,
                            j->shapes.m_count, j->scheme, j->schemes);
    j->sheet = (bench_sheet){.view = j->view, .plan = j->plan};
    tare_status s = measure_all(j);
    bench_last_lock();
    bench_last_forget();
    bench_last_unlock();
    tell_short(j);
    if (bench_interrupted() && j->cells.count == 0) return TARE_OK; /* a file stays as it was */
    if (s == TARE_OK) {
        TARE_TRY(finish(j));
        return j->lost[0] ? tare_fail(TARE_E_DEVICE, "%s", j->lost) : TARE_OK;
    }
    /* What was measured before a failure is reported all the same; the failure keeps its words. */
    snprintf(why, sizeof why, "%s", tare_last_error());
    if (j->cells.count > 0) (void)finish(j);
    return tare_fail(s, "%s", why);
}

void bench_job_clear(bench_job *j) {
    json_decref(j->plan);
    free(j->shown_peak);
    bench_cells_clear(&j->cells);
    for (int i = 0; i < j->devices.count; i++) bench_setup_clear(&j->setup[i]);
    bench_matrix_clear(&j->matrix);
    bench_shapes_clear(&j->shapes);
}
