#include "bench/drift.h"
#include "src/cache.h"
#include "src/data/file.h"
#include "src/internal.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATH_SIZE = 1024, FILE_MAX = 1 << 20, ENTRIES_MAX = 1000 };
#define SHARE_MAX 1.0 /* of a machine that says more nobody wants an interval */
static const char schema[] = "tare-drift-1";

/* 0: there is no folder for it. */
static int file_of(char out[PATH_SIZE]) {
    static const char name[] = "/drift.json";
    if (!tare_cache_folder(out, PATH_SIZE - sizeof name)) return 0;
    strcat(out, name);
    return 1;
}

/* What a drift is of. */
static void key_of(const bench_setup *s, enum bench_cache cache, char *out, size_t size) {
    tare_device_info host;
    tare_device *cpu;
    if (tare_device_find(tare_cpu_backend.name, &cpu) != TARE_OK ||
        tare_device_describe(cpu, &host) != TARE_OK)
        snprintf(host.name, sizeof host.name, "unknown");
    snprintf(out, size, "%s, %s %s, %d threads, %s", host.name, s->info.id, s->info.name,
             (int)s->info.threads, cache == BENCH_HOT ? "hot" : "cold");
}

/* The entries, or none: a file that is no such file counts as absent. */
static json_t *read_entries(void) {
    char path[PATH_SIZE];
    void *text = NULL;
    size_t size;
    if (!file_of(path) || file_read(path, FILE_MAX, &text, &size) != TARE_OK) return json_object();
    json_t *all = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    tare_free(text);
    json_t *entries = json_object_get(all, "drift");
    const char *kind = json_string_value(json_object_get(all, "schema"));
    int good = kind && strcmp(kind, schema) == 0 && json_is_object(entries) &&
               json_object_size(entries) <= ENTRIES_MAX;
    entries = good ? json_incref(entries) : json_object();
    json_decref(all);
    return entries;
}

bench_drift bench_drift_load(const bench_setup *s, enum bench_cache cache) {
    bench_drift d = {0};
    char key[400];
    key_of(s, cache, key, sizeof key);
    json_t *entries = read_entries();
    const json_t *one = json_object_get(entries, key), *share = json_object_get(one, "share");
    const char *date = json_string_value(json_object_get(one, "date"));
    double v = json_is_number(share) ? json_number_value(share) : 0;
    if (v > 0 && v <= SHARE_MAX && date && strlen(date) < sizeof d.date) {
        d.share = v;
        snprintf(d.date, sizeof d.date, "%s", date);
    }
    json_decref(entries);
    return d;
}

tare_status bench_drift_store(const bench_setup *s, enum bench_cache cache, double share) {
    char path[PATH_SIZE], key[400], date[32] = "";
    time_t now = time(NULL);
    struct tm t;
    if (!(share > 0 && share <= SHARE_MAX))
        TARE_FAIL(TARE_E_VALUE, "a drift of %.3g is none to widen intervals by", share);
    if (!file_of(path))
        TARE_FAIL(TARE_E_IO, "no folder to keep the drift in: TARE_CACHE_DIR names one");
    tare_cache_make_folders(path);
    key_of(s, cache, key, sizeof key);
    if (gmtime_r(&now, &t)) strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &t);
    json_t *entries = read_entries();
    if (json_object_size(entries) >= ENTRIES_MAX) json_object_clear(entries);
    if (json_object_set_new(entries, key, json_pack("{s:f, s:s}", "share", share, "date", date))) {
        json_decref(entries);
        TARE_FAIL(TARE_E_VALUE, "the device's name is no text to keep a drift under");
    }
    json_t *all = json_pack("{s:s, s:o}", "schema", schema, "drift", entries);
    char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
    tare_status st = text ? file_save(path, text, strlen(text))
                          : tare_fail(TARE_E_NOMEM, "out of memory for the drift");
    free(text);
    json_decref(all);
    return st;
}

void bench_drift_widen(double share, double median, double *lo, double *hi) {
    double more = 1.959963984540054 * share;
    if (!(more > 0) || !(*lo > 0) || !(*lo <= median) || !(median <= *hi)) return;
    *lo = median * exp(-hypot(log(median / *lo), more));
    *hi = median * exp(hypot(log(*hi / median), more));
}
