/* checkall: every row of every loaded backend, each forced, against the fp64 reference. A row whose
 * features are absent is skipped; the last lines count the skips and name their reasons. */
#include "tests/rowcheck.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct target { /* by value: each parameter is checked in a process of its own */
    int device;
    char row[64];
} target;

/* TARE_CHECKALL_DEVICES: only devices whose id begins so. */
static int is_asked(const tare_device *d) {
    const char *only = getenv("TARE_CHECKALL_DEVICES");
    return !only || strncmp(d->info.id, only, strlen(only)) == 0;
}

static int list_rows(target *out, int max) {
    int n = 0;
    for (int i = 0; i < tare_device_count(); i++) {
        if (!is_asked(tare_device_get(i))) continue;
        for (const tare_kernel *const *r = tare_device_get(i)->backend->rows; *r; r++) {
            if (n < max && out) {
                out[n].device = i;
                snprintf(out[n].row, sizeof out[n].row, "%s", (*r)->name);
            }
            n++;
        }
    }
    return n;
}

static const tare_kernel *find_row(const target *t) {
    for (const tare_kernel *const *r = tare_device_get(t->device)->backend->rows; *r; r++)
        if (strcmp((*r)->name, t->row) == 0) return *r;
    return NULL;
}

static uint64_t seed(void) {
    const char *env = getenv("TARE_TEST_SEED");
    return env ? strtoull(env, NULL, 0) : 20261123;
}

/* TARE_CHECKALL_SHARE=N: one case in N, where the rows have been through all of them already. */
static int share(void) {
    const char *env = getenv("TARE_CHECKALL_SHARE");
    return env ? atoi(env) : 1;
}

static void free_rows(struct criterion_test_params *p) {
    cr_free(p->params);
}

static struct criterion_test_params rows(void) {
    int n = list_rows(NULL, 0);
    target *t = cr_malloc((size_t)n * sizeof *t);
    list_rows(t, n);
    return cr_make_param_array(target, t, (size_t)n, free_rows);
}

static const tare_kernel *present_row(const target *t) {
    const tare_kernel *row = find_row(t);
    cr_assert_not_null(row, "row %s vanished", t->row);
    char why[160];
    if (!tare_plan_features(tare_device_get(t->device), row, why))
        cr_skip_test("%s: %s", t->row, why);
    return row;
}

/* A filter that leaves nothing to check is a mistake of whoever set it. */
Test(checkall, has_rows) {
    cr_assert_gt(list_rows(NULL, 0), 0, "no device whose id begins with '%s'",
                 getenv("TARE_CHECKALL_DEVICES"));
}

ParameterizedTestParameters(checkall, every_row) {
    return rows();
}
ParameterizedTest(target *t, checkall, every_row, .timeout = 600) {
    const tare_kernel *row = present_row(t);
    rowcheck c = {.seed = seed(), .share = share()};
    int ok = rowcheck_run(tare_device_get(t->device), row, &c);
    cr_assert(ok, "%s", c.failure);
    fprintf(stderr, "checkall %-28s %6ld runs, worst error %.2f of the bound (%s)\n", t->row,
            c.runs, c.worst, c.worst_at);
}

ParameterizedTestParameters(checkall, large_shapes) {
    return rows();
}
ParameterizedTest(target *t, checkall, large_shapes, .timeout = 600) {
    const tare_kernel *row = present_row(t);
    rowcheck c = {.seed = seed()};
    int ok = rowcheck_large(tare_device_get(t->device), row, &c);
    cr_assert(ok, "%s", c.failure);
}

/* The rows of a device: how many ran, which did not and why. */
static void print_device(FILE *out, const tare_device *d) {
    int ran = 0, skipped = 0;
    for (const tare_kernel *const *r = d->backend->rows; *r; r++) {
        char why[160];
        if (tare_plan_features(d, *r, why)) {
            ran++;
            continue;
        }
        fprintf(out, "checkall skipped %s on %s: %s\n", (*r)->name, d->info.id, why);
        skipped++;
    }
    fprintf(out, "checkall on %s (%s; %s): %d rows run, %d skipped\n", d->info.id, d->info.name,
            d->info.features, ran, skipped);
    if (d->backend->host_memory) return;
    fprintf(out, "  run:");
    for (const tare_kernel *const *r = d->backend->rows; *r; r++)
        if (!((*r)->needs & ~d->features)) fprintf(out, " %s", (*r)->name);
    fputs("\n", out);
}

/* The parent only counts; children check. */
static void print_skips(FILE *out) {
    int devices = 0;
    for (int i = 0; i < tare_device_count(); i++) {
        if (!is_asked(tare_device_get(i))) continue;
        print_device(out, tare_device_get(i));
        devices++;
    }
    for (int i = 0; tare_backend_refusal(i); i++)
        fprintf(out, "checkall without backend %s\n", tare_backend_refusal(i));
    fprintf(out, "checkall: %d rows on %d devices, seed %llu\n", list_rows(NULL, 0), devices,
            (unsigned long long)seed());
}

/* The same for whoever runs the suite, where CTest shows nothing of what passes. */
static void keep_summary(int ok) {
    const char *path = getenv("TARE_CHECKALL_SUMMARY");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f) return;
    print_skips(f);
    fprintf(f, "checkall: %s\n", ok ? "all passed" : "FAILED");
    fclose(f);
}

/* Criterion finds the program again by this symbol when it spawns a worker: keep it visible. */
__attribute__((visibility("default"))) int main(int argc, char **argv) {
    struct criterion_test_set *set = criterion_initialize();
    int ok = 1;
    if (criterion_handle_args(argc, argv, true)) ok = criterion_run_all_tests(set);
    criterion_finalize(set);
    print_skips(stdout);
    keep_summary(ok);
    return !ok;
}
