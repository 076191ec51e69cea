/* What the records of a run will look like, before there are any: a table that is printed as it
 * comes needs its columns and widths first. */
#include "bench/record.h"
#include "src/internal.h"

#include <string.h>

/* Figures as wide as they usually get. */
static json_t *example(const bench_setup *s, const bench_shape *shape, int64_t m) {
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "device", s->info.id,
                          "workload", shape->name, "m", (json_int_t)m, "n", (json_int_t)shape->n,
                          "k", (json_int_t)shape->k, "scheme", "f32", "role", "baseline", "timing",
                          bench_timing_name(s->timing));
    json_t *figures = json_pack(
        "{s:s, s:s, s:s, s:f, s:[f, f], s:i, s:s, s:f, s:f, s:s, s:f, s:f, s:f, s:f, s:b}",
        "kernel", "matmul_bitmap_avx512", "cache", "cold", "weights", "resident", "median_ns",
        88888e3, "ci95_ns", 88888e3 * 0.9, 88888e3 * 1.1, "n_samples", 8888, "stop", "time",
        "packed_bytes", 888.8e6, "pct_peak", 88.0, "bottleneck", "compute", "error", 0.88, "ratio",
        8.88, "ratio_int8", 8.88, "ratio_int4", 8.88, "noisy", 1);
    json_t *against =
        json_pack("{s:s, s:s, s:f, s:[f, f]}", "against_scheme", "w8a16", "against_kernel",
                  "matmul_bf16_avx512", "against_ratio", 8.88, "against_ratio_ci95", 8.88, 8.88);
    int bad = json_object_update(o, figures) != 0 || json_object_update(o, against) != 0;
    json_decref(figures);
    json_decref(against);
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

static void set(json_t *o, const char *key, const char *text) {
    json_object_set_new(o, key, json_string(text));
}

/* One of the device's, its other states and what moving costs. */
static int add_states(json_t *all, const bench_setup *s, const bench_shape *shape, int64_t m) {
    int bad = 0;
    enum bench_timing own;
    int away = !s->device->backend->host_memory &&
               bench_timing_choose(s->device, BENCH_BY_EVENTS, &own) == TARE_OK;
    for (int weights = BENCH_RESIDENT; weights <= BENCH_STREAMED; weights++) {
        if (!(s->weights & weights)) continue;
        json_t *o = example(s, shape, m);
        if (!o) return -1;
        set(o, "weights", weights == BENCH_STREAMED ? "streamed" : "resident");
        if (weights == BENCH_STREAMED) set(o, "timing", "host");
        if (away) { /* by its own clock */
            json_object_set_new(o, "h2d_ns", json_real(888e3));
            json_object_set_new(o, "kernel_ns", json_real(888e3));
            json_object_set_new(o, "d2h_ns", json_real(88e3));
            json_object_set_new(o, "end_to_end_ns", json_real(8888e3));
        }
        bad |= json_array_append_new(all, o);
    }
    return bad;
}

static int add_scheme(json_t *all, const bench_setup *s, const bench_shape *shape, int64_t m,
                      const char *name, int asked) {
    json_t *o = example(s, shape, m);
    if (!o) return -1;
    set(o, "scheme", name);
    if (asked) set(o, "role", "asked");
    if (!(s->weights & BENCH_RESIDENT)) { /* not to look as if there were both */
        set(o, "weights", "streamed");
        set(o, "timing", "host");
    }
    return json_array_append_new(all, o);
}

/* A baseline by its full name, unless it was asked for. */
static int add_baseline(json_t *all, const bench_setup *s, const bench_shape *shape, int64_t m,
                        const char *name, const bench_scheme *schemes, int count) {
    bench_scheme full;
    if (bench_scheme_parse(name, &full) != TARE_OK) return -1;
    for (int i = 0; i < count; i++)
        if (strcmp(schemes[i].name, full.name) == 0) return 0;
    return add_scheme(all, s, shape, m, full.name, 0);
}

json_t *bench_foresee(const bench_setup *setups, int count, const bench_suite *suite,
                      const int64_t *m, int m_count, const bench_scheme *schemes,
                      int scheme_count) {
    const bench_setup *s = &setups[0];
    const bench_shape *shape = suite->shapes;
    json_t *all = json_array();
    int64_t most = m[0];
    int bad = !all;
    for (int j = 1; j < m_count; j++) most = m[j] > most ? m[j] : most;
    for (int d = 0; d < count && !bad; d++) bad |= add_states(all, &setups[d], shape, most);
    for (int i = 0; i < suite->count && !bad; i++)
        bad |= add_scheme(all, s, &suite->shapes[i], most, "f32", 0);
    for (int i = 0; i < scheme_count && !bad; i++)
        bad |= add_scheme(all, s, shape, most, schemes[i].name, 1);
    for (int i = 0; bench_baseline(i) && !bad; i++)
        bad |= add_baseline(all, s, shape, most, bench_baseline(i), schemes, scheme_count);
    if (!bad) return all;
    json_decref(all);
    return NULL;
}
