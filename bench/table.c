/* Aligned table, Markdown, CSV, JSON lines. */
#include "bench/table.h"

#include <math.h>
#include <string.h>

double bench_json_number(const json_t *r, const char *key) {
    const json_t *v = json_object_get(r, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

const char *bench_json_string(const json_t *r, const char *key) {
    const char *s = json_string_value(json_object_get(r, key));
    return s ? s : "";
}

json_t *bench_json_real(double v) {
    return isfinite(v) ? json_real(v) : json_null();
}

json_t *bench_json_pair(double lo, double hi) {
    return isfinite(lo) && isfinite(hi) ? json_pack("[f, f]", lo, hi) : json_null();
}

void bench_fixed(char out[BENCH_CELL], double v, double unit, const char *after) {
    out[0] = 0;
    if (!isfinite(v)) return;
    v /= unit;
    snprintf(out, BENCH_CELL, v < 10 ? "%.2f%s" : v < 1000 ? "%.1f%s" : "%.0f%s", v, after);
}

typedef char row_text[BENCH_COLUMNS_MAX][BENCH_CELL];

static void put_row(FILE *out, const bench_layout *l, row_text text) {
    for (int i = 0; i < l->count; i++) {
        const char *before = l->markdown ? (i ? " | " : "| ") : (i ? "  " : "");
        int last = !l->markdown && i == l->count - 1; /* no blanks at the end of a line */
        fprintf(out, l->column[i].right ? "%s%*s" : "%s%-*s", before, last ? 0 : l->width[i],
                text[i]);
    }
    fputs(l->markdown ? " |\n" : "\n", out);
}

static void put_rule(FILE *out, const bench_layout *l) {
    for (int i = 0; i < l->count; i++) {
        fputc('|', out);
        for (int j = 0; j < l->width[i] + 1; j++) fputc('-', out);
        fputc(l->column[i].right ? ':' : '-', out);
    }
    fputs("|\n", out);
}

int bench_json_differs(const json_t *records, const char *key) {
    const json_t *first = json_object_get(json_array_get(records, 0), key), *r;
    size_t at;
    json_array_foreach(records, at, r) {
        if (!json_equal(json_object_get(r, key), first)) return 1;
    }
    return 0;
}

/* Those that these records want. */
static int choose(const bench_column *all, int count, const json_t *records, bench_column *out) {
    int n = 0;
    for (int i = 0; i < count; i++)
        if (!all[i].wanted || all[i].wanted(records)) out[n++] = all[i];
    return n;
}

void bench_layout_make(bench_layout *l, const bench_column *all, int count, const json_t *records,
                       int (*show)(const json_t *r), int markdown) {
    char text[BENCH_CELL];
    size_t at;
    const json_t *r;
    l->count = choose(all, count, records, l->column);
    l->markdown = markdown;
    for (int i = 0; i < l->count; i++) l->width[i] = (int)strlen(l->column[i].title);
    json_array_foreach(records, at, r) {
        for (int i = 0; show(r) && i < l->count; i++) {
            l->column[i].cell(r, text);
            int length = (int)strlen(text);
            if (length > l->width[i]) l->width[i] = length;
        }
    }
}

void bench_layout_head(FILE *out, const bench_layout *l) {
    row_text text;
    for (int i = 0; i < l->count; i++) snprintf(text[i], BENCH_CELL, "%s", l->column[i].title);
    put_row(out, l, text);
    if (l->markdown) put_rule(out, l);
}

int bench_layout_rows(FILE *out, const bench_layout *l, const json_t *records,
                      int (*show)(const json_t *r)) {
    row_text text;
    size_t at;
    const json_t *r;
    int rows = 0;
    json_array_foreach(records, at, r) {
        if (!show(r)) continue;
        for (int i = 0; i < l->count; i++) l->column[i].cell(r, text[i]);
        put_row(out, l, text);
        rows++;
    }
    return rows;
}

void bench_table(FILE *out, const bench_column *all, int count, const json_t *records,
                 int (*show)(const json_t *r), int markdown) {
    bench_layout l;
    bench_layout_make(&l, all, count, records, show, markdown);
    bench_layout_head(out, &l);
    if (!bench_layout_rows(out, &l, records, show)) fputs("(nothing was timed)\n", out);
}

static void csv_text(FILE *out, const char *s) {
    int quote = strpbrk(s, ",\"\n\r") != NULL;
    if (quote) fputc('"', out);
    for (; *s; s++) {
        if (*s == '"') fputc('"', out);
        fputc(*s, out);
    }
    if (quote) fputc('"', out);
}

static void csv_value(FILE *out, const json_t *v) {
    if (json_is_string(v)) csv_text(out, json_string_value(v));
    if (json_is_integer(v)) fprintf(out, "%lld", (long long)json_integer_value(v));
    if (json_is_real(v)) fprintf(out, "%.9g", json_real_value(v));
    if (json_is_boolean(v)) fputs(json_is_true(v) ? "true" : "false", out);
}

static void csv_row(FILE *out, const char *const *keys, const json_t *r) {
    for (int k = 0; keys[k]; k++) {
        const json_t *v = json_object_get(r, keys[k]);
        if (k) fputc(',', out);
        if (strstr(keys[k], "ci95")) {
            csv_value(out, json_array_get(v, 0));
            fputc(',', out);
            csv_value(out, json_array_get(v, 1));
        } else {
            csv_value(out, v);
        }
    }
    fputc('\n', out);
}

void bench_csv_head(FILE *out, const char *const *keys) {
    for (int k = 0; keys[k]; k++) {
        if (k) fputc(',', out);
        if (strstr(keys[k], "ci95"))
            fprintf(out, "%s_lo,%s_hi", keys[k], keys[k]);
        else
            fputs(keys[k], out);
    }
    fputc('\n', out);
}

void bench_csv_rows(FILE *out, const char *const *keys, const json_t *records) {
    size_t at;
    const json_t *r;
    json_array_foreach(records, at, r) csv_row(out, keys, r);
}

void bench_csv(FILE *out, const char *const *keys, const json_t *records) {
    bench_csv_head(out, keys);
    bench_csv_rows(out, keys, records);
}

int bench_jsonl(FILE *out, const json_t *records) {
    size_t at;
    const json_t *r;
    json_array_foreach(records, at, r) {
        if (json_dumpf(r, out, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10)) != 0)
            return -1;
        fputc('\n', out);
    }
    return 0;
}
