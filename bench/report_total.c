/* Views of totals over a model. */
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
static void model_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "suite"));
}
static void m_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%.0f", bench_json_number(r, "m"));
}
/* As in the table of cells: in parentheses what nobody asked for; * what the others are held
 * against. */
static void scheme_cell(const json_t *r, char out[BENCH_CELL]) {
    int extra = strcmp(bench_json_string(r, "role"), "baseline") == 0;
    int base = bench_json_number(r, "ratio") == 1 &&
               strcmp(bench_json_string(r, "scheme"), bench_json_string(r, "base_scheme")) == 0;
    snprintf(out, BENCH_CELL, "%s%s%s%s", extra ? "(" : "", bench_json_string(r, "scheme"),
             extra ? ")" : "", base ? "*" : "");
}
static void cache_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "cache"));
}
static void weights_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "weights"));
}
static int some_streamed(const json_t *records) {
    return bench_json_differs(records, "weights") ||
           strcmp(bench_json_string(json_array_get(records, 0), "weights"), "streamed") == 0;
}
static void ms_cell(const json_t *r, char out[BENCH_CELL]) {
    double ms = bench_json_number(r, "model_ns") / 1e6;
    bench_fixed(out, ms, 1, "");
    if (ms < 0.1) snprintf(out, BENCH_CELL, "%.4f", ms);
}
static void mb_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "packed_bytes"), 1e6, "");
}
static void float_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "ratio"), 1, "");
}
static void against_cell(const json_t *r, char out[BENCH_CELL]) {
    const char *scheme = bench_json_string(r, "against_scheme");
    int itself = strcmp(scheme, bench_json_string(r, "scheme")) == 0;
    snprintf(out, BENCH_CELL, "%s", itself ? "itself" : scheme[0] ? scheme : "-");
}
static void ratio_cell(const json_t *r, char out[BENCH_CELL]) {
    const json_t *ci = json_object_get(r, "against_ratio_ci95");
    bench_fixed(out, bench_json_number(r, "against_ratio"), 1, "");
    size_t used = strlen(out);
    if (out[0] && json_is_array(ci))
        snprintf(out + used, BENCH_CELL - used, " [%.2f, %.2f]",
                 json_number_value(json_array_get(ci, 0)),
                 json_number_value(json_array_get(ci, 1)));
}
static void int8_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "ratio_int8"), 1, "");
}
static void int4_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "ratio_int4"), 1, "");
}

static int is_among(const json_t *names, const char *name) {
    size_t i;
    const json_t *one;
    json_array_foreach(names, i, one) {
        if (strcmp(json_string_value(one), name) == 0) return 1;
    }
    return 0;
}

/* "; what a b c" but those in `said`, cut where it is longer than a cell. */
static void list(char out[BENCH_CELL], const char *what, const json_t *names, const char *key,
                 const json_t *said) {
    size_t i, used = strlen(out);
    const json_t *one;
    int any = 0;
    json_array_foreach(names, i, one) {
        const char *name = key ? bench_json_string(one, key) : json_string_value(one);
        if (!name || is_among(said, name)) continue;
        int n = snprintf(out + used, BENCH_CELL - used, "%s%s %s", any ? "" : "; ", any ? "" : what,
                         name);
        any = 1;
        if (n < 0 || (size_t)n >= BENCH_CELL - used) return;
        used += (size_t)n;
    }
}

static void verdict_cell(const json_t *r, char out[BENCH_CELL]) {
    const json_t *noisy = json_object_get(r, "noisy_layers");
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "verdict"));
    list(out, "without", json_object_get(r, "missing"), "workload", NULL);
    list(out, "noisy:", noisy, NULL, NULL);
    list(out, "INCONCLUSIVE alone:", json_object_get(r, "inconclusive_layers"), NULL, noisy);
}

static const bench_column columns[] = {
    {"device", 0, device_cell, many_devices},
    {"model", 0, model_cell, NULL},
    {"m", 1, m_cell, NULL},
    {"scheme", 0, scheme_cell, NULL},
    {"cache", 0, cache_cell, NULL},
    {"weights", 0, weights_cell, some_streamed},
    {"ms", 1, ms_cell, NULL},
    {"MB", 1, mb_cell, NULL},
    {"vs dense float", 1, float_cell, NULL},
    {"vs int8", 1, int8_cell, NULL},
    {"vs int4", 1, int4_cell, NULL},
    {"against", 0, against_cell, NULL},
    {"ratio", 1, ratio_cell, NULL},
    {"verdict", 0, verdict_cell, NULL},
};

static int every(const json_t *r) {
    return r != NULL;
}

int bench_report_totals(FILE *out, enum bench_view view, const json_t *totals) {
    if (json_array_size(totals) == 0) return 0;
    if (view == BENCH_JSONL) return bench_jsonl(out, totals);
    if (view == BENCH_CSV) return 0;
    fprintf(out,
            "\nthe whole model, each layer as often as it occurs; * the dense float scheme "
            "that is fastest throughout%s\n",
            view == BENCH_MD ? "\n" : ":");
    bench_table(out, columns, (int)(sizeof columns / sizeof *columns), totals, every,
                view == BENCH_MD);
    return ferror(out) ? -1 : 0;
}
