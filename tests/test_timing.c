/* Which clock samples are taken by, and what is kept from one m to the next. The device is the
 * tests' fake one with a clock of its own, on which a run takes 1000 ns, and with graphs. */
#include "bench/record.h"
#include "src/internal.h"
#include "tests/fake_backend.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 24, K = 40, BLOB = N * K * 4, KERNEL = 1000, RUNS = 64 };

static tare_backend backend;
static tare_backend_ops ops;
static tare_kernel row;
static const tare_kernel *rows[2] = {&row, NULL};
static tare_times spent;
static int64_t cache_bytes = 16384;
static int packs, device_packs, device_pack_fails, no_graph, replays, most_recorded;
static size_t since_run, least_since_run; /* bytes set between runs outside of a graph */
static const char *held = "power-cap";

typedef struct recording {
    tare_run_args run[RUNS];
    int runs;
} recording;
static recording *open_graph;

static tare_status open_device(int index, tare_device_info *info, tare_rates *rates,
                               uint64_t *features, void **state) {
    tare_status s = fake_backend.ops->open(index, info, rates, features, state);
    info->cache = cache_bytes;
    info->memory = (int64_t)1 << 30;
    return s;
}

static tare_status do_run(const tare_run_args *a) {
    spent.kernel_ns += KERNEL;
    return fake_backend.rows[0]->run(a);
}

static tare_status run_row(const tare_run_args *a) {
    if (!open_graph) {
        since_run = 0;
        return do_run(a);
    }
    cr_assert_lt(open_graph->runs, RUNS);
    for (int i = 0; i < open_graph->runs; i++)
        cr_assert_neq(open_graph->run[i].packed, a->packed, "cold: each copy once");
    open_graph->run[open_graph->runs++] = *a;
    return TARE_OK;
}

static tare_status begin(void *state, void *stream) {
    (void)state, (void)stream;
    open_graph = calloc(1, sizeof *open_graph);
    fake.live++;
    return TARE_OK;
}

static void destroy(void *state, void *graph) {
    (void)state;
    free(graph);
    fake.live--;
}

static tare_status end(void *state, void *stream, void **graph) {
    (void)stream;
    *graph = open_graph;
    open_graph = NULL;
    if (!no_graph) return TARE_OK;
    destroy(state, *graph);
    return tare_fail(TARE_E_DEVICE, "fake: no graph today");
}

static tare_status replay(void *state, void *stream, void *graph) {
    recording *g = graph;
    (void)state, (void)stream;
    replays++;
    if (since_run < least_since_run) least_since_run = since_run;
    since_run = 0;
    if (g->runs > most_recorded) most_recorded = g->runs;
    for (int i = 0; i < g->runs; i++) TARE_TRY(do_run(&g->run[i]));
    return TARE_OK;
}

static tare_status times(void *state, void *stream, tare_times *out) {
    (void)state, (void)stream;
    *out = spent;
    memset(&spent, 0, sizeof spent);
    return TARE_OK;
}

/* Writes what it is given into a block, as the fake device's write does. */
static tare_status fill(void *state, void *stream, void *mem, size_t offset, size_t bytes,
                        uint8_t value) {
    char *v = malloc(bytes);
    memset(v, value, bytes);
    since_run += bytes;
    tare_status s = fake_backend.ops->write(state, stream, mem, offset, v, bytes);
    free(v);
    return s;
}

static tare_status copy(void *state, void *stream, void *to, const void *from, size_t bytes) {
    char *v = malloc(bytes);
    tare_status s = fake_backend.ops->read(state, stream, from, 0, v, bytes);
    if (s == TARE_OK) s = fake_backend.ops->write(state, stream, to, 0, v, bytes);
    free(v);
    return s;
}

static tare_status clocks(void *state, tare_clocks *out) {
    (void)state;
    *out = (tare_clocks){1200, 1980, 2600, 2619, -1, 300, 700, ""};
    snprintf(out->limits, sizeof out->limits, "%s", held);
    return TARE_OK;
}

static tare_status count_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                              size_t *used) {
    packs++;
    return fake_backend.rows[0]->pack(p, t, blob, used);
}

static tare_status pack_there(const tare_problem *p, void *state, void *stream, const void *w,
                              void *blob) {
    float values[N * K];
    (void)p;
    device_packs++;
    if (device_pack_fails) return tare_fail(TARE_E_UNSUPPORTED, "fake: not today");
    TARE_TRY(fake_backend.ops->read(state, stream, w, 0, values, sizeof values));
    return fake_backend.ops->write(state, stream, blob, 0, values, sizeof values);
}

static void make(bench_setup *s, int with_graphs) {
    tare_device *d;
    row = *fake_backend.rows[0];
    row.run = run_row;
    row.pack = count_pack;
    ops = *fake_backend.ops;
    ops.open = open_device;
    ops.stream_times = times;
    ops.fill = fill;
    ops.copy = copy;
    ops.clocks = clocks;
    if (with_graphs) {
        ops.graph_begin = begin;
        ops.graph_end = end;
        ops.graph_replay = replay;
        ops.graph_destroy = destroy;
    }
    backend = fake_backend;
    backend.ops = &ops;
    backend.rows = rows;
    /* A second time it is the same device, of the same tables, filled anew. */
    if (tare_device_find("fake:0", &d) != TARE_OK)
        cr_assert_eq(tare_registry_add(&backend), TARE_OK);
    cr_assert_eq(tare_device_find("fake:0", &d), TARE_OK);
    cr_assert_eq(bench_setup_init(s, d), TARE_OK);
    s->seconds = 0.01;
    s->samples = 6;
    s->noise.absent = 1; /* what the host does meanwhile is no matter here */
    least_since_run = SIZE_MAX;
}

static void measure(bench_setup *s, int64_t m, bench_cells *cells) {
    static const char *const only_f32[] = {"f32", NULL};
    bench_scheme scheme;
    bench_shape shape = {.name = "layer", .n = N, .k = K, .count = 1};
    s->baselines = only_f32;
    cr_assert_eq(bench_scheme_parse("f32", &scheme), TARE_OK);
    cr_assert_eq(bench_group(s, &shape, m, &scheme, 1, cells), TARE_OK, "%s", tare_last_error());
}

static void done(bench_setup *s, bench_cells *cells) {
    bench_cells_clear(cells);
    bench_setup_clear(s);
    cr_assert_eq(fake.live, 0, "%d things of the device were kept", fake.live);
}

Test(timing, a_graph_goes_through_all_copies) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s, 1);
    measure(&s, 2, &cells);
    const bench_cell *c = &cells.cell[0];
    cr_assert_eq(c->timing, BENCH_BY_GRAPH);
    cr_assert_gt(c->copies, 1);
    cr_assert(c->result.batch == c->copies && most_recorded == c->copies);
    cr_assert(replays >= (int)c->result.n && c->result.n >= 6);
    cr_assert_eq(c->result.median_ns, KERNEL, "a run of those recorded: %g", c->result.median_ns);
    cr_assert_eq(c->transfer.kernel_ns, KERNEL);
    cr_assert_gt(c->transfer.end_to_end_ns, 0);
    cr_assert_neq(c->limit, BENCH_LAUNCH);
    done(&s, &cells);
}

/* Memory for one copy, a cache of a megabyte: twice that is set before each replay, untimed. */
Test(timing, what_evicts_is_set_on_the_device_and_not_timed) {
    bench_setup s;
    bench_cells cells = {0};
    cache_bytes = 1 << 20;
    make(&s, 1);
    s.memory = BLOB;
    measure(&s, 2, &cells);
    cr_assert_eq(cells.cell[0].copies, 1);
    cr_assert_eq(cells.cell[0].result.median_ns, KERNEL);
    cr_assert(replays > 6 && least_since_run + BLOB >= 2 << 20, "%zu bytes in between",
              least_since_run);
    done(&s, &cells);
}

Test(timing, hot_runs_are_recorded_too) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s, 0); /* the same copy again and again would be refused above */
    s.caches = BENCH_HOT;
    measure(&s, 2, &cells);
    cr_assert_eq(cells.cell[0].timing, BENCH_BY_EVENTS);
    cr_assert_eq(cells.cell[0].result.median_ns, KERNEL, "%g: the run before is not counted",
                 cells.cell[0].result.median_ns);
    done(&s, &cells);
}

Test(timing, a_kernel_that_cannot_be_recorded_is_timed_by_events) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s, 1);
    no_graph = 1;
    measure(&s, 2, &cells);
    cr_assert_eq(cells.cell[0].timing, BENCH_BY_EVENTS);
    cr_assert_eq(cells.cell[0].result.median_ns, KERNEL);
    done(&s, &cells);
}

Test(timing, the_host_s_clock_on_demand) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s, 1);
    cr_assert_eq(bench_timing_choose(s.device, BENCH_BY_HOST, &s.timing), TARE_OK);
    measure(&s, 2, &cells);
    cr_assert_eq(cells.cell[0].timing, BENCH_BY_HOST);
    cr_assert_neq(cells.cell[0].result.median_ns, KERNEL);
    cr_assert_eq(replays, 0);
    done(&s, &cells);
}

static double claimed_tick;
static int believed = 1;
static tare_status clock_of(void *state, double *tick_ns) {
    (void)state;
    *tick_ns = claimed_tick;
    return believed ? TARE_OK : tare_fail(TARE_E_UNSUPPORTED, "fake: its clock stands still");
}
static tare_status no_times(void *state, void *stream, tare_times *out) {
    (void)out;
    return clock_of(state, stream ? &(double){0} : NULL);
}

Test(timing, a_clock_that_is_not_believed_is_the_host_s) {
    bench_setup s;
    bench_cells cells = {0};
    enum bench_timing t;
    make(&s, 1);
    ops.clock = clock_of;
    ops.stream_times = no_times;
    believed = 0;
    cr_assert_eq(bench_timing_choose(s.device, BENCH_AUTO, &s.timing), TARE_OK);
    cr_assert_eq(s.timing, BENCH_BY_HOST);
    cr_assert_eq(bench_timing_choose(s.device, BENCH_BY_EVENTS, &t), TARE_E_UNSUPPORTED);
    cr_assert(strstr(tare_last_error(), "stands still"), "%s", tare_last_error());
    measure(&s, 2, &cells);
    cr_expect_eq(cells.cell[0].timing, BENCH_BY_HOST);
    cr_expect(cells.cell[0].result.median_ns > 0 && cells.cell[0].result.median_ns != KERNEL);
    cr_expect(isnan(cells.cell[0].transfer.kernel_ns), "no times by a clock that is none");
    cr_expect_gt(cells.cell[0].tick_ns, 0);
    done(&s, &cells);
}

/* Runs of 1000 ns by a clock of 100 ns: 200 ticks take 20 of them. */
Test(timing, samples_are_as_long_as_the_clock_needs) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s, 0);
    ops.clock = clock_of;
    claimed_tick = 100;
    s.caches = BENCH_HOT;
    measure(&s, 2, &cells);
    const bench_cell *c = &cells.cell[0];
    cr_expect(c->timing == BENCH_BY_EVENTS && c->tick_ns == 100);
    cr_expect_eq(c->result.batch, 20, "%d", c->result.batch);
    cr_expect(!bench_cell_unresolved(c) && c->against_ratio == 1);
    cr_expect_eq(c->verdict, BENCH_NEUTRAL);
    done(&s, &cells);
}

/* By a clock that says 0 for every run there is no verdict, no ratio and no share of a peak. */
static tare_status nothing(void *state, void *stream, tare_times *out) {
    tare_status st = times(state, stream, out);
    out->kernel_ns = 0;
    return st;
}
Test(timing, no_time_at_all_is_no_verdict) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s, 0);
    ops.stream_times = nothing;
    measure(&s, 2, &cells);
    const bench_cell *c = &cells.cell[0];
    cr_expect(bench_cell_unresolved(c) && c->verdict == BENCH_INCONCLUSIVE);
    cr_expect(isnan(c->ratio) && isnan(c->pct_peak));
    cr_expect(s.rates.read_gbs < 1e6, "no ceiling rises to it: %g", s.rates.read_gbs);
    json_t *env = bench_record_env(&s), *o = bench_record(&s, c, env), *all = json_array();
    cr_expect(json_is_true(json_object_get(o, "unresolved")));
    cr_expect(json_is_null(json_object_get(o, "ratio")));
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    json_array_append_new(all, o);
    bench_report(f, BENCH_TABLE, all);
    fclose(f);
    cr_expect_not_null(strstr(text, "INCONCLUSIVE, too short for its clock"), "%s", text);
    free(text);
    json_decref(all);
    json_decref(env);
    done(&s, &cells);
}

/* What no memory and no unit does is not measured, whatever a probe says. */
static double probe_says = 268435456;
static tare_status probe(void *state, tare_probe_kind what, double seconds, double *rate) {
    (void)state, (void)seconds;
    *rate = what == TARE_PROBE_F32 ? 100 : probe_says;
    return TARE_OK;
}
Test(timing, ceilings_that_nothing_has_are_none) {
    tare_rates r;
    bench_setup s;
    make(&s, 0);
    backend.host_memory = 1; /* the noise probe is its own, and always the same */
    ops.probe = probe;
    cr_assert_eq(bench_ceilings(s.device, 0.001, &r), TARE_OK);
    cr_expect(!bench_ceiling_measured(&r, TARE_PROBE_READ) && r.read_gbs < 1e5, "%g GB/s",
              r.read_gbs);
    cr_expect(bench_ceiling_measured(&r, TARE_PROBE_F32) && r.f32_gflops == 100, "each by itself");
    probe_says = 50;
    cr_assert_eq(bench_ceilings(s.device, 0.001, &r), TARE_OK);
    cr_expect(r.measured && r.read_gbs == 50);
    cr_expect(bench_ceiling_measured(&r, TARE_PROBE_READ));
    bench_setup_clear(&s);
}

/* The noise probe of a device in host memory is its own f32 probe: high for the first five, when
 * its best is found, and low ever after. */
static int f32_calls;
static tare_status slow_probe(void *state, tare_probe_kind what, double seconds, double *rate) {
    (void)state, (void)seconds;
    *rate = what != TARE_PROBE_F32 ? 50 : f32_calls++ < 5 ? 100 : 60;
    return TARE_OK;
}
Test(timing, ceilings_of_a_slow_spell_are_none) {
    tare_rates r, before;
    bench_setup s;
    make(&s, 0);
    backend.host_memory = 1; /* its own noise probe */
    ops.probe = slow_probe;
    tare_device_rates(s.device, &before);
    cr_assert_eq(bench_ceilings(s.device, 0.001, &r), TARE_OK);
    cr_expect_eq(r.measured, 0, "%x", (unsigned)r.measured);
    cr_expect_eq(r.read_gbs, before.read_gbs, "the estimate stays");
    cr_expect_gt(f32_calls, 5);
    f32_calls = 0;
    ops.probe = probe; /* the spell is over */
    probe_says = 50;
    cr_assert_eq(bench_ceilings(s.device, 0.001, &r), TARE_OK);
    cr_expect(bench_ceiling_measured(&r, TARE_PROBE_READ) && r.read_gbs == 50);
    bench_setup_clear(&s);
}

Test(timing, what_a_device_lacks_is_an_error) {
    bench_setup s;
    enum bench_timing t;
    tare_device *cpu;
    make(&s, 0);
    cr_assert_eq(bench_timing_choose(s.device, BENCH_AUTO, &t), TARE_OK);
    cr_assert_eq(t, BENCH_BY_EVENTS);
    cr_assert_eq(bench_timing_choose(s.device, BENCH_BY_GRAPH, &t), TARE_E_UNSUPPORTED);
    cr_assert(strstr(tare_last_error(), "graphs"), "%s", tare_last_error());
    cr_assert_eq(tare_device_find("cpu", &cpu), TARE_OK);
    cr_assert_eq(bench_timing_choose(cpu, BENCH_AUTO, &t), TARE_OK);
    cr_assert_eq(t, BENCH_BY_HOST);
    cr_assert_eq(bench_timing_choose(cpu, BENCH_BY_EVENTS, &t), TARE_E_UNSUPPORTED);
    cr_assert_eq(bench_timing_find("graph"), BENCH_BY_GRAPH);
    cr_assert_eq(bench_timing_find("sundial"), -1);
    bench_setup_clear(&s);
}

/* ---- clocks ---- */

static char *table_of(bench_setup *s, const bench_cells *cells, json_t **first) {
    json_t *env = bench_record_env(s), *all = json_array();
    for (int i = 0; i < cells->count; i++)
        json_array_append_new(all, bench_record(s, &cells->cell[i], env));
    *first = json_incref(json_array_get(all, 0));
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    cr_assert_eq(bench_report(f, BENCH_TABLE, all), 0);
    fclose(f);
    json_decref(all);
    json_decref(env);
    return text;
}

Test(timing, records_and_table_tell_clock_and_clocks) {
    bench_setup s;
    bench_cells cells = {0};
    json_t *r;
    held = "idle power-cap";
    make(&s, 1);
    measure(&s, 2, &cells);
    char *text = table_of(&s, &cells, &r);
    cr_assert_str_eq(json_string_value(json_object_get(r, "timing")), "graph");
    cr_assert(strstr(json_string_value(json_object_get(r, "replay")), " --timing graph"));
    const json_t *after = json_object_get(json_object_get(r, "clocks"), "after");
    cr_assert_eq(json_number_value(json_object_get(after, "core_mhz")), 1200);
    cr_assert(json_is_null(json_object_get(after, "celsius")), "not told");
    cr_assert_str_eq(json_string_value(json_object_get(after, "limits")), "idle power-cap");
    cr_assert(strstr(text, "timed by") && strstr(text, "graph"), "%s", text);
    cr_assert(strstr(text, "fake:0: its clocks were held down while it was measured: power-cap\n"),
              "%s", text);
    free(text);
    json_decref(r);
    done(&s, &cells);
}

Test(timing, idling_is_no_reason) {
    bench_setup s;
    bench_cells cells = {0};
    json_t *r;
    held = "idle";
    make(&s, 1);
    measure(&s, 2, &cells);
    char *text = table_of(&s, &cells, &r);
    cr_assert(!strstr(text, "held down"), "%s", text);
    free(text);
    json_decref(r);
    done(&s, &cells);
}

/* ---- from one m to the next ---- */

Test(timing, weights_that_fit_any_m_are_packed_once) {
    for (int any = 0; any < 2; any++) {
        bench_setup s;
        bench_cells cells = {0};
        make(&s, 1);
        row.flags = any ? TARE_ROW_ANY_M : 0;
        s.store.most = BLOB;
        packs = 0;
        for (int64_t m = 1; m <= 4; m *= 2) measure(&s, m, &cells);
        cr_assert_eq(cells.count, 3);
        cr_assert_eq(packs, any ? 1 : 3, "%d packings", packs);
        for (int i = 0; i < 3; i++) {
            cr_assert(cells.cell[i].error <= 1 && cells.cell[i].result.n > 0);
            cr_assert_gt(cells.cell[i].pack_ns, 0);
        }
        done(&s, &cells);
    }
}

Test(timing, an_encoding_serves_every_m_and_goes_when_unused) {
    bench_setup s;
    bench_cells cells = {0};
    make(&s, 1);
    measure(&s, 1, &cells);
    cr_assert_eq(s.own.count, 1);
    const bench_encoded *was = s.own.encoded[0];
    measure(&s, 20, &cells);
    cr_assert(s.own.count == 1 && s.own.encoded[0] == was);
    bench_matrix_tidy(&s.own); /* a group that did not use it */
    cr_assert_eq(s.own.count, 0);
    done(&s, &cells);
}

Test(timing, rows_that_pack_on_the_device_do) {
    for (int fails = 0; fails < 2; fails++) {
        bench_setup s;
        bench_cells cells = {0};
        make(&s, 1);
        row.pack_values = pack_there;
        device_pack_fails = fails;
        device_packs = packs = 0;
        s.memory = BLOB;
        measure(&s, 2, &cells);
        cr_assert_eq(device_packs, 1);
        cr_assert_eq(packs, fails, "the host packs where the device can't");
        cr_assert(cells.cell[0].error <= 1 && cells.cell[0].result.n > 0);
        done(&s, &cells);
    }
}

/* Any call may fail on the way. */
Test(timing, faults_leave_nothing_behind) {
    static const char *const only_f32[] = {"f32", NULL};
    bench_setup s;
    bench_shape shape = {.name = "layer", .n = N, .k = K, .count = 1};
    bench_scheme scheme;
    int failed = 0;
    make(&s, 1);
    row.flags = TARE_ROW_ANY_M;
    s.seconds = 0.001;
    s.baselines = only_f32;
    cr_assert_eq(bench_scheme_parse("f32", &scheme), TARE_OK);
    for (int point = 0; point < FAKE_POINTS; point++)
        for (int at = 1; at <= 40; at += 3) {
            bench_cells cells = {0};
            fake.fail_point = point;
            fake.fail_at = at;
            failed += bench_group(&s, &shape, 2, &scheme, 1, &cells) != TARE_OK;
            fake.fail_at = 0;
            bench_cells_clear(&cells);
            bench_store_clear(&s.store);
            cr_assert_eq(fake.live, 0, "point %d, call %d: %d kept", point, at, fake.live);
        }
    cr_assert_gt(failed, 8);
    bench_setup_clear(&s);
}
