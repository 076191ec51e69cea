/* Views of the records of `tare bench`. */
#include "bench/record.h"
#include "bench/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void device_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", bench_json_string(r, "device"));
}
static int many_devices(const json_t *records) {
    return bench_json_differs(records, "device");
}
static void shape_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", bench_json_string(r, "workload"));
}
static void size_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%.0fx%.0fx%.0f", bench_json_number(r, "m"), bench_json_number(r, "n"),
             bench_json_number(r, "k"));
}
/* A baseline that nobody asked for stands in parentheses; * marks the row others are judged by. */
static void scheme_cell(const json_t *r, char out[160]) {
    int base = isfinite(bench_json_number(r, "ratio")) && bench_json_number(r, "ratio") == 1 &&
               strcmp(bench_json_string(r, "kernel"), bench_json_string(r, "base_kernel")) == 0;
    int extra = strcmp(bench_json_string(r, "role"), "baseline") == 0;
    snprintf(out, 160, "%s%s%s%s", extra ? "(" : "", bench_json_string(r, "scheme"),
             extra ? ")" : "", base ? "*" : "");
}
static void kernel_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s",
             bench_json_string(r, "kernel")[0] ? bench_json_string(r, "kernel") : "-");
}
static void cache_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", bench_json_string(r, "cache"));
}
static void weights_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", bench_json_string(r, "weights"));
}
static void timing_cell(const json_t *r, char out[160]) {
    snprintf(out, 160, "%s", bench_json_string(r, "timing"));
}
static int some_by_device(const json_t *records) {
    size_t i;
    const json_t *r;
    json_array_foreach(records, i, r) {
        const char *by = bench_json_string(r, "timing");
        if (by[0] && strcmp(by, "host") != 0) return 1;
    }
    return 0;
}
static int some_streamed(const json_t *records) {
    return bench_json_differs(records, "weights") ||
           strcmp(bench_json_string(json_array_get(records, 0), "weights"), "streamed") == 0;
}
/* To the device + the kernel + back, by the device's clock. */
static void transfer_cell(const json_t *r, char out[160]) {
    char h2d[160], kernel[160], d2h[160];
    bench_fixed(h2d, bench_json_number(r, "h2d_ns"), 1e3, "");
    bench_fixed(kernel, bench_json_number(r, "kernel_ns"), 1e3, "");
    bench_fixed(d2h, bench_json_number(r, "d2h_ns"), 1e3, "");
    out[0] = 0;
    if (h2d[0]) snprintf(out, 160, "%.20s + %.20s + %.20s", h2d, kernel, d2h);
}
static void end_to_end_cell(const json_t *r, char out[160]) {
    bench_fixed(out, bench_json_number(r, "end_to_end_ns"), 1e3, "");
}
static int some_transfers(const json_t *records) {
    size_t i;
    const json_t *r;
    json_array_foreach(records, i, r) {
        if (isfinite(bench_json_number(r, "h2d_ns"))) return 1;
    }
    return 0;
}
static void median_cell(const json_t *r, char out[160]) {
    bench_fixed(out, bench_json_number(r, "median_ns"), 1e3, "");
}
/* Half the width of the 95 % interval in percent; ~ where the noise probe stayed low. */
static void spread_cell(const json_t *r, char out[160]) {
    const json_t *ci = json_object_get(r, "ci95_ns");
    out[0] = 0;
    if (!json_is_array(ci)) return;
    double lo = json_number_value(json_array_get(ci, 0)),
           hi = json_number_value(json_array_get(ci, 1));
    snprintf(out, 160, "%.1f%%%s", 50 * (hi - lo) / bench_json_number(r, "median_ns"),
             json_is_true(json_object_get(r, "noisy")) ? "~" : "");
}
static void p99_cell(const json_t *r, char out[160]) {
    bench_fixed(out, bench_json_number(r, "p99_ns"), 1e3, "");
}
static void samples_cell(const json_t *r, char out[160]) {
    double n = bench_json_number(r, "n_samples");
    out[0] = 0;
    if (isfinite(n)) snprintf(out, 160, "%.0f %s", n, bench_json_string(r, "stop"));
}
static void size_mb_cell(const json_t *r, char out[160]) {
    bench_fixed(out, bench_json_number(r, "packed_bytes"), 1e6, "");
}
static void peak_cell(const json_t *r, char out[160]) {
    double v = bench_json_number(r, "pct_peak");
    out[0] = 0;
    if (isfinite(v)) snprintf(out, 160, "%.0f%% %s", v, bench_json_string(r, "bottleneck"));
}
static void float_cell(const json_t *r, char out[160]) {
    bench_fixed(out, bench_json_number(r, "ratio"), 1, "");
}
/* Whom the verdict is about. */
static void against_cell(const json_t *r, char out[160]) {
    const char *scheme = bench_json_string(r, "against_scheme"),
               *kernel = bench_json_string(r, "against_kernel");
    int itself = strcmp(scheme, bench_json_string(r, "scheme")) == 0 &&
                 strcmp(kernel, bench_json_string(r, "kernel")) == 0;
    if (!kernel[0])
        snprintf(out, 160, "-");
    else if (itself)
        snprintf(out, 160, "itself");
    else
        snprintf(out, 160, "%s %s", scheme, kernel);
}
static void ratio_cell(const json_t *r, char out[160]) {
    const json_t *ci = json_object_get(r, "against_ratio_ci95");
    double v = bench_json_number(r, "against_ratio");
    out[0] = 0;
    if (!isfinite(v)) return;
    if (json_is_array(ci))
        snprintf(out, 160, "%.2f [%.2f, %.2f]", v, json_number_value(json_array_get(ci, 0)),
                 json_number_value(json_array_get(ci, 1)));
    else
        snprintf(out, 160, "%.2f", v);
}
static void int8_cell(const json_t *r, char out[160]) {
    bench_fixed(out, bench_json_number(r, "ratio_int8"), 1, "");
}
static void int4_cell(const json_t *r, char out[160]) {
    bench_fixed(out, bench_json_number(r, "ratio_int4"), 1, "");
}
static void error_cell(const json_t *r, char out[160]) {
    bench_fixed(out, bench_json_number(r, "error"), 1, "");
}
/* Where moving takes longer than computing, a better kernel would change little: that is part of
 * the verdict, as is what kept it from a decision. */
static void verdict_cell(const json_t *r, char out[160]) {
    int moves = strcmp(bench_json_string(r, "bottleneck"), "transfer") == 0;
    int unresolved = json_is_true(json_object_get(r, "unresolved"));
    int noisy = json_is_true(json_object_get(r, "noisy")) ||
                json_is_true(json_object_get(r, "against_noisy"));
    snprintf(out, 160, "%s%s", bench_json_string(r, "verdict"),
             unresolved ? ", too short for its clock"
             : noisy    ? ", noisy"
             : moves    ? ", bound by transfer"
                        : "");
}

static const bench_column columns[] = {
    {"device", 0, device_cell, many_devices},
    {"layer", 0, shape_cell, NULL},
    {"m x n x k", 0, size_cell, NULL},
    {"scheme", 0, scheme_cell, NULL},
    {"kernel", 0, kernel_cell, NULL},
    {"cache", 0, cache_cell, NULL},
    {"weights", 0, weights_cell, some_streamed},
    {"timed by", 0, timing_cell, some_by_device},
    {"median us", 1, median_cell, NULL},
    {"+-", 1, spread_cell, NULL},
    {"p99 us", 1, p99_cell, NULL},
    {"samples", 1, samples_cell, NULL},
    {"h2d + kernel + d2h us", 1, transfer_cell, some_transfers},
    {"end to end", 1, end_to_end_cell, some_transfers},
    {"MB", 1, size_mb_cell, NULL},
    {"of peak", 1, peak_cell, NULL},
    {"err/bound", 1, error_cell, NULL},
    {"vs dense float", 1, float_cell, NULL},
    {"vs int8", 1, int8_cell, NULL},
    {"vs int4", 1, int4_cell, NULL},
    {"against", 0, against_cell, NULL},
    {"ratio", 1, ratio_cell, NULL},
    {"verdict", 0, verdict_cell, NULL},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static int timed(const json_t *r) {
    return json_is_number(json_object_get(r, "median_ns"));
}

/* Whether an earlier record says the same: cold, hot and streamed are refused alike. */
static int said_before(const json_t *records, size_t at) {
    static const char *const keys[] = {"device", "m",      "n",       "k",       "workload",
                                       "scheme", "kernel", "verdict", "refusal", NULL};
    for (size_t i = at > 256 ? at - 256 : 0; i < at; i++) { /* of the same shape */
        int same = 1;
        for (int k = 0; keys[k] && same; k++)
            same = json_equal(json_object_get(json_array_get(records, i), keys[k]),
                              json_object_get(json_array_get(records, at), keys[k]));
        if (same) return 1;
    }
    return 0;
}

/* What was not timed, with its reason, in one line each. */
static void refusals(FILE *out, const json_t *records, int markdown) {
    size_t i;
    const json_t *r;
    int any = 0, many = many_devices(records);
    json_array_foreach(records, i, r) {
        char size[160];
        if (timed(r) || said_before(records, i)) continue;
        if (!any++) fprintf(out, "\nnot timed:\n%s", markdown ? "\n" : "");
        size_cell(r, size);
        fprintf(out, "%s%s%s%s %s %s %s: %s\n", markdown ? "- " : "  ",
                many ? bench_json_string(r, "device") : "", many ? " " : "", size,
                bench_json_string(r, "scheme"),
                bench_json_string(r, "kernel")[0] ? bench_json_string(r, "kernel") : "-",
                bench_json_string(r, "verdict"), bench_json_string(r, "refusal"));
    }
}

/* A device's own clock that was not believed is said so in its description. */
static void host_clock(FILE *out, const char *runtime) {
    const char *at = strstr(runtime, "timed by the host");
    if (at) fprintf(out, ", %s", at);
}

/* Behind a ceiling that stands for none, where others were measured. */
static const char *guessed(const json_t *top, const char *key) {
    const json_t *list = json_object_get(top, "estimates"), *one;
    size_t i;
    if (!json_is_true(json_object_get(top, "measured")) || !(bench_json_number(top, key) > 0))
        return "";
    json_array_foreach(list, i, one) {
        const char *name = json_string_value(one);
        if (name && strcmp(name, key) == 0) return " (estimated)";
    }
    return "";
}

static void ceilings(FILE *out, const json_t *r) {
    const json_t *env = json_object_get(r, "env"), *top = json_object_get(env, "ceilings");
    double threads = bench_json_number(env, "threads"), h2d = bench_json_number(top, "h2d_gbs");
    fprintf(out, "%s: %s", bench_json_string(r, "device"), bench_json_string(env, "device_name"));
    if (threads > 0) fprintf(out, ", %.0f threads", threads);
    host_clock(out, bench_json_string(env, "runtime"));
    fprintf(out, "; ceilings: read %.1f GB/s%s, cache %.1f GB/s%s, f32 %.0f GFLOP/s%s, ",
            bench_json_number(top, "read_gbs"), guessed(top, "read_gbs"),
            bench_json_number(top, "cache_gbs"), guessed(top, "cache_gbs"),
            bench_json_number(top, "f32_gflops"), guessed(top, "f32_gflops"));
    fprintf(out, "bf16 %.0f%s, int8 %.0f GOP/s%s", bench_json_number(top, "bf16_gflops"),
            guessed(top, "bf16_gflops"), bench_json_number(top, "i8_gops"),
            guessed(top, "i8_gops"));
    if (h2d > 0)
        fprintf(out, ", to the device %.1f GB/s%s, back %.1f GB/s%s", h2d, guessed(top, "h2d_gbs"),
                bench_json_number(top, "d2h_gbs"), guessed(top, "d2h_gbs"));
    fputs(json_is_true(json_object_get(top, "measured")) ? "\n"
                                                         : " (estimates: not measured here)\n",
          out);
}

/* Each device once: they come in the same order in every group. */
static void legend(FILE *out, const json_t *records, int markdown) {
    const json_t *r, *first = json_array_get(records, 0);
    size_t at, seen;
    fputs("\n", out);
    json_array_foreach(records, at, r) {
        for (seen = 0; seen < at; seen++)
            if (json_object_get(json_array_get(records, seen), "env") == json_object_get(r, "env"))
                break;
        if (seen == at) ceilings(out, r);
        if (seen == at) bench_report_limits(out, records, r);
        if (seen == at && markdown) fputs("\n", out);
    }
    if (first)
        fputs("(..) baseline added for comparison   * the best dense float row   ~ noisy\n"
              "ratio and verdict are about the row named under against\n",
              out);
}

/* clang-format off */
static const char *const csv_keys[] = {
    "schema", "device", "op", "workload", "m", "n", "k", "scheme", "role", "kernel", "vendor",
    "cache", "weights", "timing", "n_samples", "median_ns", "p90_ns", "p99_ns", "ci95_ns",
    "mad_ns", "min_ns", "outliers", "stop", "noisy", "h2d_ns", "kernel_ns", "d2h_ns",
    "end_to_end_ns", "bytes", "packed_bytes", "pct_peak", "bottleneck", "error", "base_kernel",
    "ratio", "ratio_ci95", "ratio_int8", "ratio_int8_ci95", "ratio_int4", "ratio_int4_ci95",
    "against_scheme", "against_kernel", "against_noisy", "against_ratio", "against_ratio_ci95",
    "verdict", "refusal", "replay", NULL,
};
/* clang-format on */

int bench_view_find(const char *name) {
    static const char *const names[] = {"table", "md", "csv", "jsonl"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0) return i + 1;
    return 0;
}

/* ---- as records come ---- */

static int is_aligned(enum bench_view view) {
    return view == BENCH_TABLE || view == BENCH_MD;
}

int bench_sheet_begin(bench_sheet *s, const bench_column *all, int count, const json_t *records,
                      int (*show)(const json_t *r)) {
    json_t *seen = s->plan ? json_copy((json_t *)s->plan) : json_array();
    if (!seen || json_array_extend(seen, (json_t *)records) != 0) return -1;
    bench_layout_make(&s->layout, all, count, seen, show, s->view == BENCH_MD);
    json_decref(seen);
    return 0;
}

int bench_report_some(FILE *out, bench_sheet *s, const json_t *records) {
    int head = !s->begun;
    s->begun = 1;
    if (s->view == BENCH_JSONL && bench_jsonl(out, records) != 0) return -1;
    if (s->view == BENCH_CSV) {
        if (head) bench_csv_head(out, csv_keys);
        bench_csv_rows(out, csv_keys, records);
    }
    if (is_aligned(s->view)) {
        if (head) {
            if (bench_sheet_begin(s, columns, COLUMNS, records, timed) != 0) return -1;
            bench_layout_head(out, &s->layout);
        }
        s->rows += bench_layout_rows(out, &s->layout, records, timed);
    }
    return ferror(out) ? -1 : 0;
}

int bench_report_end(FILE *out, const bench_sheet *s, const json_t *records, const json_t *totals) {
    if (is_aligned(s->view)) {
        if (!s->rows) fputs("(nothing was timed)\n", out);
        refusals(out, records, s->view == BENCH_MD);
    }
    if (bench_report_totals(out, s->view, totals) != 0) return -1;
    if (is_aligned(s->view)) legend(out, records, s->view == BENCH_MD);
    return ferror(out) ? -1 : 0;
}

int bench_report(FILE *out, enum bench_view view, const json_t *records) {
    bench_sheet s = {.view = view};
    if (bench_report_some(out, &s, records) != 0) return -1;
    return bench_report_end(out, &s, records, NULL);
}
