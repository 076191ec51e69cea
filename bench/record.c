/* Records: every figure with its unit in the key, null where it does not apply. */
#include "bench/record.h"
#include "bench/drift.h"
#include "bench/lastcache.h"
#include "bench/table.h"
#include "bench/watch.h"
#include "src/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#ifndef TARE_GIT_COMMIT
#define TARE_GIT_COMMIT ""
#endif

static json_t *text(const char *s) {
    if (!s || !*s) return json_null();
    json_t *j = json_string(s);
    return j ? j : json_null(); /* not UTF-8 */
}

/* The keys of those that were not measured. */
static json_t *estimates(const tare_rates *r) {
    static const struct {
        tare_probe_kind kind;
        const char *key;
    } all[] = {{TARE_PROBE_READ, "read_gbs"},  {TARE_PROBE_CACHE, "cache_gbs"},
               {TARE_PROBE_F32, "f32_gflops"}, {TARE_PROBE_BF16, "bf16_gflops"},
               {TARE_PROBE_I8, "i8_gops"},     {TARE_PROBE_LAUNCH, "launch_ns"},
               {TARE_PROBE_H2D, "h2d_gbs"},    {TARE_PROBE_D2H, "d2h_gbs"}};
    json_t *o = json_array();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!bench_ceiling_measured(r, all[i].kind))
            json_array_append_new(o, json_string(all[i].key));
    return o;
}

static json_t *rates(const tare_rates *r) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "read_gbs",
                     bench_json_real(r->read_gbs), "cache_gbs", bench_json_real(r->cache_gbs),
                     "f32_gflops", bench_json_real(r->f32_gflops), "bf16_gflops",
                     bench_json_real(r->bf16_gflops), "i8_gops", bench_json_real(r->i8_gops),
                     "launch_ns", bench_json_real(r->launch_ns), "h2d_gbs",
                     bench_json_real(r->h2d_gbs), "d2h_gbs", bench_json_real(r->d2h_gbs),
                     "measured", r->measured != 0, "estimates", estimates(r));
}

/* By which intervals of medians are widened, and since when it is known. */
static json_t *drift(const bench_setup *s) {
    bench_drift cold = bench_drift_load(s, BENCH_COLD), hot = bench_drift_load(s, BENCH_HOT);
    return json_pack("{s:o, s:o, s:o, s:o}", "cold",
                     bench_json_real(cold.share > 0 ? cold.share : NAN), "cold_date",
                     text(cold.date), "hot", bench_json_real(hot.share > 0 ? hot.share : NAN),
                     "hot_date", text(hot.date));
}

static json_t *today(void) {
    char out[32];
    time_t now = time(NULL);
    struct tm t;
    if (!gmtime_r(&now, &t) || !strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &t))
        return json_null();
    return json_string(out);
}

static json_t *system_name(void) {
    struct utsname u;
    if (uname(&u) != 0) return json_null();
    return json_sprintf("%s %s %s", u.sysname, u.release, u.machine);
}

json_t *bench_record_env(const bench_setup *s) {
    const tare_device_info *i = &s->info;
    json_int_t measured = (json_int_t)bench_last_cache_measured(s);
    tare_device_info host;
    tare_device *cpu;
    if (tare_device_find(tare_cpu_backend.name, &cpu) != TARE_OK ||
        tare_device_describe(cpu, &host) != TARE_OK)
        snprintf(host.name, sizeof host.name, "unknown");
#ifdef __clang__
    const char *compiler = "clang " __clang_version__;
#else
    const char *compiler = "gcc " __VERSION__;
#endif
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:I, s:I, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}",
        "cpu", text(host.name), "device_name", text(i->name), "features", text(i->features), "mask",
        text(getenv("TARE_CPU_MASK")), "rows_without", text(getenv("TARE_ROWS_WITHOUT")), "runtime",
        text(i->runtime), "threads", (int)i->threads, "memory_bytes", (json_int_t)i->memory,
        "cache_bytes", (json_int_t)i->cache, "cache_measured_bytes",
        measured ? json_integer(measured) : json_null(), "system", system_name(), "compiler",
        compiler, "tare", tare_version(), "commit", text(TARE_GIT_COMMIT), "ceilings",
        rates(&s->rates), "drift", drift(s), "date", today());
}

/* The command that measures this cell again. */
static json_t *replay(const bench_setup *s, const bench_cell *c) {
    const char *mask = getenv("TARE_CPU_MASK");
    char force[96] = "", clock[32] = "";
    if (!c->device->backend->host_memory && c->weights == BENCH_RESIDENT && c->result.n > 0)
        snprintf(clock, sizeof clock, " --timing %s", bench_timing_name(c->timing));
    if (c->kernel[0]) snprintf(force, sizeof force, " --kernel %s", c->kernel);
    return json_sprintf(
        "%s%s%stare bench -d %s --scheme %s -m %lld -n %lld -k %lld%s --cache %s%s%s --time %g "
        "--samples %d --seed %llu --threads %d",
        mask ? "TARE_CPU_MASK=" : "", mask ? mask : "", mask ? " " : "", s->info.id, c->scheme.name,
        (long long)c->m, (long long)c->shape.n, (long long)c->shape.k, force,
        c->cache == BENCH_HOT ? "hot" : "cold",
        c->device->backend->host_memory ? ""
        : c->weights == BENCH_STREAMED  ? " --weights streamed"
                                        : " --weights resident",
        clock, s->seconds, s->samples, (unsigned long long)s->seed, (int)s->info.threads);
}

static json_t *told(double v) {
    return v < 0 ? json_null() : bench_json_real(v);
}

static json_t *clocks_at(const tare_clocks *c) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "core_mhz", told(c->core_mhz),
                     "core_max_mhz", told(c->core_max_mhz), "memory_mhz", told(c->memory_mhz),
                     "memory_max_mhz", told(c->memory_max_mhz), "celsius", told(c->celsius),
                     "watts", told(c->watts), "watts_limit", told(c->watts_limit), "limits",
                     c->limits);
}

static json_t *clocks(const bench_cell *c) {
    if (!c->clocks_known) return json_null();
    return json_pack("{s:o, s:o}", "before", clocks_at(&c->clocks[0]), "after",
                     clocks_at(&c->clocks[1]));
}

static json_t *parts(const bench_cell *c) {
    json_t *o = json_object();
    for (int i = 0; i < TARE_PARTS; i++)
        json_object_set_new(o, tare_part_name(i), json_integer((json_int_t)c->part[i]));
    return o;
}

static json_t *samples(const bench_result *r) {
    json_t *a = json_array();
    /* Tenths of a nanosecond: finer than any clock here. */
    for (size_t i = 0; i < r->n; i++)
        json_array_append_new(a, json_real(rint(r->samples[i] * 10) / 10));
    return a;
}

/* What the samples have in common: the slice of time, the copy of the weights. */
static json_t *slices(const bench_result *r) {
    json_t *a = json_array();
    for (size_t i = 0; i < r->n && r->slice; i++)
        json_array_append_new(a, json_integer(r->slice[i]));
    return a;
}

static json_t *places(const bench_result *r) {
    json_t *a = json_array();
    for (size_t i = 0; i < r->n && r->place; i++)
        json_array_append_new(a, json_integer(r->place[i]));
    return a;
}

/* Where the system tells nothing of waiting threads, what they lost is not known to be 0. */
static int is_watched(const bench_noise_log *n) {
    return n->how && strcmp(n->how, bench_watch_name(BENCH_WATCH_ABSENT)) != 0;
}

static json_t *noise(const bench_noise_log *n) {
    if (n->probes == 0) return json_null();
    return json_pack("{s:f, s:f, s:f, s:i, s:i, s:f, s:I, s:I, s:o, s:o, s:o}", "best_gflops",
                     n->best, "worst_gflops", n->worst, "low_below", BENCH_NOISE_LOW, "probes",
                     n->probes, "redone_blocks", n->redone, "waited_ns", n->waited_ns,
                     "set_aside_samples", (json_int_t)n->set_aside, "low_samples",
                     (json_int_t)n->low, "lost_share",
                     is_watched(n) ? bench_json_real(n->lost) : json_null(), "disturbed_samples",
                     is_watched(n) ? json_integer((json_int_t)n->disturbed) : json_null(),
                     "lost_how", text(n->how));
}

static void put(json_t *o, const char *key, json_t *value) {
    json_object_set_new(o, key, value ? value : json_null());
}

static void put_problem(json_t *o, const bench_setup *s, const bench_cell *c) {
    char format[64];
    tare_format_name(&c->scheme.w, format, sizeof format);
    put(o, "schema", json_string(BENCH_RECORD_SCHEMA));
    put(o, "device", text(s->info.id));
    put(o, "op", json_string("matmul"));
    put(o, "workload", text(c->shape.name));
    put(o, "count", json_integer((json_int_t)c->shape.count));
    put(o, "m", json_integer((json_int_t)c->m));
    put(o, "n", json_integer((json_int_t)c->shape.n));
    put(o, "k", json_integer((json_int_t)c->shape.k));
    put(o, "scheme", text(c->scheme.name));
    put(o, "role", json_string(c->asked ? "asked" : "baseline"));
    put(o, "format", text(format));
    put(o, "x", text(tare_type_name(c->scheme.x)));
    put(o, "y", text(tare_type_name(c->scheme.y)));
    put(o, "x_int8", json_boolean(c->scheme.flags & TARE_X_I8));
    put(o, "sparsity", bench_json_real(c->scheme.sparsity));
    put(o, "kernel", text(c->kernel));
    put(o, "vendor", json_boolean(c->vendor != NULL));
    put(o, "vendor_library", text(c->vendor));
    put(o, "cache", json_string(c->cache == BENCH_HOT ? "hot" : "cold"));
    put(o, "weights", json_string(c->weights == BENCH_STREAMED ? "streamed" : "resident"));
    put(o, "seed", json_integer((json_int_t)s->seed));
    put(o, "distribution",
        json_string("w normal(0, 1/k), x normal(0, 1), none zero; pruned by "
                    "magnitude"));
}

static void put_times(json_t *o, const bench_cell *c) {
    const bench_result *r = &c->result;
    int timed = r->n > 0;
    put(o, "n_samples", timed ? json_integer((json_int_t)r->n) : json_null());
    put(o, "median_ns", bench_json_real(timed ? r->median_ns : NAN));
    put(o, "p90_ns", bench_json_real(timed ? r->p90_ns : NAN));
    put(o, "p99_ns", bench_json_real(timed ? r->p99_ns : NAN));
    put(o, "mad_ns", bench_json_real(timed ? r->mad_ns : NAN));
    put(o, "min_ns", bench_json_real(timed ? r->min_ns : NAN));
    put(o, "ci95_ns", timed ? bench_json_pair(r->ci_lo, r->ci_hi) : json_null());
    put(o, "h2d_ns", bench_json_real(timed ? c->transfer.h2d_ns : NAN));
    put(o, "kernel_ns", bench_json_real(timed ? c->transfer.kernel_ns : NAN));
    put(o, "d2h_ns", bench_json_real(timed ? c->transfer.d2h_ns : NAN));
    put(o, "end_to_end_ns", bench_json_real(timed ? c->transfer.end_to_end_ns : NAN));
    put(o, "timing", timed ? json_string(bench_timing_name(c->timing)) : json_null());
    put(o, "tick_ns", bench_json_real(timed && c->tick_ns > 0 ? c->tick_ns : NAN));
    put(o, "unresolved", timed ? json_boolean(bench_cell_unresolved(c)) : json_null());
    put(o, "clocks", timed ? clocks(c) : json_null());
    put(o, "outliers", timed ? json_integer((json_int_t)r->outliers) : json_null());
    put(o, "batch", timed ? json_integer(r->batch) : json_null());
    put(o, "stop", timed ? json_string(bench_stop_name(r->stop)) : json_null());
    put(o, "noisy", timed ? json_boolean(r->noise.noisy) : json_null());
    put(o, "noise", timed ? noise(&r->noise) : json_null());
    put(o, "samples_ns", timed ? samples(r) : json_null());
    put(o, "slices", timed ? slices(r) : json_null());
    put(o, "places", timed ? places(r) : json_null());
}

static void put_judgement(json_t *o, const bench_cell *c) {
    int timed = c->result.n > 0, planned = c->plan.kernel != NULL;
    put(o, "bytes", planned ? bench_json_real(c->plan.bytes) : json_null());
    put(o, "ops", planned ? bench_json_real(c->plan.ops) : json_null());
    put(o, "nnz", c->nnz ? json_integer((json_int_t)c->nnz) : json_null());
    put(o, "parts", c->nnz ? parts(c) : json_null());
    put(o, "packed_bytes", planned ? json_integer((json_int_t)c->packed_bytes) : json_null());
    put(o, "pack_ns", bench_json_real(c->pack_ns));
    put(o, "copies", timed ? json_integer(c->copies) : json_null());
    put(o, "huge_bytes",
        timed && c->huge_known ? json_integer((json_int_t)c->huge_bytes) : json_null());
    put(o, "cold_bytes",
        timed && c->cold_bytes ? json_integer((json_int_t)c->cold_bytes) : json_null());
    put(o, "cost_ns", planned ? bench_json_real(c->plan.cost_ns) : json_null());
    put(o, "pct_peak", bench_json_real(timed ? c->pct_peak : NAN));
    put(o, "bottleneck", timed ? json_string(bench_limit_name(c->limit)) : json_null());
    put(o, "error", bench_json_real(c->error));
    put(o, "base_kernel", text(c->base_kernel));
    put(o, "ratio", bench_json_real(timed ? c->ratio : NAN));
    put(o, "ratio_ci95", timed ? bench_json_pair(c->ratio_lo, c->ratio_hi) : json_null());
    put(o, "ratio_int8", bench_json_real(timed ? c->ratio_int8 : NAN));
    put(o, "ratio_int8_ci95",
        timed ? bench_json_pair(c->ratio_int8_lo, c->ratio_int8_hi) : json_null());
    put(o, "ratio_int4", bench_json_real(timed ? c->ratio_int4 : NAN));
    put(o, "ratio_int4_ci95",
        timed ? bench_json_pair(c->ratio_int4_lo, c->ratio_int4_hi) : json_null());
    put(o, "against_scheme", text(c->against_scheme));
    put(o, "against_kernel", text(c->against_kernel));
    put(o, "against_noisy", c->against_kernel[0] ? json_boolean(c->against_noisy) : json_null());
    put(o, "against_ratio", bench_json_real(timed ? c->against_ratio : NAN));
    put(o, "against_ratio_ci95",
        timed ? bench_json_pair(c->against_lo, c->against_hi) : json_null());
    put(o, "verdict", json_string(bench_verdict_name(c->verdict)));
    put(o, "refusal", text(c->refusal));
}

json_t *bench_record(const bench_setup *s, const bench_cell *c, json_t *env) {
    json_t *o = json_object();
    if (!o) return NULL;
    put_problem(o, s, c);
    put_times(o, c);
    put_judgement(o, c);
    put(o, "replay", replay(s, c));
    put(o, "env", json_incref(env));
    return o;
}
