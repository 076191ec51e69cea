/* The order of things: data, models, metric, latency, verdicts, reports. What can fail for reasons
 * outside (no data, no place to write) is tried before anything takes time. */
#include "src/demo/demo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/clock.h"
#include "src/data/file.h"
#include "src/demo/progress.h"
#include "src/internal.h"

demo_options demo_options_default(void) {
    return (demo_options){.device = "cpu",
                          .data = FASHION_DIR,
                          .out = "demo-out",
                          .seed = 1,
                          .epochs = 10,
                          .fine_epochs = 3,
                          .seconds = 3,
                          .tune = 0.08,
                          .progress = 1};
}

static tare_status path_of(const demo *d, const char *name, char *path, size_t size) {
    if (snprintf(path, size, "%s/%s", d->o.out, name) >= (int)size)
        TARE_FAIL(TARE_E_ARG, "--out %s: the path is too long", d->o.out);
    return TARE_OK;
}

/* A directory that takes a file: better to learn it now than after two minutes. */
static tare_status open_out(const demo *d) {
    char path[1024];
    if (mkdir(d->o.out, 0777) != 0 && errno != EEXIST)
        TARE_FAIL(TARE_E_IO, "--out %s: can't be made: %s", d->o.out, strerror(errno));
    TARE_TRY(path_of(d, "report.md.try", path, sizeof path));
    tare_status s = file_save(path, "tare\n", 5);
    if (s == TARE_OK) unlink(path);
    return s;
}

static tare_status check(const demo_options *o) {
    if (!o->device || !o->data || !o->out) TARE_FAIL(TARE_E_ARG, "demo: null argument");
    if (o->epochs < 1 || o->epochs > 1000 || o->fine_epochs < 1 || o->fine_epochs > 1000)
        TARE_FAIL(TARE_E_ARG, "demo: epochs must lie in 1..1000");
    if (!(o->seconds > 0) || o->seconds > 3600 || !(o->tune > 0))
        TARE_FAIL(TARE_E_ARG, "demo: seconds must lie above 0, up to 3600");
    return TARE_OK;
}

static tare_status save_text(const demo *d, const char *name, const char *text) {
    char path[1024];
    TARE_TRY(path_of(d, name, path, sizeof path));
    return file_save(path, text, strlen(text));
}

tare_status demo_write_reports(demo *d) {
    char *table = NULL, *md = NULL, *jsonl = NULL;
    tare_status s = demo_table(d, &table);
    if (s == TARE_OK) s = demo_markdown(d, table, &md);
    if (s == TARE_OK) s = demo_jsonl(d, &jsonl);
    if (s == TARE_OK) s = save_text(d, "report.md", md);
    if (s == TARE_OK) s = save_text(d, "report.jsonl", jsonl);
    free(table);
    free(md);
    free(jsonl);
    return s;
}

const demo_result *demo_base(const demo *d, const demo_result *r) {
    return &d->result[r->on->first];
}

static tare_status find_devices(demo *d) {
    bench_devices list;
    TARE_TRY(bench_devices_present(d->o.device, &list, d->skipped, sizeof d->skipped));
    d->devices = list.count;
    d->routes = demo_route_count();
    for (int i = 0; i < list.count; i++) {
        d->on[i].device = list.device[i];
        d->on[i].first = i * d->routes;
        TARE_TRY(tare_device_describe(list.device[i], &d->on[i].info));
    }
    return TARE_OK;
}

static tare_status make_results(demo *d) {
    d->count = d->routes * d->devices;
    d->result = tare_alloc_zeroed((size_t)d->count * sizeof *d->result);
    if (!d->result) TARE_FAIL(TARE_E_NOMEM, "demo: out of memory");
    for (int i = 0; i < d->count; i++) {
        d->result[i].route = &demo_routes[i % d->routes];
        d->result[i].on = &d->on[i / d->routes];
    }
    return TARE_OK;
}

static tare_status steps(demo *d) {
    double start = bench_now_ns();
    TARE_TRY(check(&d->o));
    TARE_TRY(find_devices(d));
    TARE_TRY(fashion_load(d->o.data, &d->data));
    TARE_TRY(open_out(d));
    TARE_TRY(make_results(d));
    TARE_TRY(demo_make_models(d));
    TARE_TRY(demo_top1(d));
    TARE_TRY(demo_latency(d));
    demo_judge(d);
    d->all_s = (bench_now_ns() - start) * 1e-9;
    return demo_write_reports(d);
}

tare_status demo_run(const demo_options *o, demo *out) {
    demo_progress bar;
    if (!o || !out) TARE_FAIL(TARE_E_ARG, "demo: null argument");
    memset(out, 0, sizeof *out);
    out->o = *o;
    if (o->progress) {
        progress_start(&bar);
        out->bar = &bar;
    }
    tare_status s = steps(out);
    progress_end(out->bar);
    out->bar = NULL;
    return s;
}

void demo_clear(demo *d) {
    for (int i = 0; d->result && i < d->count; i++) {
        demo_result *r = &d->result[i];
        for (int b = 0; b < DEMO_BATCHES; b++) {
            exec_clear(&r->ready[b]);
            bench_result_clear(&r->time[b]);
        }
        tare_free(r->predicted);
    }
    tare_free(d->result);
    tare_free(d->epoch_loss);
    fashion_clear(&d->data);
    memset(d, 0, sizeof *d);
}
