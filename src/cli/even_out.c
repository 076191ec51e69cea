/* What `tare breakeven` writes, and when. */
#include "src/cli/even_job.h"
#include "src/data/file.h"
#include "src/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* Null: out of memory. `rows`: what a sheet is to have next. */
static char *text_of(bench_sheet *sheet, const json_t *rows, int end, size_t *size) {
    char *text = NULL;
    FILE *f = open_memstream(&text, size);
    if (!f) return NULL;
    int bad = bench_report_evens_some(f, sheet, rows) != 0;
    if (end) bad |= bench_report_evens_end(f, sheet) != 0;
    bad |= fclose(f) != 0;
    if (!bad) return text;
    free(text);
    return NULL;
}

static tare_status no_room(void) {
    TARE_FAIL(TARE_E_NOMEM, "report: out of memory");
}

/* Rows of the problem at hand: of the searches that are over, or of all that have begun. */
static json_t *rows_of(const even_job *j, int all) {
    json_t *rows = json_array();
    int bad = !rows;
    for (int f = 0; f < j->problem.formats && !bad; f++) {
        const even_search *s = &j->problem.search[f];
        if (!s->written && (all ? even_is_begun(s) : even_is_over(s)))
            bad |= even_records(&j->problem, s, j->env, rows) != 0;
    }
    if (!bad) return rows;
    json_decref(rows);
    return NULL;
}

/* What a signal leaves out now, or the time has: a line a format or problem that has no row. */
void even_name_left_out(const even_job *j, FILE *out, const char *why) {
    int at = j->progress.group, count = j->progress.groups;
    int problems = count / (j->devices.count ? j->devices.count : 1);
    for (int i = at; i < count; i++) {
        char text[200];
        int within = i % problems;
        bench_group_name(text, sizeof text, j->devices.device[i / problems]->info.id, NULL,
                         &j->shapes.suite.shapes[within / j->shapes.m_count],
                         j->shapes.m[within % j->shapes.m_count]);
        for (int f = 0; f < j->formats; f++)
            if (i > at || !j->problem.formats || !even_is_begun(&j->problem.search[f]))
                fprintf(out, "%s %s: not begun, %s\n", text, j->format[f], why);
    }
}

char *even_left_out(const even_job *j) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    even_name_left_out(j, f, "interrupted");
    return fclose(f) == 0 ? text : NULL;
}

/* All rows, those of searches that go on as they stand. */
static tare_status save(even_job *j, const json_t *open) {
    bench_sheet sheet = {.view = j->view};
    size_t size;
    json_t *all = json_copy(j->records);
    char *text = NULL;
    if (all && json_array_extend(all, (json_t *)open) == 0) text = text_of(&sheet, all, 1, &size);
    tare_status s = text ? file_save(j->args.out, text, size) : no_room();
    free(text);
    json_decref(all);
    return s;
}

/* After a contest: rows that are final go out, `all` of them at the end of a problem. What is open
 * is what a signal would still have written. */
tare_status even_show(even_job *j, int all) {
    size_t size;
    tare_status s = TARE_OK;
    bench_last_lock();
    json_t *rows = rows_of(j, all), *open = NULL;
    if (!rows || json_array_extend(j->records, rows) != 0) s = no_room();
    for (int f = 0; f < j->problem.formats; f++) {
        even_search *x = &j->problem.search[f];
        x->written |= all ? even_is_begun(x) : even_is_over(x);
    }
    if (s == TARE_OK && !(open = rows_of(j, 1))) s = no_room();
    if (s == TARE_OK && j->args.out) (void)save(j, open); /* told in the end */
    if (s == TARE_OK && !j->args.out && json_array_size(rows) > 0) {
        char *text = text_of(&j->sheet, rows, 0, &size);
        bench_progress_end(&j->progress);
        s = text ? bench_print(text, size) : no_room();
        free(text);
    }
    if (s == TARE_OK) {
        bench_sheet after = j->sheet; /* the words may never be said */
        int any = json_array_size(j->records) + json_array_size(open) > 0;
        bench_last_words(any && !j->args.out ? text_of(&after, open, 1, &size) : NULL,
                         even_left_out(j));
    }
    bench_last_unlock();
    json_decref(rows);
    json_decref(open);
    return s;
}

tare_status even_finish(even_job *j) {
    size_t size;
    bench_sheet whole = {.view = j->view};
    json_t *none = json_array();
    char *text =
        j->args.out ? text_of(&whole, j->records, 1, &size) : text_of(&j->sheet, none, 1, &size);
    tare_status s = text ? bench_write_text(j->args.out, text, size) : no_room();
    free(text);
    json_decref(none);
    return s;
}
