/* The demo's rule of verdicts, and the whole job on a small made-up data set. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/rng.h"
#include "src/data/file.h"
#include "src/demo/demo.h"
#include "src/internal.h"
#include "tests/fake_backend.h"

Test(verdict, size) {
    cr_assert_eq(demo_judge_size(0.5), WORD_HELPS);
    cr_assert_eq(demo_judge_size(0.97), WORD_NEUTRAL);
    cr_assert_eq(demo_judge_size(1.2), WORD_HURTS);
    cr_assert_eq(demo_judge_size((double)NAN), WORD_UNPROVEN);
}

Test(verdict, latency_needs_an_interval_clear_of_noise) {
    cr_assert_eq(demo_judge_latency(1.2, 1.4), WORD_HELPS);
    cr_assert_eq(demo_judge_latency(1.02, 1.4), WORD_INCONCLUSIVE);
    cr_assert_eq(demo_judge_latency(0.97, 1.03), WORD_NEUTRAL);
    cr_assert_eq(demo_judge_latency(0.5, 0.9), WORD_HURTS);
    cr_assert_eq(demo_judge_latency(0.5, 1.5), WORD_INCONCLUSIVE);
    cr_assert_eq(demo_judge_latency((double)NAN, (double)NAN), WORD_UNPROVEN);
}

Test(verdict, metric_is_tolerated_within_a_point) {
    cr_assert_eq(demo_judge_metric(0.9, 0.895, 0.001), WORD_NEUTRAL);
    cr_assert_eq(demo_judge_metric(0.9, 0.87, 0.001), WORD_HURTS);
    cr_assert_eq(demo_judge_metric(0.9, 0.87, 0.2), WORD_INCONCLUSIVE);
    cr_assert_eq(demo_judge_metric(0.9, 0.91, 0.001), WORD_HELPS);
    cr_assert_eq(demo_judge_metric(0.9, 0.91, 0.5), WORD_NEUTRAL);
    cr_assert_eq(demo_judge_metric(0.9, (double)NAN, 1), WORD_UNPROVEN);
}

static demo_word overall(demo_word size, demo_word b1, demo_word b256, demo_word metric) {
    demo_verdict v = {.size = size, .latency = {b1, b256}, .metric = metric};
    return demo_judge_overall(&v);
}

Test(verdict, overall) {
    const demo_word help = WORD_HELPS, same = WORD_NEUTRAL, hurt = WORD_HURTS,
                    open = WORD_INCONCLUSIVE, none = WORD_UNPROVEN;
    cr_assert_eq(overall(help, same, same, same), help);
    cr_assert_eq(overall(same, help, hurt, same), help);
    cr_assert_eq(overall(help, help, help, hurt), hurt); /* small and fast and wrong */
    cr_assert_eq(overall(help, help, help, open), open);
    cr_assert_eq(overall(same, hurt, same, same), hurt);
    cr_assert_eq(overall(same, same, same, same), same);
    cr_assert_eq(overall(same, open, same, same), open);
    cr_assert_eq(overall(help, none, same, same), none); /* never "it works" */
    cr_assert_eq(overall(help, help, help, none), none);
}

enum { SIDE = 8, TRAIN = 1024, TEST = 512 };
static char dir[] = "/tmp/tare-demo-XXXXXX";

static void put_size(uint8_t *at, uint32_t v) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Ten classes: which of ten rows of pixels is bright. */
static void write_half(const char *which, uint32_t count, uint64_t seed) {
    char path[128];
    size_t image_bytes = 16 + (size_t)count * SIDE * SIDE;
    uint8_t *image = calloc(1, image_bytes), *label = calloc(1, 8 + count);
    bench_rng r;
    bench_rng_seed(&r, seed, 0);
    memcpy(image, "\0\0\x08\x03", 4);
    memcpy(label, "\0\0\x08\x01", 4);
    put_size(image + 4, count);
    put_size(image + 8, SIDE);
    put_size(image + 12, SIDE);
    put_size(label + 4, count);
    for (uint32_t i = 0; i < count; i++) {
        label[8 + i] = (uint8_t)bench_rng_below(&r, 10);
        for (int j = 0; j < SIDE * SIDE; j++)
            image[16 + i * SIDE * SIDE + (uint32_t)j] =
                (uint8_t)(bench_rng_below(&r, 100) + (j % 10 == label[8 + i] ? 100 : 0));
    }
    snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte.gz", dir, which);
    cr_assert_eq(file_save(path, image, image_bytes), TARE_OK, "%s", tare_last_error());
    snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte.gz", dir, which);
    cr_assert_eq(file_save(path, label, 8 + count), TARE_OK);
    free(image);
    free(label);
}

static void make_data(void) {
    cr_assert(mkdtemp(dir));
    write_half("train", TRAIN, 1);
    write_half("t10k", TEST, 2);
}

static void remove_all(const char *path) {
    char inner[512];
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (unlink(inner) != 0) remove_all(inner);
    }
    if (d) closedir(d);
    rmdir(path);
}

static demo_options small(const char *out) {
    demo_options o = demo_options_default();
    o.data = dir;
    o.out = out;
    o.epochs = 12;
    o.fine_epochs = 1;
    o.seconds = 0.02;
    o.tune = 0.002;
    o.progress = 0;
    return o;
}

static void check_record(const json_t *r, const demo_result *want) {
    struct stat st;
    cr_assert_str_eq(json_string_value(json_object_get(r, "route")), want->route->name);
    const char *file = json_string_value(json_object_get(r, "file"));
    cr_assert_eq(stat(file, &st), 0, "%s is missing", file);
    const json_t *size = json_object_get(r, "size_bytes");
    json_int_t sum = 0;
    const char *parts[] = {"values", "scales", "zeros", "indices", "offsets", "bias", "container"};
    for (int i = 0; i < 7; i++) sum += json_integer_value(json_object_get(size, parts[i]));
    cr_assert_eq(json_integer_value(json_object_get(size, "total")), st.st_size);
    cr_assert_eq(sum, st.st_size);
    for (size_t b = 0; b < DEMO_BATCHES; b++) {
        const json_t *t = json_array_get(json_object_get(r, "latency"), b);
        cr_assert_gt(json_real_value(json_object_get(t, "median_ns")), 0);
        const json_t *layer = json_array_get(json_object_get(t, "layers"), 0);
        cr_assert_eq(strncmp(json_string_value(json_object_get(layer, "kernel")), "matmul_", 7), 0);
    }
    const json_t *m = json_object_get(r, "metric");
    cr_assert_eq(json_integer_value(json_object_get(m, "images")), TEST);
}

static void check_files(const char *out, const demo *d) {
    char path[256];
    void *text;
    size_t size;
    int lines = 0;
    snprintf(path, sizeof path, "%s/report.jsonl", out);
    cr_assert_eq(file_read(path, 1 << 24, &text, &size), TARE_OK, "%s", tare_last_error());
    for (size_t at = 0; at < size; lines++) {
        json_error_t e;
        json_t *r = json_loadb((char *)text + at, size - at, JSON_DISABLE_EOF_CHECK, &e);
        cr_assert(r, "%s", e.text);
        cr_assert_lt(lines, d->count);
        check_record(r, &d->result[lines]);
        json_decref(r);
        at = (size_t)((char *)memchr((char *)text + at, '\n', size - at) - (char *)text) + 1;
    }
    cr_assert_eq(lines, d->count);
    tare_free(text);
    snprintf(path, sizeof path, "%s/report.md", out);
    cr_assert_eq(access(path, R_OK), 0);
    int files = 0;
    DIR *dp = opendir(out);
    for (struct dirent *e; (e = readdir(dp));) files += e->d_name[0] != '.';
    closedir(dp);
    cr_assert_eq(files, d->count + 2, "%d files, a part was left behind", files);
}

Test(demo, the_whole_job_on_a_small_set) {
    char out[64];
    demo d;
    make_data();
    snprintf(out, sizeof out, "%s/out", dir);
    demo_options o = small(out);
    cr_assert_eq(demo_run(&o, &d), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(d.count, 10);
    cr_assert_gt(d.result[0].top1[0], 0.7, "top-1 %g", d.result[0].top1[0]);
    for (int i = 0; i < d.count; i++) {
        const demo_result *r = &d.result[i];
        cr_assert_eq(r->right - d.result[0].right, r->won - r->lost);
        for (int b = 0; b < DEMO_BATCHES; b++) cr_assert_gt(r->time[b].n, 0);
        cr_assert(r->route->prune != PRUNE_MAGNITUDE || r->kept < 1.02 - r->route->amount);
    }
    check_files(out, &d);
    demo_clear(&d);
    remove_all(dir);
}

/* The second device has memory of its own and one row, dense f32: what else there is is refused,
 * and says so. */
Test(demo, two_devices_and_what_one_refuses) {
    char out[64], *table, *md;
    demo d;
    make_data();
    cr_assert_eq(tare_registry_add(&fake_backend), TARE_OK);
    snprintf(out, sizeof out, "%s/out", dir);
    demo_options o = small(out);
    o.device = "cpu,fake:0";
    cr_assert_eq(demo_run(&o, &d), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(d.count, 2 * d.routes);
    const demo_result *here = d.result, *there = &d.result[d.routes];
    cr_assert(llabs(there->right - here->right) <= 2, "%lld and %lld images",
              (long long)here->right, (long long)there->right);
    for (int i = 0; i < d.routes; i++) {
        int dense = there[i].route->coding[0].format[0] == 'f';
        cr_assert_str_empty(here[i].refusal);
        cr_assert_eq(there[i].refusal[0] == 0, dense, "%s", there[i].route->name);
        cr_assert_eq(access(there[i].file, R_OK), 0, "%s", there[i].file);
        for (int b = 0; b < DEMO_BATCHES; b++) cr_assert_eq(there[i].time[b].n > 0, dense);
        if (dense) continue;
        cr_assert_eq(there[i].verdict.overall, WORD_UNPROVEN);
        cr_assert(strstr(there[i].refusal, "dense f32 only"), "%s", there[i].refusal);
    }
    for (int b = 0; b < DEMO_BATCHES; b++) {
        cr_assert_geq(d.on[1].best[b], d.routes, "held against rows of its own device");
        cr_assert_eq(there->speed[b][0], 1);
        cr_assert_str_eq(there->ready[b].plan[0].kernel, "fake_row");
    }
    cr_assert_eq(demo_table(&d, &table), TARE_OK);
    cr_assert(strstr(table, "device") && strstr(table, "fake:0     w8a8"), "%s", table);
    cr_assert(strstr(table, "UNPROVEN, nothing ran: fake:0"), "%s", table);
    cr_assert_eq(demo_markdown(&d, table, &md), TARE_OK);
    cr_assert(strstr(md, "| w8a8 on fake:0 |") && strstr(md, "bitmap/f32 refused ("));
    free(table);
    free(md);
    demo_clear(&d);
    cr_assert_eq(fake.live, 0, "%d things of the device were kept", fake.live);
    remove_all(dir);
}

Test(demo, bad_data_and_no_place_to_write_are_told_before_any_work) {
    demo d;
    char path[128];
    make_data();
    demo_options o = small("/nonexistent/out");
    cr_assert_eq(demo_run(&o, &d), TARE_E_IO);
    cr_assert(strstr(tare_last_error(), "--out /nonexistent/out"), "%s", tare_last_error());
    demo_clear(&d);
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte.gz", dir);
    cr_assert_eq(truncate(path, 100), 0);
    o = small(dir);
    cr_assert_eq(demo_run(&o, &d), TARE_E_FORMAT);
    cr_assert(strstr(tare_last_error(), "t10k-labels"), "%s", tare_last_error());
    cr_assert(strstr(tare_last_error(), "truncated"), "%s", tare_last_error());
    demo_clear(&d);
    remove_all(dir);
}
