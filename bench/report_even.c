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
static void interval_cell(const json_t *r, char out[BENCH_CELL]) {
    double lo = bench_json_number(r, "slower_at"), hi = bench_json_number(r, "faster_at");
    out[0] = 0;
    if (isfinite(hi))
        snprintf(out, BENCH_CELL, "%.0f-%.0f%%", isfinite(lo) ? 100 * lo : 0, 100 * hi);
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

static int every(const json_t *r) {
    return r != NULL;
}

int bench_report_evens(FILE *out, enum bench_view view, const json_t *records) {
    if (view == BENCH_JSONL && bench_jsonl(out, records) != 0) return -1;
    if (view == BENCH_CSV) bench_csv(out, csv_keys, records);
    if (view == BENCH_TABLE || view == BENCH_MD)
        bench_table(out, columns, (int)(sizeof columns / sizeof *columns), records, every,
                    view == BENCH_MD);
    if (view == BENCH_TABLE)
        fputs("\nzeros: the share from which the format is faster; always: at any; never: not even "
              "at 99%;\nunclear: undecided at 99%. interval: surely slower up to, surely faster "
              "from (95 %).\n",
              out);
    return ferror(out) ? -1 : 0;
}
