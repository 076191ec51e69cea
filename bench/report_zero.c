/* Records of `tare zero`, and their views. */
#include "bench/record.h"
#include "bench/table.h"
#include "bench/zero.h"

#include <math.h>
#include <string.h>

static double share(int part, int of) {
    return of > 0 ? (double)part / of : NAN;
}

static void put_count(json_t *o, const bench_zero_count *n) {
    json_object_set_new(o, "pairs", json_integer(n->pairs));
    json_object_set_new(o, "helps", json_integer(n->helps));
    json_object_set_new(o, "hurts", json_integer(n->hurts));
    json_object_set_new(o, "neutral", json_integer(n->neutral));
    json_object_set_new(o, "inconclusive", json_integer(n->open));
    json_object_set_new(o, "noisy", json_integer(n->noisy));
    json_object_set_new(o, "false_share", bench_json_real(share(n->helps + n->hurts, n->pairs)));
    json_object_set_new(o, "intervals", json_integer(n->intervals));
    json_object_set_new(o, "covered_share", bench_json_real(share(n->covered, n->intervals)));
    json_object_set_new(o, "covered_with_drift_share",
                        bench_json_real(share(n->widened, n->intervals)));
    json_object_set_new(o, "heats", json_integer(n->heats));
    json_object_set_new(o, "heats_missed", json_integer(n->misses));
    json_object_set_new(o, "rows_changed", json_integer(n->changes));
}

static json_t *record_of(const bench_zero_row *r, const bench_setup *s, json_t *env) {
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "schema", "tare-zero-1",
                          "device", s->info.id, "m", (json_int_t)r->m, "n", (json_int_t)r->shape->n,
                          "k", (json_int_t)r->shape->k, "scheme", r->scheme, "kernel", r->kernel,
                          "cache", s->caches == BENCH_HOT ? "hot" : "cold");
    if (!o) return NULL;
    json_object_set_new(o, "median_ns", bench_json_real(r->median_ns));
    json_object_set_new(o, "drift", bench_json_real(r->drift));
    json_object_set_new(o, "heat_worst", bench_json_real(r->worst));
    put_count(o, &r->count);
    json_object_set_new(o, "env", json_incref(env));
    return o;
}

/* The sum of all has no scheme. */
static json_t *sum_of(const bench_zero *z, const bench_setup *s, json_t *env) {
    json_t *o =
        json_pack("{s:s, s:s, s:n, s:s, s:i}", "schema", "tare-zero-1", "device", s->info.id,
                  "scheme", "cache", s->caches == BENCH_HOT ? "hot" : "cold", "cycles", z->cycles);
    if (!o) return NULL;
    json_object_set_new(o, "drift_median", bench_json_real(z->drift_median));
    json_object_set_new(o, "drift_worst", bench_json_real(z->drift_worst));
    json_object_set_new(o, "drift_share", bench_json_real(z->share));
    put_count(o, &z->all);
    json_object_set_new(o, "env", json_incref(env));
    return o;
}

json_t *bench_zero_records(const bench_zero *z, const bench_setup *s, json_t *env) {
    json_t *a = json_array();
    for (int i = 0; i < z->rows; i++) json_array_append_new(a, record_of(&z->row[i], s, env));
    if (z->rows) json_array_append_new(a, sum_of(z, s, env));
    return a;
}

/* ---- views ---- */

static void size_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%.0f x %.0f x %.0f", bench_json_number(r, "m"),
             bench_json_number(r, "n"), bench_json_number(r, "k"));
}
static void scheme_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "scheme"));
}
static void kernel_cell(const json_t *r, char out[BENCH_CELL]) {
    int changed = (int)bench_json_number(r, "rows_changed");
    snprintf(out, BENCH_CELL, "%s", bench_json_string(r, "kernel"));
    if (changed > 0)
        snprintf(out, BENCH_CELL, "%s, %d changes", bench_json_string(r, "kernel"), changed);
}
static void median_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, bench_json_number(r, "median_ns"), 1e3, "");
}
static void pairs_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%.0f", bench_json_number(r, "pairs"));
}
static void false_cell(const json_t *r, char out[BENCH_CELL]) {
    snprintf(out, BENCH_CELL, "%.0f",
             bench_json_number(r, "helps") + bench_json_number(r, "hurts"));
}
static void open_cell(const json_t *r, char out[BENCH_CELL]) {
    double noisy = bench_json_number(r, "noisy");
    snprintf(out, BENCH_CELL, "%.0f", bench_json_number(r, "inconclusive"));
    if (noisy > 0)
        snprintf(out, BENCH_CELL, "%.0f, %.0f noisy", bench_json_number(r, "inconclusive"), noisy);
}
static void covered_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, 100 * bench_json_number(r, "covered_share"), 1, "%");
}
static void drift_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, 100 * bench_json_number(r, "drift"), 1, "%");
}
static void heat_cell(const json_t *r, char out[BENCH_CELL]) {
    bench_fixed(out, 100 * (bench_json_number(r, "heat_worst") - 1), 1, "%");
}

static const bench_column columns[] = {
    {"m x n x k", 0, size_cell, NULL},    {"scheme", 0, scheme_cell, NULL},
    {"row", 0, kernel_cell, NULL},        {"median us", 1, median_cell, NULL},
    {"pairs", 1, pairs_cell, NULL},       {"false", 1, false_cell, NULL},
    {"inconclusive", 1, open_cell, NULL}, {"covered", 1, covered_cell, NULL},
    {"drift", 1, drift_cell, NULL},       {"heat off by", 1, heat_cell, NULL},
};

static const char *const csv_keys[] = {"schema",
                                       "device",
                                       "m",
                                       "n",
                                       "k",
                                       "scheme",
                                       "kernel",
                                       "cache",
                                       "median_ns",
                                       "drift",
                                       "pairs",
                                       "helps",
                                       "hurts",
                                       "neutral",
                                       "inconclusive",
                                       "noisy",
                                       "false_share",
                                       "intervals",
                                       "covered_share",
                                       "heats",
                                       "heats_missed",
                                       "rows_changed",
                                       "heat_worst",
                                       NULL};

static int is_row(const json_t *r) {
    return bench_json_string(r, "scheme")[0] != 0;
}

/* What it comes to, in words. */
static void sentence(FILE *out, const json_t *all) {
    double pairs = bench_json_number(all, "pairs"),
           wrong = bench_json_number(all, "helps") + bench_json_number(all, "hurts");
    fprintf(
        out,
        "\n%.0f pairs of equals in %.0f cycles: %.0f false verdicts (%.1f%%), %.0f NEUTRAL, %.0f "
        "INCONCLUSIVE (%.0f of them noisy)\n",
        pairs, bench_json_number(all, "cycles"), wrong, 100 * bench_json_number(all, "false_share"),
        bench_json_number(all, "neutral"), bench_json_number(all, "inconclusive"),
        bench_json_number(all, "noisy"));
    double wide = bench_json_number(all, "covered_with_drift_share");
    double drift = bench_json_number(all, "drift_share");
    fprintf(out,
            "95 %% intervals covered the long-run median in %.1f%% of %.0f by what a measurement "
            "sees of itself",
            100 * bench_json_number(all, "covered_share"), bench_json_number(all, "intervals"));
    if (isfinite(drift))
        fprintf(out, ",\nin %.1f%% with the drift between measurements (+-%.1f%%)", 100 * wide,
                196 * drift);
    fputs("\n", out);
    fprintf(out, "drift of a median over the run: %.1f%% in the middle, %.1f%% at worst\n",
            100 * bench_json_number(all, "drift_median"),
            100 * bench_json_number(all, "drift_worst"));
    fprintf(out,
            "%.0f of %.0f heats chose a row more than 3 %% from the best; %.0f chose another row "
            "than the one before\n",
            bench_json_number(all, "heats_missed"), bench_json_number(all, "heats"),
            bench_json_number(all, "rows_changed"));
}

int bench_report_zero(FILE *out, enum bench_view view, const json_t *records) {
    if (view == BENCH_JSONL && bench_jsonl(out, records) != 0) return -1;
    if (view == BENCH_CSV) bench_csv(out, csv_keys, records);
    if (view == BENCH_TABLE || view == BENCH_MD) {
        bench_table(out, columns, (int)(sizeof columns / sizeof *columns), records, is_row,
                    view == BENCH_MD);
        if (json_array_size(records))
            sentence(out, json_array_get(records, json_array_size(records) - 1));
    }
    return ferror(out) ? -1 : 0;
}
