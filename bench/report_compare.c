/* Views of compared records: one table of the cells that both files hold, then what only one has.
 */
#include "bench/compare.h"
#include "bench/table.h"

#include <math.h>
#include <string.h>

static int is_timed_in_both(const json_t *r) {
    return json_is_number(json_object_get(r, "ratio"));
}

/* Not timed in either, and both say the same: nothing that a comparison could tell. */
static int is_refused_alike(const json_t *r) {
    return strcmp(bench_json_string(r, "in"), "both") == 0 &&
           strcmp(bench_json_string(r, "a_verdict"), bench_json_string(r, "b_verdict")) == 0;
}

static void device_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "device"));
}
static void size_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%.0f x %.0f x %.0f", bench_json_number(r, "m"),
             bench_json_number(r, "n"), bench_json_number(r, "k"));
}
static void scheme_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "scheme"));
}
static void kernel_cell(const json_t *r, char out[BENCH_CELL]) {
    const char *name = bench_json_string(r, "kernel"), *b = bench_json_string(r, "b_kernel");
    if (*name && *b && strcmp(name, b) != 0)
        snprintf(out, BENCH_CELL, "%.75s -> %.75s", name, b);
    else
        snprintf(out, BENCH_CELL, "%s", *name ? name : "-");
}
static void cache_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "cache"));
}
static void weights_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "weights"));
}
static int many_places(const json_t *pairs) {
    return bench_json_differs(pairs, "weights");
}
static void a_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "a_ns"), 1e3, "");
}
static void b_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "b_ns"), 1e3, "");
}
static void ratio_cell(const json_t *r, char out[BENCH_CELL]) {
    const json_t *ci = json_object_get(r, "ratio_ci95");
    double v = bench_json_number(r, "ratio");
    out[0] = 0;
    if (isfinite(v) && json_is_array(ci))
        snprintf(out, BENCH_CELL, "%.3g [%.3g, %.3g]", v, json_number_value(json_array_get(ci, 0)),
                 json_number_value(json_array_get(ci, 1)));
    else if (isfinite(v))
        snprintf(out, BENCH_CELL, "%.3g", v);
}
static void a_peak_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "a_pct_peak"), 1, "%");
}
static void b_peak_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "b_pct_peak"), 1, "%");
}
static void change_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "b_is"));
}

static const bench_column columns[] = {
    {"device", 0, device_cell, NULL},
    {"m x n x k", 0, size_cell, NULL},
    {"scheme", 0, scheme_cell, NULL},
    {"kernel", 0, kernel_cell, NULL},
    {"cache", 0, cache_cell, NULL},
    {"weights", 0, weights_cell, many_places},
    {"a us", 1, a_cell, NULL},
    {"b us", 1, b_cell, NULL},
    {"a / b", 1, ratio_cell, NULL},
    {"a: floor is", 1, a_peak_cell, NULL},
    {"b: floor is", 1, b_peak_cell, NULL},
    {"b is", 0, change_cell, NULL},
};

static void name_cell(FILE *out, const json_t *r) {
    char size[BENCH_CELL], kernel[BENCH_CELL];
    size_cell(r, size);
    kernel_cell(r, kernel);
    fprintf(out, "%s %s %s %s %s %s", bench_json_string(r, "device"), size,
            bench_json_string(r, "scheme"), kernel, bench_json_string(r, "cache"),
            bench_json_string(r, "weights"));
}

/* What one file alone holds, and what was not timed in both. */
static void print_rest(FILE *out, const json_t *pairs, int markdown) {
    size_t at;
    const json_t *r;
    int any = 0;
    json_array_foreach(pairs, at, r) {
        const char *in = bench_json_string(r, "in"), *why = bench_json_string(r, "refusal");
        if (is_timed_in_both(r) || is_refused_alike(r)) continue;
        if (!any++) fprintf(out, "\nwithout a ratio:\n%s", markdown ? "\n" : "");
        fprintf(out, "%s", markdown ? "- " : "  ");
        name_cell(out, r);
        if (strcmp(in, "both") == 0)
            fprintf(out, ": %s in a, %s in b", bench_json_string(r, "a_verdict"),
                    bench_json_string(r, "b_verdict"));
        else
            fprintf(out, ": only in %s", in);
        fprintf(out, "%s%s\n", *why ? ", " : "", why);
    }
}

/* The same id may be another device: opencl:0 of two machines. */
static void print_devices(FILE *out, const json_t *pairs) {
    size_t at;
    const json_t *r;
    json_array_foreach(pairs, at, r) {
        const char *a = bench_json_string(r, "a_device_name"),
                   *b = bench_json_string(r, "b_device_name");
        if (!*a || !*b || strcmp(a, b) == 0) continue;
        fprintf(out, "\nnot the same device: %s is %s in a, %s in b\n",
                bench_json_string(r, "device"), a, b);
        return;
    }
}

static const char *const csv_keys[] = {
    "schema",    "in",     "device",     "op",      "m",          "n",          "k",
    "scheme",    "kernel", "b_kernel",   "cache",   "weights",    "role",       "a_ns",
    "b_ns",      "ratio",  "ratio_ci95", "b_is",    "a_pct_peak", "b_pct_peak", "a_verdict",
    "b_verdict", "gate",   "why",        "refusal", NULL};

int bench_report_compare(FILE *out, enum bench_view view, const json_t *pairs) {
    int markdown = view == BENCH_MD;
    if (view == BENCH_JSONL && bench_jsonl(out, pairs) != 0) return -1;
    if (view == BENCH_CSV) bench_csv(out, csv_keys, pairs);
    if (view == BENCH_TABLE || markdown) {
        bench_table(out, columns, (int)(sizeof columns / sizeof *columns), pairs, is_timed_in_both,
                    markdown);
        print_rest(out, pairs, markdown);
        print_devices(out, pairs);
        fputs(
            "\na / b: the time in a over that in b, above 1 b is faster; its interval is from the "
            "ends of\nboth medians' 95 % intervals. floor: the least time that the measured "
            "ceilings allow, as a\nshare of the time taken. Runs differ by what the machine did "
            "meanwhile: measuring.md.\n",
            out);
    }
    return ferror(out) ? -1 : 0;
}
