/* Views of the records of `tare breakeven`. */
#include "bench/record.h"
#include "bench/table.h"

#include <math.h>
#include <string.h>

static void device_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "device"));
}
static int many_devices(const json_t *records) {
    return bench_json_differs(records, "device");
}
static void size_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%.0fx%.0f", bench_json_number(r, "n"), bench_json_number(r, "k"));
}
static void m_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%.0f", bench_json_number(r, "m"));
}
static void format_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "format"));
}
static void against_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "best %s", bench_json_string(r, "against"));
}
static void result_cell(const json_t *r, char out[BENCH_CELL]) {
    double at = bench_json_number(r, "sparsity");
    const char *result = bench_json_string(r, "result");
    if (isfinite(at))
        snprintf(out, BENCH_CELL, "%.1f%%", 100 * at);
    else
        snprintf(out, BENCH_CELL, "%s", result);
}
/* Of a search that was cut an end may be open. */
static void interval_cell(const json_t *r, char out[BENCH_CELL]) {
    double lo = bench_json_number(r, "slower_at"), hi = bench_json_number(r, "faster_at");
    const char *result = bench_json_string(r, "result");
    int cut = strcmp(result, "cut") == 0;
    out[0] = 0;
    if (!isfinite(hi) && !cut) return;
    char from[24] = "0", to[24] = "?";
    if (isfinite(lo)) snprintf(from, sizeof from, "%.0f", 100 * lo);
    if (isfinite(hi)) snprintf(to, sizeof to, "%.0f", 100 * hi);
    snprintf(out, BENCH_CELL, "%s-%s%%", cut && !isfinite(lo) ? "?" : from, to);
}
static void kernel_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "kernel"));
}
static void base_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "base_kernel"));
}
static void why_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "refusal"));
}

static const bench_column columns[] = {
    {"device", 0, device_cell, many_devices},
    {"n x k", 0, size_cell, NULL},
    {"m", 1, m_cell, NULL},
    {"format", 0, format_cell, NULL},
    {"against", 0, against_cell, NULL},
    {"zeros", 1, result_cell, NULL},
    {"interval", 1, interval_cell, NULL},
    {"kernel", 0, kernel_cell, NULL},
    {"base kernel", 0, base_cell, NULL},
    {"refusal", 0, why_cell, NULL},
};

static const char *const csv_keys[] = {
    "schema", "device",   "m",         "n",         "k",      "format",      "against", "cache",
    "result", "sparsity", "slower_at", "faster_at", "kernel", "base_kernel", "refusal", NULL};

enum { COLUMNS = sizeof columns / sizeof *columns };

static int every(const json_t *r) {
    return r != NULL;
}

int bench_report_evens_some(FILE *out, bench_sheet *s, const json_t *records) {
    int head = !s->begun;
    s->begun = 1;
    if (s->view == BENCH_JSONL && bench_jsonl(out, records) != 0) return -1;
    if (s->view == BENCH_CSV) {
        if (head) bench_csv_head(out, csv_keys);
        bench_csv_rows(out, csv_keys, records);
    }
    if (s->view == BENCH_TABLE || s->view == BENCH_MD) {
        if (head) {
            if (bench_sheet_begin(s, columns, COLUMNS, records, every) != 0) return -1;
            bench_layout_head(out, &s->layout);
        }
        s->rows += bench_layout_rows(out, &s->layout, records, every);
    }
    return ferror(out) ? -1 : 0;
}

int bench_report_evens_end(FILE *out, const bench_sheet *s) {
    if (s->view == BENCH_TABLE || s->view == BENCH_MD)
        fputs("\nzeros: the share from which the format is faster; always: at any; never: not even "
              "at 99%;\nunclear: undecided at 99%; cut: the time was up, or a signal came. "
              "interval: surely slower up to,\nsurely faster from (95 %); ?: not known yet.\n",
              out);
    return ferror(out) ? -1 : 0;
}
