/* Sums over the layers of a model. */
#include "bench/total.h"
#include "bench/table.h"
#include "src/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void bench_models_clear(bench_models *m) {
    for (int i = 0; i < m->count; i++) {
        free(m->model[i].layer);
        bench_total_clear(&m->model[i].sum);
    }
    free(m->model);
    memset(m, 0, sizeof *m);
}

/* ---- gathering ---- */

static int belongs(const bench_model *m, const bench_cell *c) {
    return m->m == c->m && m->cache == c->cache && m->weights == c->weights &&
           m->asked == c->asked && strcmp(m->scheme.name, c->scheme.name) == 0;
}

static bench_model *add(bench_models *all, const bench_cell *c, int layers) {
    if (all->count == all->room) {
        int room = all->room ? 2 * all->room : 16;
        bench_model *more = realloc(all->model, (size_t)room * sizeof *more);
        if (!more) return NULL;
        all->model = more;
        all->room = room;
    }
    const bench_cell **layer = calloc((size_t)layers, sizeof *layer);
    if (!layer) return NULL;
    bench_model *m = &all->model[all->count++];
    *m = (bench_model){.m = c->m,
                       .scheme = c->scheme,
                       .asked = c->asked,
                       .cache = c->cache,
                       .weights = c->weights,
                       .layer = layer,
                       .layers = layers};
    m->vs_float = m->vs_int8 = m->vs_int4 = m->against = (bench_versus){NULL, NAN, NAN, NAN};
    return m;
}

static bench_model *find(bench_models *all, const bench_cell *c, int layers) {
    for (int i = 0; i < all->count; i++)
        if (belongs(&all->model[i], c)) return &all->model[i];
    return add(all, c, layers);
}

/* Names are unique within a suite. */
static int layer_of(const bench_suite *suite, const bench_cell *c) {
    for (int i = 0; i < suite->count; i++)
        if (strcmp(suite->shapes[i].name, c->shape.name) == 0) return i;
    return -1;
}

static int is_better(const bench_cell *c, const bench_cell *than) {
    if (!than || c->result.n == 0) return !than;
    return than->result.n == 0 || c->result.median_ns < than->result.median_ns;
}

static tare_status gather(const bench_suite *suite, const tare_device *device,
                          const bench_cell *cells, int count, bench_models *out) {
    for (int i = 0; i < count; i++) {
        const bench_cell *c = &cells[i];
        int at = layer_of(suite, c);
        if (c->device != device || at < 0) continue;
        bench_model *m = find(out, c, suite->count);
        if (!m) TARE_FAIL(TARE_E_NOMEM, "totals: out of memory");
        if (is_better(c, m->layer[at])) m->layer[at] = c;
    }
    return TARE_OK;
}

/* ---- adding up ---- */

/* In the suite's order, so that draws of two totals belong to the same measurements. */
static tare_status add_up(bench_model *m) {
    int mixed = 0;
    for (int i = 0; i < m->layers; i++) {
        const bench_cell *c = m->layer[i];
        if (!c || c->result.n == 0) continue;
        double times = (double)c->shape.count;
        mixed |= m->timed > 0 && m->timing != c->timing;
        m->timing = c->timing;
        m->timed++;
        m->noisy += c->result.noise.noisy != 0;
        m->unresolved += bench_cell_unresolved(c) != 0;
        m->packed_bytes += times * (double)c->packed_bytes;
        TARE_TRY(bench_total_add(&m->sum, &c->result, times));
    }
    if (mixed) m->timing = BENCH_AUTO;
    return TARE_OK;
}

int bench_model_whole(const bench_model *m) {
    return m->layers > 0 && m->timed == m->layers && m->timing != BENCH_AUTO && !m->unresolved;
}

/* ---- comparing ---- */

static const bench_model *fastest(const bench_models *all, const bench_model *like,
                                  enum bench_coding finest, enum bench_coding coarsest) {
    const bench_model *best = NULL;
    for (int i = 0; i < all->count; i++) {
        const bench_model *m = &all->model[i];
        if (!bench_scheme_dense(&m->scheme, finest, coarsest)) continue;
        if (m->m != like->m || m->cache != like->cache) continue;
        if (m->weights != like->weights || m->timing != like->timing) continue;
        if (bench_model_whole(m) && (!best || m->sum.ns < best->sum.ns)) best = m;
    }
    return best;
}

static bench_versus compare(const bench_models *all, const bench_model *m, enum bench_coding finest,
                            enum bench_coding coarsest) {
    bench_versus v = {NULL, NAN, NAN, NAN};
    if (!bench_model_whole(m)) return v;
    v.base = fastest(all, m, finest, coarsest);
    if (!v.base) return v;
    v.ratio = v.base->sum.ns / m->sum.ns;
    if (v.base == m)
        v.lo = v.hi = 1;
    else
        bench_ratio_interval(&v.base->sum.draws, &m->sum.draws, &v.lo, &v.hi);
    return v;
}

enum bench_verdict bench_model_verdict(const bench_model *m) {
    if (m->timed < m->layers) return (enum bench_verdict)0;
    if (m->noisy || (m->against.base && m->against.base->noisy)) return BENCH_INCONCLUSIVE;
    return bench_judge(m->against.lo, m->against.hi);
}

tare_status bench_models_make(const bench_suite *suite, const tare_device *device,
                              const bench_cell *cells, int count, bench_models *out) {
    memset(out, 0, sizeof *out);
    tare_status s = gather(suite, device, cells, count, out);
    for (int i = 0; i < out->count && s == TARE_OK; i++) s = add_up(&out->model[i]);
    for (int i = 0; i < out->count && s == TARE_OK; i++) {
        bench_model *m = &out->model[i];
        m->vs_float = compare(out, m, BENCH_FLOATS, BENCH_FLOATS);
        m->vs_int8 = compare(out, m, BENCH_8_BIT, BENCH_8_BIT);
        m->vs_int4 = compare(out, m, BENCH_4_BIT, BENCH_4_BIT);
        m->against = compare(out, m, BENCH_FLOATS, bench_scheme_has_to_beat(&m->scheme));
    }
    if (s != TARE_OK) bench_models_clear(out);
    return s;
}

/* ---- records ---- */

static json_t *kernels(const bench_model *m) {
    json_t *a = json_array();
    for (int i = 0; i < m->layers; i++) {
        int ran = m->layer[i] && m->layer[i]->result.n > 0;
        json_array_append_new(a, ran ? json_string(m->layer[i]->kernel) : json_null());
    }
    return a;
}

static json_t *missing(const bench_suite *suite, const bench_model *m) {
    json_t *a = json_array();
    for (int i = 0; i < m->layers; i++) {
        const bench_cell *c = m->layer[i];
        if (c && c->result.n > 0) continue;
        json_array_append_new(
            a, json_pack("{s:s, s:o, s:s}", "workload", suite->shapes[i].name, "verdict",
                         c ? json_string(bench_verdict_name(c->verdict)) : json_null(), "refusal",
                         c ? c->refusal : "not measured"));
    }
    return a;
}

static int is_noisy(const bench_cell *c) {
    return c->result.noise.noisy;
}

static int is_open(const bench_cell *c) {
    return c->verdict == BENCH_INCONCLUSIVE;
}

static json_t *names(const bench_model *m, int (*is)(const bench_cell *c)) {
    json_t *a = json_array();
    for (int i = 0; i < m->layers; i++)
        if (m->layer[i] && m->layer[i]->result.n > 0 && is(m->layer[i]))
            json_array_append_new(a, json_string(m->layer[i]->shape.name));
    return a;
}

static void put_versus(json_t *o, const bench_versus *v, const char *base, const char *ratio,
                       const char *interval) {
    json_object_set_new(o, base, v->base ? json_string(v->base->scheme.name) : json_null());
    json_object_set_new(o, ratio, bench_json_real(v->ratio));
    json_object_set_new(o, interval, bench_json_pair(v->lo, v->hi));
}

static json_t *record(const bench_suite *suite, const bench_setup *s, const bench_model *m,
                      json_t *env) {
    int all = m->timed == m->layers;
    enum bench_verdict verdict = bench_model_verdict(m);
    json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "schema", BENCH_TOTAL_SCHEMA,
                          "device", s->info.id, "suite", suite->name, "m", (json_int_t)m->m,
                          "scheme", m->scheme.name, "role", m->asked ? "asked" : "baseline",
                          "cache", m->cache == BENCH_HOT ? "hot" : "cold", "weights",
                          m->weights == BENCH_STREAMED ? "streamed" : "resident");
    if (!o) return NULL;
    json_object_set_new(o, "timing",
                        m->timing ? json_string(bench_timing_name(m->timing)) : json_null());
    json_object_set_new(o, "layers", json_integer(m->layers));
    json_object_set_new(o, "layers_timed", json_integer(m->timed));
    json_object_set_new(o, "kernels", kernels(m));
    json_object_set_new(o, "missing", missing(suite, m));
    json_object_set_new(o, "noisy_layers", names(m, is_noisy));
    json_object_set_new(o, "inconclusive_layers", names(m, is_open));
    json_object_set_new(o, "model_ns", bench_json_real(all ? m->sum.ns : NAN));
    json_object_set_new(o, "packed_bytes", bench_json_real(all ? m->packed_bytes : NAN));
    put_versus(o, &m->vs_float, "base_scheme", "ratio", "ratio_ci95");
    put_versus(o, &m->vs_int8, "base_int8", "ratio_int8", "ratio_int8_ci95");
    put_versus(o, &m->vs_int4, "base_int4", "ratio_int4", "ratio_int4_ci95");
    put_versus(o, &m->against, "against_scheme", "against_ratio", "against_ratio_ci95");
    json_object_set_new(o, "verdict",
                        json_string(verdict ? bench_verdict_name(verdict) : "INCOMPLETE"));
    json_object_set_new(o, "env", json_incref(env));
    return o;
}

tare_status bench_total_records(const bench_suite *suite, const bench_setup *s,
                                const bench_cell *cells, int count, json_t *env, json_t *out) {
    bench_models models;
    TARE_TRY(bench_models_make(suite, s->device, cells, count, &models));
    tare_status st = TARE_OK;
    for (int i = 0; i < models.count && st == TARE_OK; i++)
        if (json_array_append_new(out, record(suite, s, &models.model[i], env)) != 0)
            st = tare_fail(TARE_E_NOMEM, "totals: out of memory");
    bench_models_clear(&models);
    return st;
}
