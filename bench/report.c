/* Views of records: aligned table, Markdown, CSV, JSON lines. */
#include "bench/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct column {
    const char *title;
    int right; /* aligned to the right */
    void (*cell)(const json_t *r, char out[160]);
} column;

static double number(const json_t *r, const char *key) {
    const json_t *v = json_object_get(r, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static const char *string(const json_t *r, const char *key) {
    const char *s = json_string_value(json_object_get(r, key));
    return s ? s : "";
}

static void fixed(char out[160], double v, double unit, const char *after) {
    out[0] = 0;
    if (!isfinite(v)) return;
    v /= unit;
    snprintf(out, 160, v < 10 ? "%.2f%s" : v < 1000 ? "%.1f%s" : "%.0f%s", v, after);
}

static void shape_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", string(r, "workload"));
}
static void size_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%.0fx%.0fx%.0f", number(r, "m"), number(r, "n"), number(r, "k"));
}
/* A baseline that nobody asked for stands in parentheses; * marks the row others are judged by. */
static void scheme_cell(const json_t *r, char out[160]) {
    int base = isfinite(number(r, "ratio")) && number(r, "ratio") == 1 &&
               strcmp(string(r, "kernel"), string(r, "base_kernel")) == 0;
    int extra = strcmp(string(r, "role"), "baseline") == 0;
    snprintf(out, 160, "%s%s%s%s", extra ? "(" : "", string(r, "scheme"), extra ? ")" : "",
             base ? "*" : "");
}
static void kernel_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", string(r, "kernel")[0] ? string(r, "kernel") : "-");
}
static void cache_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", string(r, "cache"));
}
static void median_cell(const json_t *r, char out[160]) {
    fixed(out, number(r, "median_ns"), 1e3, "");
}
/* Half the width of the 95 % interval in percent; ~ where the noise probe stayed low. */
static void spread_cell(const json_t *r, char out[160]) {
    const json_t *ci = json_object_get(r, "ci95_ns");
    out[0] = 0;
    if (!json_is_array(ci)) return;
    double lo = json_number_value(json_array_get(ci, 0)),
           hi = json_number_value(json_array_get(ci, 1));
    snprintf(out, 160, "%.1f%%%s", 50 * (hi - lo) / number(r, "median_ns"),
             json_is_true(json_object_get(r, "noisy")) ? "~" : "");
}
static void p99_cell(const json_t *r, char out[160]) {
    fixed(out, number(r, "p99_ns"), 1e3, "");
}
static void samples_cell(const json_t *r, char out[160]) {
    double n = number(r, "n_samples");
    out[0] = 0;
    if (isfinite(n)) snprintf(out, 160, "%.0f %s", n, string(r, "stop"));
}
static void size_mb_cell(const json_t *r, char out[160]) {
    fixed(out, number(r, "packed_bytes"), 1e6, "");
}
static void peak_cell(const json_t *r, char out[160]) {
    double v = number(r, "pct_peak");
    out[0] = 0;
    if (isfinite(v)) snprintf(out, 160, "%.0f%% %s", v, string(r, "bottleneck"));
}
static void ratio_cell(const json_t *r, char out[160]) {
    const json_t *ci = json_object_get(r, "ratio_ci95");
    double v = number(r, "ratio");
    out[0] = 0;
    if (!isfinite(v)) return;
    if (json_is_array(ci))
        snprintf(out, 160, "%.2f [%.2f, %.2f]", v, json_number_value(json_array_get(ci, 0)),
                 json_number_value(json_array_get(ci, 1)));
    else
        snprintf(out, 160, "%.2f", v);
}
static void int8_cell(const json_t *r, char out[160]) {
    fixed(out, number(r, "ratio_int8"), 1, "");
}
static void int4_cell(const json_t *r, char out[160]) {
    fixed(out, number(r, "ratio_int4"), 1, "");
}
static void error_cell(const json_t *r, char out[160]) {
    fixed(out, number(r, "error"), 1, "");
}
static void verdict_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", string(r, "verdict"));
}

static const column columns[] = {
    {"layer", 0, shape_cell},
    {"m x n x k", 0, size_cell},
    {"scheme", 0, scheme_cell},
    {"kernel", 0, kernel_cell},
    {"cache", 0, cache_cell},
    {"median us", 1, median_cell},
    {"+-", 1, spread_cell},
    {"p99 us", 1, p99_cell},
    {"samples", 1, samples_cell},
    {"MB", 1, size_mb_cell},
    {"of peak", 1, peak_cell},
    {"err/bound", 1, error_cell},
    {"vs dense float", 1, ratio_cell},
    {"vs int8", 1, int8_cell},
    {"vs int4", 1, int4_cell},
    {"verdict", 0, verdict_cell},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static int timed(const json_t *r) {
    return json_is_number(json_object_get(r, "median_ns"));
}

static void row(FILE *out, const int width[COLUMNS], char cell[COLUMNS][160], int markdown) {
    for (int c = 0; c < COLUMNS; c++) {
        const char *before = markdown ? (c ? " | " : "| ") : (c ? "  " : "");
        int last = !markdown && c == COLUMNS - 1;
        fprintf(out, columns[c].right ? "%s%*s" : "%s%-*s", before, last ? 0 : width[c], cell[c]);
    }
    fputs(markdown ? " |\n" : "\n", out);
}

static void rule(FILE *out, const int width[COLUMNS]) {
    for (int c = 0; c < COLUMNS; c++) {
        fputs(c ? "|" : "|", out);
        for (int i = 0; i < width[c] + 1; i++) fputc('-', out);
        fputc(columns[c].right ? ':' : '-', out);
    }
    fputs("|\n", out);
}

static void widths(const json_t *records, int width[COLUMNS]) {
    size_t i;
    const json_t *r;
    char text[160];
    for (int c = 0; c < COLUMNS; c++) width[c] = (int)strlen(columns[c].title);
    json_array_foreach(records, i, r) for (int c = 0; timed(r) && c < COLUMNS; c++) {
        columns[c].cell(r, text);
        if ((int)strlen(text) > width[c]) width[c] = (int)strlen(text);
    }
}

/* What was not timed, with its reason, in one line each. */
static void refusals(FILE *out, const json_t *records, int markdown) {
    size_t i;
    const json_t *r;
    int any = 0;
    json_array_foreach(records, i, r) {
        char size[160];
        if (timed(r)) continue;
        if (!any++) fprintf(out, "\nnot timed:\n%s", markdown ? "\n" : "");
        size_cell(r, size);
        fprintf(out, "%s%s %s %s %s: %s\n", markdown ? "- " : "  ", size, string(r, "scheme"),
                string(r, "kernel")[0] ? string(r, "kernel") : "-", string(r, "verdict"),
                string(r, "refusal"));
    }
}

static void legend(FILE *out, const json_t *records) {
    const json_t *env = json_object_get(json_array_get(records, 0), "env");
    const json_t *top = json_object_get(env, "ceilings");
    if (!env) return;
    fprintf(out, "\n%s, %d threads; ceilings: read %.1f GB/s, cache %.1f GB/s, f32 %.0f GFLOP/s, ",
            string(env, "cpu"), (int)number(env, "threads"), number(top, "read_gbs"),
            number(top, "cache_gbs"), number(top, "f32_gflops"));
    fprintf(
        out, "bf16 %.0f, int8 %.0f GOP/s%s\n", number(top, "bf16_gflops"), number(top, "i8_gops"),
        json_is_true(json_object_get(top, "measured")) ? ""
                                                       : " (estimates: this device measures none)");
    fputs("(..) baseline added for comparison   * the best dense float row, ratio 1   ~ noisy\n",
          out);
}

static void aligned(FILE *out, const json_t *records, int markdown) {
    int width[COLUMNS], any = 0;
    size_t i;
    const json_t *r;
    char cell[COLUMNS][160];
    widths(records, width);
    for (int c = 0; c < COLUMNS; c++) snprintf(cell[c], 160, "%s", columns[c].title);
    row(out, width, cell, markdown);
    if (markdown) rule(out, width);
    json_array_foreach(records, i, r) {
        if (!timed(r)) continue;
        for (int c = 0; c < COLUMNS; c++) columns[c].cell(r, cell[c]);
        row(out, width, cell, markdown);
        any = 1;
    }
    if (!any) fputs("(nothing was timed)\n", out);
    refusals(out, records, markdown);
    legend(out, records);
}

/* ---- CSV: the plain keys, in the order of the record ---- */

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

static void csv(FILE *out, const json_t *records) {
    static const char *const keys[] = {
        "schema",     "device",     "op",      "workload",    "m",       "n",
        "k",          "scheme",     "role",    "kernel",      "vendor",  "cache",
        "n_samples",  "median_ns",  "p90_ns",  "p99_ns",      "ci95_ns", "mad_ns",
        "min_ns",     "outliers",   "stop",    "noisy",       "bytes",   "packed_bytes",
        "pct_peak",   "bottleneck", "error",   "base_kernel", "ratio",   "ratio_ci95",
        "ratio_int8", "ratio_int4", "verdict", "refusal",     "replay"};
    enum { KEYS = sizeof keys / sizeof *keys };
    size_t i;
    const json_t *r;
    for (int k = 0; k < KEYS; k++) {
        int two = strstr(keys[k], "ci95") != NULL;
        if (two)
            fprintf(out, "%s%s_lo,%s_hi", k ? "," : "", keys[k], keys[k]);
        else
            fprintf(out, "%s%s", k ? "," : "", keys[k]);
    }
    fputc('\n', out);
    json_array_foreach(records, i, r) {
        for (int k = 0; k < KEYS; k++) {
            const json_t *v = json_object_get(r, keys[k]);
            if (k) fputc(',', out);
            if (strstr(keys[k], "ci95")) {
                csv_value(out, json_array_get(v, 0));
                fputc(',', out);
                csv_value(out, json_array_get(v, 1));
            } else
                csv_value(out, v);
        }
        fputc('\n', out);
    }
}

static int jsonl(FILE *out, const json_t *records) {
    size_t i;
    const json_t *r;
    json_array_foreach(records, i, r) {
        if (json_dumpf(r, out, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10)) != 0)
            return -1;
        fputc('\n', out);
    }
    return 0;
}

int bench_view_find(const char *name) {
    static const char *const names[] = {"table", "md", "csv", "jsonl"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0) return i + 1;
    return 0;
}

int bench_report(FILE *out, enum bench_view view, const json_t *records) {
    if (view == BENCH_JSONL && jsonl(out, records) != 0) return -1;
    if (view == BENCH_CSV) csv(out, records);
    if (view == BENCH_TABLE || view == BENCH_MD) aligned(out, records, view == BENCH_MD);
    return ferror(out) ? -1 : 0;
}
