/* A pair's word first, then all of them. */
#include "bench/gate.h"
#include "bench/cell.h"
#include "bench/stats.h"
#include "bench/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY = 320, NAMED = 3 }; /* bytes; cells that the line names */

static int is_timed(const json_t *r) {
    return json_is_number(json_object_get(r, "median_ns"));
}

static int is_true(const json_t *r, const char *key) {
    return json_is_true(json_object_get(r, key));
}

static int alike(const json_t *a, const json_t *b, const char *key) {
    return json_equal(json_object_get(a, key), json_object_get(b, key));
}

static int is_wrong(const json_t *r) {
    return strcmp(bench_json_string(r, "verdict"), bench_verdict_name(BENCH_WRONG)) == 0;
}

static int is_wide(const json_t *r) {
    return !json_is_array(json_object_get(r, "ci95_ns"));
}

/* Told by both, and not the same. */
static int differ(const json_t *a, const json_t *b, const char *key, char why[WHY]) {
    const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);
    if (!x || !y || json_is_null(x) || json_is_null(y) || json_equal(x, y)) return 0;
    if (json_is_string(x) && json_is_string(y))
        snprintf(why, WHY, "%s is '%.100s' in a, '%.100s' in b", key, json_string_value(x),
                 json_string_value(y));
    else
        snprintf(why, WHY, "%s: %.0f in a, %.0f in b", key, json_number_value(x),
                 json_number_value(y));
    return 1;
}

/* ---- the machine, as its ceilings tell ---- */

typedef struct drift {
    double least, most; /* of a ceiling in b over the same in a */
} drift;

/* A mask takes the units away that the arithmetic ceiling is made of, so there it tells nothing. */
static drift drift_of(const json_t *a, const json_t *b) {
    int same_units = alike(a, b, "features") && alike(a, b, "mask");
    int hot = strcmp(bench_json_string(a, "cache"), "hot") == 0;
    const struct {
        const char *key;
        int tells;
    } ceilings[] = {{"read_gbs", 1}, {"cache_gbs", hot}, {"f32_gflops", same_units}};
    drift d = {1, 1};
    for (size_t i = 0; i < sizeof ceilings / sizeof *ceilings; i++) {
        double x = bench_json_number(a, ceilings[i].key), y = bench_json_number(b, ceilings[i].key);
        if (!ceilings[i].tells || !(x > 0) || !(y > 0)) continue;
        d.least = fmin(d.least, y / x);
        d.most = fmax(d.most, y / x);
    }
    return d;
}

/* ---- one pair ---- */

/* One measurement that stands in both files. */
static int is_itself(const json_t *a, const json_t *b) {
    return alike(a, b, "median_ns") && alike(a, b, "ci95_ns") && alike(a, b, "kernel") &&
           alike(a, b, "date");
}

static const char *incomparable(const json_t *a, const json_t *b) {
    if (is_true(a, "noisy")) return is_true(b, "noisy") ? "noisy in both" : "noisy in a";
    if (is_true(b, "noisy")) return "noisy in b";
    if (is_true(a, "unresolved") || is_true(b, "unresolved")) return "too short for the clock";
    if (is_wide(a) || is_wide(b)) return "too few samples for an interval";
    return NULL;
}

/* As far apart as two like runs may be. Each run chose its kernel itself where it might have had
 * the other's: under a mask of its own, or with rows left out, it might not. */
static double apart_of(const json_t *a, const json_t *b) {
    int chosen = !alike(a, b, "kernel") && alike(a, b, "features") && alike(a, b, "mask") &&
                 alike(a, b, "rows_without");
    return chosen ? BENCH_CHOICES_APART : BENCH_RUNS_APART;
}

/* b's run had a's kernel, and preferred another one: a kernel that is slower by choice. */
static int is_chosen(const json_t *a, const json_t *b, const json_t *kernels_of_b) {
    return !alike(a, b, "kernel") &&
           json_object_get(kernels_of_b, bench_json_string(a, "kernel")) != NULL;
}

static const char *judge(const json_t *pair, const json_t *a, const json_t *b,
                         const json_t *kernels_of_b, char why[WHY]) {
    const json_t *ci = json_object_get(pair, "ratio_ci95");
    double lo = json_number_value(json_array_get(ci, 0));
    double hi = json_number_value(json_array_get(ci, 1)), apart = apart_of(a, b);
    drift d = drift_of(a, b);
    snprintf(why, WHY, "a / b %.3g [%.3g, %.3g]", bench_json_number(pair, "ratio"), lo, hi);
    size_t used = strlen(why);
    if (lo >= BENCH_HURTS_BELOW && d.most <= BENCH_RUNS_APART) return "ok";
    if (lo >= BENCH_HURTS_BELOW)
        snprintf(why + used, WHY - used, ", but b's ceilings are up to %.3g times a's", d.most);
    else if (hi < BENCH_HURTS_BELOW && is_chosen(a, b, kernels_of_b))
        snprintf(why + used, WHY - used, ", but b has a's kernel in other cells");
    else if (hi < d.least / apart)
        return "slower";
    else if (hi < 1 / apart)
        snprintf(why + used, WHY - used, ", but b's ceilings fell to %.3g of a's", d.least);
    else if (hi < BENCH_HURTS_BELOW)
        snprintf(why + used, WHY - used, ", no more than two like runs differ%s",
                 apart > BENCH_RUNS_APART ? " that choose their kernels" : "");
    return "unclear";
}

static const char *word_of(const json_t *pair, const json_t *a, const json_t *b,
                           const json_t *kernels_of_b, char why[WHY]) {
    const char *reason;
    if (b && is_wrong(b)) {
        snprintf(why, WHY, "%.100s", bench_json_string(b, "refusal"));
        return "wrong";
    }
    if (a && !b) snprintf(why, WHY, "only in a");
    if (!a || !b) return a && is_timed(a) ? "missing" : NULL;
    if (differ(a, b, "cpu", why) || differ(a, b, "device_name", why) ||
        differ(a, b, "threads", why))
        return "other-machine";
    if (!is_timed(a)) return !is_timed(b) && alike(a, b, "verdict") ? "ok" : NULL;
    snprintf(why, WHY, "%.40s in b", bench_json_string(b, "verdict"));
    if (!is_timed(b)) return "missing";
    *why = 0;
    if (is_itself(a, b)) return "ok";
    if (differ(a, b, "timing", why)) return "unclear";
    if ((reason = incomparable(a, b))) {
        snprintf(why, WHY, "%s", reason);
        return "unclear";
    }
    return judge(pair, a, b, kernels_of_b, why);
}

static void put_text(json_t *o, const char *key, const char *text) {
    json_t *v = text && *text ? json_string(text) : NULL;
    json_object_set_new(o, key, v ? v : json_null());
}

json_t *bench_gate_kernels(const json_t *b) {
    json_t *out = json_object();
    const json_t *r;
    size_t at;
    json_array_foreach(b, at, r) {
        const char *kernel = bench_json_string(r, "kernel");
        if (*kernel && is_timed(r) && json_object_set_new(out, kernel, json_true()) != 0) break;
    }
    if (out && at == json_array_size(b)) return out;
    json_decref(out);
    return NULL;
}

void bench_gate_pair(json_t *pair, const json_t *a, const json_t *b, const json_t *kernels_of_b) {
    char why[WHY] = "";
    const char *asked = "asked", *role = bench_json_string(a ? a : b, "role");
    if (b && strcmp(bench_json_string(b, "role"), asked) == 0) role = asked;
    put_text(pair, "role", role);
    put_text(pair, "gate", word_of(pair, a, b, kernels_of_b, why));
    put_text(pair, "why", why);
}

/* ---- all of them ---- */

/* "open": either of the two that leave it open. */
static int says(const json_t *pair, const char *word) {
    const char *said = bench_json_string(pair, "gate");
    if (strcmp(word, "open") == 0)
        return strcmp(said, "missing") == 0 || strcmp(said, "unclear") == 0;
    return strcmp(said, word) == 0;
}

static int is_asked(const json_t *pair) {
    return strcmp(bench_json_string(pair, "role"), "asked") == 0;
}

typedef struct jury {
    const json_t *pairs;
    int all; /* nothing was asked for: baselines decide */
} jury;

/* A wrong answer is one whoever asked. */
static int decides(const jury *j, const json_t *pair, const char *word) {
    return says(pair, word) && (j->all || is_asked(pair) || says(pair, "wrong"));
}

static size_t count_of(const jury *j, const char *word) {
    size_t at, n = 0;
    const json_t *p;
    json_array_foreach(j->pairs, at, p) n += (size_t)decides(j, p, word);
    return n;
}

static void add(char line[BENCH_GATE_LINE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(char line[BENCH_GATE_LINE], const char *format, ...) {
    size_t used = strlen(line);
    va_list list;
    va_start(list, format);
    vsnprintf(line + used, BENCH_GATE_LINE - used, format, list);
    va_end(list);
}

static void name_pair(char line[BENCH_GATE_LINE], const json_t *p) {
    const char *kernel = bench_json_string(p, "kernel"), *b = bench_json_string(p, "b_kernel");
    add(line, "%s %.0fx%.0fx%.0f %s %s %s", bench_json_string(p, "device"),
        bench_json_number(p, "m"), bench_json_number(p, "n"), bench_json_number(p, "k"),
        bench_json_string(p, "scheme"), bench_json_string(p, "cache"), *kernel ? kernel : "-");
    if (*b && strcmp(kernel, b) != 0) add(line, " -> %s", b);
    if (*bench_json_string(p, "why")) add(line, " (%s)", bench_json_string(p, "why"));
}

static int by_ratio(const void *a, const void *b) {
    double x = bench_json_number(*(json_t *const *)a, "ratio"),
           y = bench_json_number(*(json_t *const *)b, "ratio");
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return x < y ? -1 : x > y;
}

/* The slowest first; without a ratio, last. */
static void name_some(char line[BENCH_GATE_LINE], const jury *j, const char *word) {
    size_t at, n = 0, count = count_of(j, word);
    const json_t *p, **all = calloc(count + 1, sizeof(const json_t *));
    if (!all) return;
    json_array_foreach(j->pairs, at, p) {
        if (decides(j, p, word)) all[n++] = p;
    }
    qsort(all, n, sizeof(const json_t *), by_ratio);
    for (size_t i = 0; i < n && i < NAMED; i++) {
        add(line, i ? "; " : ": ");
        name_pair(line, all[i]);
    }
    if (n > NAMED) add(line, "; and %zu more", n - NAMED);
    free(all);
}

/* Of all pairs, baselines too: where everything moved alike, it was no single kernel. */
static void add_median(char line[BENCH_GATE_LINE], const json_t *pairs) {
    size_t at, n = 0;
    const json_t *p;
    double *ratio = calloc(json_array_size(pairs) + 1, sizeof *ratio);
    if (!ratio) return;
    json_array_foreach(pairs, at, p) {
        double r = bench_json_number(p, "ratio");
        if (isfinite(r)) ratio[n++] = r;
    }
    bench_sort(ratio, n);
    if (n > 1) add(line, "; the median a / b of all %zu cells is %.3g", n, bench_median(ratio, n));
    free(ratio);
}

static enum bench_gate_code say(char line[BENCH_GATE_LINE], const jury *j, const char *word,
                                const char *title, enum bench_gate_code code) {
    size_t all = 0;
    static const char *const words[] = {"ok", "slower", "wrong", "other-machine", "open", NULL};
    for (int i = 0; words[i]; i++) all += count_of(j, words[i]);
    add(line, "%s: %zu of %zu cells", title, count_of(j, word), all);
    if (code != BENCH_PAIRS_HOLD) name_some(line, j, word);
    if (code == BENCH_PAIRS_SLOWER) add_median(line, j->pairs);
    return code;
}

enum bench_gate_code bench_gate(const json_t *pairs, char line[BENCH_GATE_LINE]) {
    size_t at;
    const json_t *p;
    jury j = {pairs, 1};
    json_array_foreach(pairs, at, p) {
        if (is_asked(p)) j.all = 0;
    }
    *line = 0;
    if (count_of(&j, "wrong")) return say(line, &j, "wrong", "wrong", BENCH_PAIRS_WRONG);
    if (count_of(&j, "other-machine"))
        return say(line, &j, "other-machine", "can't tell, another machine", BENCH_PAIRS_OPEN);
    if (count_of(&j, "slower")) return say(line, &j, "slower", "slower", BENCH_PAIRS_SLOWER);
    if (count_of(&j, "open")) return say(line, &j, "open", "can't tell", BENCH_PAIRS_OPEN);
    if (count_of(&j, "ok") == 0) {
        add(line, "can't tell: no cell is in both files");
        return BENCH_PAIRS_OPEN;
    }
    return say(line, &j, "ok", "unchanged or faster", BENCH_PAIRS_HOLD);
}
