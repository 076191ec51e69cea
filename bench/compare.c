/* Pairs of records: both files sorted by cell, then walked side by side. Within a cell the same
 * kernels are paired, and then what is left over, the fastest with the fastest. */
#include "bench/compare.h"
#include "bench/cell.h"
#include "bench/gate.h"
#include "bench/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What makes two records the same cell: the problem, how it is coded, and where its weights are. */
static const char *const texts[] = {"device", "op", "scheme", "cache", "weights", NULL};
static const char *const sizes[] = {"n", "k", "m", NULL};

typedef struct entry {
    const json_t *record;
    size_t at;       /* in its file */
    int pair;        /* has a record of the other file */
    const json_t *b; /* that record, in entries of a */
} entry;

static int by_cell(const json_t *a, const json_t *b) {
    for (int i = 0; texts[i]; i++) {
        int c = strcmp(bench_json_string(a, texts[i]), bench_json_string(b, texts[i]));
        if (c) return c;
    }
    for (int i = 0; sizes[i]; i++) {
        double x = bench_json_number(a, sizes[i]), y = bench_json_number(b, sizes[i]);
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

static int by_kernel(const json_t *a, const json_t *b) {
    return strcmp(bench_json_string(a, "kernel"), bench_json_string(b, "kernel"));
}

static int in_file(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int in_order(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int c = by_cell(x->record, y->record);
    if (c == 0) c = by_kernel(x->record, y->record);
    return c ? c : in_file(a, b);
}

/* Those with a record of the other file last, then those without a time. */
static int by_time(const void *a, const void *b) {
    const entry *x = a, *y = b;
    double s = bench_json_number(x->record, "median_ns"),
           t = bench_json_number(y->record, "median_ns");
    if (x->pair != y->pair) return x->pair - y->pair;
    if (isnan(s) != isnan(t)) return isnan(s) - isnan(t);
    return s < t ? -1 : s > t ? 1 : in_file(a, b);
}

static entry *entries_of(const json_t *records, size_t *count) {
    *count = json_array_size(records);
    entry *e = calloc(*count + 1, sizeof *e);
    for (size_t i = 0; e && i < *count; i++)
        e[i] = (entry){.record = json_array_get(records, i), .at = i};
    if (e) qsort(e, *count, sizeof *e, in_order);
    return e;
}

static void join(entry *a, entry *b) {
    a->b = b->record;
    a->pair = b->pair = 1;
}

/* How many entries from the first on are of one cell. */
static size_t cell_size(const entry *e, size_t n) {
    size_t size = 1;
    while (size < n && by_cell(e->record, e[size].record) == 0) size++;
    return size;
}

static void pair_cell(entry *a, size_t na, entry *b, size_t nb) {
    size_t paired = 0;
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        int c = by_kernel(a[i].record, b[j].record);
        if (c == 0) join(&a[i], &b[j]);
        paired += c == 0;
        i += c <= 0;
        j += c >= 0;
    }
    qsort(a, na, sizeof *a, by_time);
    qsort(b, nb, sizeof *b, by_time);
    for (size_t i = 0; i < na - paired && i < nb - paired; i++) join(&a[i], &b[i]);
}

static void pair_up(entry *a, size_t na, entry *b, size_t nb) {
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        int c = by_cell(a[i].record, b[j].record);
        size_t x = c <= 0 ? cell_size(&a[i], na - i) : 0, y = c >= 0 ? cell_size(&b[j], nb - j) : 0;
        if (c == 0) pair_cell(&a[i], x, &b[j], y);
        i += x;
        j += y;
    }
    qsort(a, na, sizeof *a, in_file);
    qsort(b, nb, sizeof *b, in_file);
}

/* ---- one pair ---- */

static void copy(json_t *to, const char *key, const json_t *from, const char *from_key) {
    json_t *v = from ? json_object_get(from, from_key) : NULL;
    json_object_set_new(to, key, v ? json_incref(v) : json_null());
}

static double end_of(const json_t *r, size_t which) {
    const json_t *v = json_array_get(json_object_get(r, "ci95_ns"), which);
    return v ? json_number_value(v) : NAN;
}

/* a's time over b's, and as far as the ends of both intervals allow: wider than a bootstrap of the
 * samples, and they were never taken in turns. */
static void put_ratio(json_t *o, const json_t *a, const json_t *b) {
    static const char *const words[] = {"faster", "same", "slower", "unclear"};
    double ratio = bench_json_number(a, "median_ns") / bench_json_number(b, "median_ns");
    double lo = end_of(a, 0) / end_of(b, 1), hi = end_of(a, 1) / end_of(b, 0);
    int timed = isfinite(ratio), known = isfinite(lo) && isfinite(hi);
    json_object_set_new(o, "ratio", timed ? json_real(ratio) : json_null());
    json_object_set_new(o, "ratio_ci95",
                        timed && known ? json_pack("[f, f]", lo, hi) : json_null());
    json_object_set_new(
        o, "b_is", timed ? json_string(words[bench_judge(lo, hi) - BENCH_HELPS]) : json_null());
}

static json_t *pair_of(const json_t *a, const json_t *b, const json_t *kernels_of_b) {
    json_t *o = json_object();
    const json_t *any = a ? a : b;
    if (!o) return NULL;
    json_object_set_new(o, "schema", json_string("tare-compare-1"));
    json_object_set_new(o, "in", json_string(a && b ? "both" : a ? "a" : "b"));
    for (int i = 0; texts[i]; i++) copy(o, texts[i], any, texts[i]);
    for (int i = 0; sizes[i]; i++) copy(o, sizes[i], any, sizes[i]);
    copy(o, "kernel", any, "kernel");
    copy(o, "b_kernel", b, "kernel");
    copy(o, "a_ns", a, "median_ns");
    copy(o, "b_ns", b, "median_ns");
    put_ratio(o, a, b);
    copy(o, "a_pct_peak", a, "pct_peak");
    copy(o, "b_pct_peak", b, "pct_peak");
    copy(o, "a_verdict", a, "verdict");
    copy(o, "b_verdict", b, "verdict");
    copy(o, "refusal", json_is_string(json_object_get(b, "refusal")) ? b : any, "refusal");
    copy(o, "a_device_name", a, "device_name");
    copy(o, "b_device_name", b, "device_name");
    bench_gate_pair(o, a, b, kernels_of_b);
    return o;
}

json_t *bench_compare(const json_t *a, const json_t *b) {
    size_t na, nb;
    entry *ea = entries_of(a, &na), *eb = entries_of(b, &nb);
    json_t *out = json_array(), *kernels = bench_gate_kernels(b);
    int bad = !ea || !eb || !out || !kernels;
    if (!bad) pair_up(ea, na, eb, nb);
    for (size_t i = 0; i < na && !bad; i++)
        bad = json_array_append_new(out, pair_of(ea[i].record, ea[i].b, kernels)) != 0;
    for (size_t i = 0; i < nb && !bad; i++)
        if (!eb[i].pair)
            bad = json_array_append_new(out, pair_of(NULL, eb[i].record, kernels)) != 0;
    free(ea);
    free(eb);
    json_decref(kernels);
    if (!bad) return out;
    json_decref(out);
    return NULL;
}
