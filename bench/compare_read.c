/* Records from a file: each line is looked at as a stranger's, and only what a comparison needs is
 * kept of it, since the samples are most of a record. A check says what is wrong in `why`; the
 * line's number is put in front of it once. */
#include "bench/compare.h"
#include "bench/total.h"
#include "bench/workload.h"
#include "src/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 100, WHY = 240 }; /* bytes: a text that a column holds; what is said of a line */

/* Control characters (C0, DEL and, as UTF-8, C1) would steer the terminal that a table goes to. */
static int is_plain(const char *s) {
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];
        if (c < ' ' || c == 127 || (c == 0xc2 && next < 0xa0)) return 0;
    }
    return 1;
}

/* A text as it is; null where it may be absent. */
static int take_text(const json_t *from, json_t *to, const char *key, int needed, char why[WHY]) {
    json_t *v = json_object_get(from, key);
    const char *s = json_string_value(v);
    if ((!v || json_is_null(v)) && !needed) return json_object_set_new(to, key, json_null()) == 0;
    snprintf(why, WHY, v ? "'%s' is no text" : "no key '%s'", key);
    if (!s) return 0;
    snprintf(why, WHY, "'%s' is empty, longer than %d bytes or holds control characters", key,
             TEXT_MAX);
    return *s && json_string_length(v) <= TEXT_MAX && is_plain(s) &&
           json_object_set(to, key, v) == 0;
}

static int take_size(const json_t *from, json_t *to, const char *key, char why[WHY]) {
    json_t *v = json_object_get(from, key);
    snprintf(why, WHY, v ? "'%s' is no whole number from 1 to %lld" : "no key '%s'", key,
             (long long)BENCH_SIZE_MAX);
    return json_is_integer(v) && json_integer_value(v) >= 1 &&
           json_integer_value(v) <= BENCH_SIZE_MAX && json_object_set(to, key, v) == 0;
}

/* JSON knows no infinity, but nothing takes 1e300 ns, nor 1e-300. */
typedef struct range {
    double least, most;
} range;
static const range times = {1e-3, 1e18}, shares = {0, 1e9};

static int is_within(const json_t *v, range r) {
    double d = json_is_number(v) ? json_number_value(v) : NAN;
    return d >= r.least && d <= r.most;
}

/* A number, or null. */
static int take_number(const json_t *from, json_t *to, const char *key, range r, char why[WHY]) {
    json_t *v = json_object_get(from, key);
    snprintf(why, WHY, v ? "'%s' is neither null nor a number from %g to %g" : "no key '%s'", key,
             r.least, r.most);
    if (!v || !(json_is_null(v) || is_within(v, r))) return 0;
    return json_object_set(to, key, v) == 0;
}

static int take_interval(const json_t *from, json_t *to, char why[WHY]) {
    json_t *v = json_object_get(from, "ci95_ns");
    snprintf(why, WHY,
             v ? "'ci95_ns' is neither null nor [least, most] in ns" : "no key 'ci95_ns'");
    if (!v) return 0;
    if (!json_is_null(v)) {
        const json_t *lo = json_array_get(v, 0), *hi = json_array_get(v, 1);
        if (json_array_size(v) != 2 || !is_within(lo, times) || !is_within(hi, times)) return 0;
        if (json_number_value(lo) > json_number_value(hi)) return 0;
    }
    return json_object_set(to, "ci95_ns", v) == 0;
}

/* What may be long, and is only shown or held against its like: cut. Absent: null. */
static int take_cut(const json_t *from, json_t *to, const char *key, char why[WHY]) {
    json_t *v = json_object_get(from, key);
    const char *s = json_string_value(v);
    char text[WHY];
    snprintf(why, WHY, "'%s' is no text", key);
    if (v && !s && !json_is_null(v)) return 0;
    snprintf(text, sizeof text, "%s", s ? s : "");
    for (char *c = text; *c; c++)
        if (!is_plain((char[]){*c, 0}) || (unsigned char)*c > 126) *c = '?';
    return json_object_set_new(to, key, *text ? json_string(text) : json_null()) == 0;
}

/* Keys that older records lack, or that may be null. */
static int take_flag(const json_t *from, json_t *to, const char *key, char why[WHY]) {
    json_t *v = json_object_get(from, key);
    snprintf(why, WHY, "'%s' is neither null, true nor false", key);
    if (v && !json_is_null(v) && !json_is_boolean(v)) return 0;
    return json_object_set_new(to, key, json_boolean(json_is_true(v))) == 0;
}

/* Products were all there was. */
static int take_op(const json_t *from, json_t *to, char why[WHY]) {
    return take_text(from, to, "op", 0, why) &&
           (json_is_string(json_object_get(to, "op")) ||
            json_object_set_new(to, "op", json_string("matmul")) == 0);
}

static int take_threads(const json_t *env, json_t *to, char why[WHY]) {
    json_t *v = json_object_get(env, "threads");
    snprintf(why, WHY, "'threads' is no whole number from 0 to 1000000");
    if (v && !json_is_null(v) &&
        !(json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= 1000000))
        return 0;
    return json_object_set_new(to, "threads", v ? json_incref(v) : json_null()) == 0;
}

/* Ceilings that were measured; null: an estimate, or none. */
static int take_ceiling(const json_t *ceilings, json_t *to, const char *key, char why[WHY]) {
    const json_t *v = json_object_get(ceilings, key), *name;
    int measured = json_is_true(json_object_get(ceilings, "measured"));
    size_t at;
    snprintf(why, WHY, "'%s' is neither null nor a number from %g to %g", key, shares.least,
             shares.most);
    if (v && !json_is_null(v) && !is_within(v, shares)) return 0;
    json_array_foreach(json_object_get(ceilings, "estimates"), at, name) {
        const char *s = json_string_value(name);
        if (s && strcmp(s, key) == 0) measured = 0;
    }
    double rate = json_number_value(v);
    return json_object_set_new(to, key, measured && rate > 0 ? json_real(rate) : json_null()) == 0;
}

/* What tells one machine, and one state of it, from another. */
static int take_env(const json_t *env, json_t *to, char why[WHY]) {
    static const char *const texts[] = {"cpu", "features", "mask", "rows_without", "date"};
    static const char *const rates[] = {"read_gbs", "cache_gbs", "f32_gflops"};
    const json_t *ceilings = json_object_get(env, "ceilings");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!take_cut(env, to, texts[i], why)) return 0;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (!take_ceiling(ceilings, to, rates[i], why)) return 0;
    return take_threads(env, to, why) && take_text(env, to, "device_name", 0, why);
}

static int is_schema(const json_t *r, char why[WHY]) {
    const char *s = json_string_value(json_object_get(r, "schema"));
    snprintf(why, WHY, json_is_object(r) ? "no text 'schema': not a record" : "not a record");
    if (!s) return 0;
    snprintf(why, WHY,
             "records of schema '%.40s'; this tare reads " BENCH_RECORD_SCHEMA
             " and " BENCH_RECORD_OLDER,
             s);
    return strcmp(s, BENCH_RECORD_SCHEMA) == 0 || strcmp(s, BENCH_RECORD_OLDER) == 0;
}

static int take_all(const json_t *r, json_t *to, char why[WHY]) {
    static const char *const texts[] = {"device", "scheme", "cache", "weights", "verdict"};
    static const char *const sizes[] = {"m", "n", "k"};
    if (!is_schema(r, why)) return 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!take_text(r, to, texts[i], 1, why)) return 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!take_size(r, to, sizes[i], why)) return 0;
    if (!take_text(r, to, "kernel", 0, why) || !take_number(r, to, "median_ns", times, why) ||
        !take_number(r, to, "pct_peak", shares, why) || !take_interval(r, to, why))
        return 0;
    snprintf(why, WHY, "a time, and no kernel that took it");
    if (json_is_number(json_object_get(to, "median_ns")) &&
        !json_is_string(json_object_get(to, "kernel")))
        return 0;
    return take_op(r, to, why) && take_text(r, to, "role", 0, why) &&
           take_text(r, to, "timing", 0, why) && take_flag(r, to, "noisy", why) &&
           take_flag(r, to, "unresolved", why) && take_cut(r, to, "refusal", why) &&
           take_env(json_object_get(r, "env"), to, why);
}

/* Totals over a model stand in the same file; they are sums of its cells, which are compared. */
static int is_total(const json_t *r) {
    const char *s = json_string_value(json_object_get(r, "schema"));
    return s && strcmp(s, BENCH_TOTAL_SCHEMA) == 0;
}

static tare_status read_line(const char *name, long number, const char *line, size_t length,
                             json_t *out) {
    char why[WHY] = "out of memory";
    json_error_t error;
    json_t *r = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error), *slim = json_object();
    int skip = is_total(r), good = r && slim && (skip || take_all(r, slim, why));
    if (!r) snprintf(why, sizeof why, "not JSON: %.160s", error.text);
    json_decref(r);
    if (good && !skip) good = json_array_append(out, slim) == 0;
    json_decref(slim);
    if (good) return TARE_OK;
    TARE_FAIL(TARE_E_FORMAT, "%.200s:%ld: %s", name, number, why);
}

tare_status bench_records_parse(const char *name, const char *text, size_t size, json_t **out) {
    tare_status s = TARE_OK;
    json_t *all = json_array();
    long line = 0;
    *out = NULL;
    if (!all) TARE_FAIL(TARE_E_NOMEM, "%.200s: out of memory", name);
    for (size_t at = 0; at < size && s == TARE_OK;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        line++;
        if (length > 0) s = read_line(name, line, text + at, length, all);
        at += length + 1;
    }
    if (s == TARE_OK && json_array_size(all) == 0)
        s = tare_fail(TARE_E_FORMAT, "%.200s: no records in it", name);
    if (s == TARE_OK)
        *out = all;
    else
        json_decref(all);
    return s;
}
