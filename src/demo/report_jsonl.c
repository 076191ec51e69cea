/* report.jsonl: one record a route. Times in ns, sizes in bytes, shares in 0..1; null where nothing
 * was measured. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/table.h"
#include "src/demo/demo.h"
#include "src/internal.h"

static json_t *interval(double lo, double hi) {
    return json_pack("[o, o]", bench_json_real(lo), bench_json_real(hi));
}

static json_t *size(const demo_result *r) {
    json_t *o = json_object();
    for (int p = 0; p < TARE_PARTS; p++)
        json_object_set_new(o, tare_part_name(p), json_integer((json_int_t)r->size.part[p]));
    json_object_set_new(o, "bias", json_integer((json_int_t)r->size.bias));
    json_object_set_new(o, "container", json_integer((json_int_t)r->size.container));
    json_object_set_new(o, "total", json_integer((json_int_t)r->size.total));
    return o;
}

static json_t *layers(const exec *e) {
    json_t *list = json_array();
    for (int l = 0; l < e->layers; l++) {
        const tare_plan *p = &e->plan[l];
        json_array_append_new(
            list, json_pack("{s:s, s:s?, s:I, s:I, s:I, s:o}", "kernel", p->kernel, "vendor",
                            p->vendor, "n", (json_int_t)p->problem.n, "k", (json_int_t)p->problem.k,
                            "packed_bytes", (json_int_t)tare_packed_bytes(e->packed[l]), "tuned_ns",
                            p->measured ? json_real(p->cost_ns) : json_null()));
    }
    return list;
}

static json_t *latency(const demo *d, const demo_result *r, int b) {
    const bench_result *t = &r->time[b];
    json_t *o = json_pack("{s:I, s:I, s:i}", "batch", (json_int_t)demo_batch[b], "n_samples",
                          (json_int_t)t->n, "runs_per_sample", t->batch);
    json_object_set_new(o, "median_ns", bench_json_real(t->median_ns));
    json_object_set_new(o, "ci95_ns", interval(t->ci_lo, t->ci_hi));
    json_object_set_new(o, "p90_ns", bench_json_real(t->p90_ns));
    json_object_set_new(o, "p99_ns", bench_json_real(t->p99_ns));
    json_object_set_new(o, "min_ns", bench_json_real(t->min_ns));
    json_object_set_new(o, "outliers", json_integer((json_int_t)t->outliers));
    json_object_set_new(o, "stop", json_string(bench_stop_name((int)t->stop)));
    json_object_set_new(o, "images_per_s",
                        bench_json_real((double)demo_batch[b] / t->median_ns * 1e9));
    json_object_set_new(o, "base", json_string(d->result[r->on->best[b]].route->name));
    json_object_set_new(o, "ratio", bench_json_real(r->speed[b][0]));
    json_object_set_new(o, "ratio_ci95", interval(r->speed[b][1], r->speed[b][2]));
    json_object_set_new(o, "ratio_int8", bench_json_real(r->speed_int8[b]));
    json_object_set_new(o, "verdict", json_string(demo_word_text(r->verdict.latency[b])));
    json_object_set_new(o, "noisy", json_boolean(t->noise.noisy));
    json_object_set_new(o, "layers", layers(&r->ready[b]));
    return o;
}

static json_t *metric(const demo_result *r) {
    json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", "top-1", "images",
                          (json_int_t)r->images, "right", (json_int_t)r->right, "only_base_right",
                          (json_int_t)r->lost, "only_this_right", (json_int_t)r->won);
    json_object_set_new(o, "value", bench_json_real(r->top1[0]));
    json_object_set_new(o, "wilson95", interval(r->top1[1], r->top1[2]));
    json_object_set_new(o, "mcnemar_p", bench_json_real(r->p));
    json_object_set_new(o, "b1_disagree", json_integer((json_int_t)r->b1_disagree));
    json_object_set_new(o, "verdict", json_string(demo_word_text(r->verdict.metric)));
    return o;
}

static json_t *record(const demo *d, const demo_result *r) {
    json_t *o = json_object(), *widths = json_array(), *times = json_array();
    for (int l = 0; l <= r->layers; l++)
        json_array_append_new(widths, json_integer((json_int_t)r->width[l]));
    for (int b = 0; b < DEMO_BATCHES; b++) json_array_append_new(times, latency(d, r, b));
    json_object_set_new(o, "schema", json_string("tare-demo-1"));
    json_object_set_new(o, "route", json_string(r->route->name));
    json_object_set_new(o, "stored", json_string(r->stored));
    json_object_set_new(o, "choice", r->choice[0] ? json_string(r->choice) : json_null());
    json_object_set_new(o, "device", json_string(r->on->info.id));
    json_object_set_new(o, "refusal", r->refusal[0] ? json_string(r->refusal) : json_null());
    json_object_set_new(o, "widths", widths);
    json_object_set_new(o, "weights_left", bench_json_real(r->kept));
    json_object_set_new(o, "file", json_string(r->file));
    json_object_set_new(o, "size_bytes", size(r));
    json_object_set_new(o, "size_verdict", json_string(demo_word_text(r->verdict.size)));
    json_object_set_new(o, "latency", times);
    json_object_set_new(o, "cache", json_string("hot"));
    json_object_set_new(o, "metric", metric(r));
    json_object_set_new(o, "verdict",
                        r == demo_base(d, r) ? json_null() /* what the others are held against */
                                             : json_string(demo_word_text(r->verdict.overall)));
    json_object_set_new(o, "fine_tune_epochs", json_integer(r->epochs));
    json_object_set_new(o, "fine_tune_loss", r->epochs ? bench_json_real(r->loss) : json_null());
    json_object_set_new(o, "env",
                        json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:i}", "tare", tare_version(),
                                  "name", r->on->info.name, "features", r->on->info.features,
                                  "runtime", r->on->info.runtime, "threads",
                                  (int)r->on->info.threads, "seed", (json_int_t)d->o.seed, "epochs",
                                  d->o.epochs));
    return o;
}

tare_status demo_jsonl(const demo *d, char **out) {
    size_t size_now = 0;
    *out = NULL;
    FILE *f = open_memstream(out, &size_now);
    if (!f) TARE_FAIL(TARE_E_NOMEM, "demo: out of memory");
    int ok = 1;
    for (int i = 0; i < d->count && ok; i++) {
        json_t *o = record(d, &d->result[i]);
        ok = json_dumpf(o, f, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', f) >= 0;
        json_decref(o);
    }
    if (fclose(f) != 0 || !ok) {
        free(*out);
        *out = NULL;
        TARE_FAIL(TARE_E_NOMEM, "demo: a record could not be made");
    }
    return TARE_OK;
}
