/* Which backends there are, and their devices. The only file that knows a backend by name: the CPU
 * is linked in, the others are found by src/module.c, once somebody asks for more than the CPU:
 * opening a driver takes a tenth of a second and starts threads. Filled once, then read without
 * locks. */
#include "fpenv.h"
#include "internal.h"
#include "text.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DEVICES_MAX = 64, REFUSALS_MAX = 32 };

static struct tare_device devices[DEVICES_MAX];
static int device_count;
static char refusals[REFUSALS_MAX][300];
static int refusal_count;
static int linked_in; /* the devices that need no module */
static pthread_once_t once = PTHREAD_ONCE_INIT, modules_once = PTHREAD_ONCE_INIT;

void tare_registry_refuse(const char *name, const char *reason) {
    if (refusal_count == REFUSALS_MAX) return;
    char *text = refusals[refusal_count++];
    snprintf(text, sizeof refusals[0], "%.100s: %.190s", name, reason);
    tare_text_clean(text);
}

static tare_status add_device(const tare_backend *b, int index) {
    if (device_count == DEVICES_MAX) TARE_FAIL(TARE_E_DEVICE, "more than %d devices", DEVICES_MAX);
    struct tare_device *d = &devices[device_count];
    memset(d, 0, sizeof *d);
    d->backend = b;
    TARE_TRY(b->ops->open(index, &d->info, &d->rates, &d->features, &d->state));
    TARE_TRY(tare_check_info(&d->info));
    TARE_TRY(tare_check_rates(&d->rates));
    for (int i = 0; i < device_count; i++)
        if (strcasecmp(devices[i].info.id, d->info.id) == 0)
            TARE_FAIL(TARE_E_DEVICE, "a second device '%s'", d->info.id);
    device_count++;
    return TARE_OK;
}

/* The module is fine, there is nothing for it here: what runs on its devices is said to be missing,
 * row by row counted, as no count of tests should pass over it. */
static void no_devices(const tare_backend *b) {
    const char *why = tare_last_error();
    char text[280];
    int rows = 0;
    while (b->rows[rows]) rows++;
    snprintf(text, sizeof text, "no devices%s%.150s; %d rows can't run", why && *why ? ": " : "",
             why ? why : "", rows);
    tare_registry_refuse(b->name, text);
}

tare_status tare_registry_add(const tare_backend *b) {
    tare_status s = tare_registry_check(b);
    if (s != TARE_OK) {
        /* Its other fields, the name too, may lie elsewhere than here. */
        tare_registry_refuse("a backend", tare_last_error());
        return s;
    }
    tare_fail(TARE_OK, "%s", "");
    int n = b->device_count();
    if (n < 0 || n > DEVICES_MAX) {
        s = tare_fail(TARE_E_DEVICE, "it counts %d devices; at most %d are taken", n, DEVICES_MAX);
        tare_registry_refuse(b->name, tare_last_error());
        return s;
    }
    if (n == 0) no_devices(b);
    for (int i = 0; i < n; i++) {
        tare_status one = add_device(b, i);
        if (one != TARE_OK) {
            tare_registry_refuse(b->name, tare_last_error());
            s = one;
        }
    }
    return s;
}

static void init(void) {
    TARE_FP_DEFAULT;
    tare_registry_add(&tare_cpu_backend);
    linked_in = device_count;
}

static void init_modules(void) {
    TARE_FP_DEFAULT;
    tare_module_scan();
    tare_fail(TARE_OK, "%s", ""); /* a module that did not load is no error of the caller's */
}

void tare_registry_init(void) {
    pthread_once(&once, init);
    pthread_once(&modules_once, init_modules);
}

const char *tare_backend_refusal(int index) {
    tare_registry_init();
    return index >= 0 && index < refusal_count ? refusals[index] : NULL;
}

int tare_device_count(void) {
    tare_registry_init();
    return device_count;
}

tare_device *tare_device_get(int index) {
    pthread_once(&once, init);
    if (index >= 0 && index < linked_in) return &devices[index];
    tare_registry_init();
    return index >= 0 && index < device_count ? &devices[index] : NULL;
}

/* A backend of that name may be here and have refused: "cuda", "cuda:0". */
static tare_status no_device(const char *text) {
    size_t name = strcspn(text, ":");
    for (int i = 0; *text && i < refusal_count; i++)
        if (strncasecmp(refusals[i], text, name) == 0)
            TARE_FAIL(TARE_E_NODEVICE, "no device '%s' here: %s", text, refusals[i]);
    TARE_FAIL(TARE_E_NODEVICE, "no device '%s' here; `tare devices` lists them", text);
}

tare_status tare_device_find(const char *text, tare_device **out) {
    if (!text || !out) TARE_FAIL(TARE_E_ARG, "device: null argument");
    *out = NULL;
    pthread_once(&once, init);
    for (int i = 0; i < linked_in; i++)
        if (strcasecmp(devices[i].info.id, text) == 0) {
            *out = &devices[i];
            return TARE_OK;
        }
    tare_registry_init();
    tare_device *hit = NULL;
    int hits = 0;
    for (int i = 0; i < device_count; i++) {
        const tare_device_info *info = &devices[i].info;
        if (strcasecmp(info->id, text) == 0) {
            *out = &devices[i];
            return TARE_OK;
        }
        if (*text && (strcasestr(info->id, text) || strcasestr(info->name, text))) {
            hit = &devices[i];
            hits++;
        }
    }
    if (hits > 1) TARE_FAIL(TARE_E_ARG, "device '%s' is ambiguous: %d devices match", text, hits);
    if (!hit) return no_device(text);
    *out = hit;
    return TARE_OK;
}
