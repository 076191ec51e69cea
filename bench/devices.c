/* Lists of devices, as -d takes them. */
#include "bench/devices.h"
#include "src/internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static tare_status add(tare_device *d, bench_devices *out) {
    for (int i = 0; i < out->count; i++)
        if (out->device[i] == d) return TARE_OK;
    if (out->count == BENCH_DEVICES_MAX)
        TARE_FAIL(TARE_E_ARG, "-d: more than %d devices", BENCH_DEVICES_MAX);
    out->device[out->count++] = d;
    return TARE_OK;
}

/* Every device, or those of a backend by its name; `*found` says how many there are. */
static tare_status add_all(const char *backend, bench_devices *out, int *found) {
    *found = 0;
    for (int i = 0; i < tare_device_count(); i++) {
        tare_device *d = tare_device_get(i);
        if (backend && strcasecmp(d->backend->name, backend) != 0) continue;
        ++*found;
        TARE_TRY(add(d, out));
    }
    return TARE_OK;
}

static tare_status item(const char *text, bench_devices *out) {
    tare_device *d = NULL;
    int found = 0;
    if (strcmp(text, "all") == 0) return add_all(NULL, out, &found);
    /* The CPU is there without asking for modules, whose drivers take a while to wake. */
    if (strcasecmp(text, tare_cpu_backend.name) != 0) TARE_TRY(add_all(text, out, &found));
    if (found) return TARE_OK;
    TARE_TRY(tare_device_find(text, &d));
    return add(d, out);
}

static void note(char *skipped, size_t size, const char *name) {
    size_t at = strlen(skipped);
    snprintf(skipped + at, size - at, "%s%.40s: %.160s", at ? "; " : "", name, tare_last_error());
}

/* skipped null: every item must be there. */
static tare_status parse(const char *text, bench_devices *out, char *skipped, size_t size) {
    memset(out, 0, sizeof *out);
    TARE_TRY(tare_rows_without_check());
    for (const char *at = text ? text : "cpu";;) {
        char one[128];
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof one)
            TARE_FAIL(TARE_E_ARG, "-d: '%.60s' is no list of devices, as in cpu,opencl:0", text);
        snprintf(one, sizeof one, "%.*s", (int)length, at);
        tare_status s = item(one, out);
        if (s != TARE_OK && (!skipped || s != TARE_E_NODEVICE)) return s;
        if (s != TARE_OK) note(skipped, size, one);
        if (!at[length]) return TARE_OK;
        at += length + 1;
    }
}

tare_status bench_devices_parse(const char *text, bench_devices *out) {
    return parse(text, out, NULL, 0);
}

tare_status bench_devices_present(const char *text, bench_devices *out, char *skipped,
                                  size_t size) {
    skipped[0] = 0;
    TARE_TRY(parse(text, out, skipped, size));
    if (out->count == 0) TARE_FAIL(TARE_E_NODEVICE, "%s", skipped);
    return TARE_OK;
}

int bench_device_lost(tare_device *d) {
    char text[512], byte = 0;
    tare_buffer *b = NULL;
    tare_stream *s = NULL;
    snprintf(text, sizeof text, "%s", tare_last_error());
    tare_status st = tare_stream_create(d, &s);
    if (st == TARE_OK) st = tare_buffer_create(d, 1, &b);
    if (st == TARE_OK) st = tare_buffer_write(s, b, 0, &byte, 1);
    if (st == TARE_OK) st = tare_stream_sync(s);
    tare_buffer_destroy(b);
    tare_stream_destroy(s);
    (void)tare_fail(TARE_E_DEVICE, "%s", text);
    return st == TARE_E_DEVICE;
}
