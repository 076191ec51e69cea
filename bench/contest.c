/* Passes over a group's entrants: weights cold, hot, streamed; heats, the measurement, cells. */
#include "bench/drift.h"
#include "bench/group.h"
#include "bench/lastcache.h"
#include "bench/pages.h"
#include "src/internal.h"
#include "src/room.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HOT_BYTES = 16 << 20 };

/* What a contest is about. Streamed weights were not used before: such cells count as cold. */
typedef struct pass {
    enum bench_cache cache;
    enum bench_weights weights;
    bench_cold *cold; /* null where copies need not go by */
    enum bench_timing timing;
    double tick_ns; /* of that clock */
    int last;
    int clocks_known;
    tare_clocks clocks[2]; /* before and after */
    bench_drift drift;
} pass;

typedef struct field {
    bench_entrant **in;
    bench_contestant *c;
    bench_result *r;
    int count;
} field;

static tare_status field_make(field *f, int room) {
    f->count = 0;
    f->in = calloc((size_t)room + 1, sizeof *f->in);
    f->c = calloc((size_t)room + 1, sizeof *f->c);
    f->r = calloc((size_t)room + 1, sizeof *f->r);
    if (!f->in || !f->c || !f->r) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
    return TARE_OK;
}

static void field_clear(field *f) {
    free(f->in);
    free(f->c);
    free(f->r);
}

bench_contestant bench_entrant_contestant(bench_entrant *e) {
    bench_contestant c =
        e->carry.blob ? bench_carry_contestant(&e->carry) : bench_rotor_contestant(&e->rotor);
    if (e->planted.fault) {
        c.seen = bench_plant_seen;
        c.seen_ctx = &e->planted;
    }
    return c;
}

void bench_entrant_record(bench_entrant *e, int runs) {
    if (e->rotor.timing == BENCH_BY_GRAPH && bench_rotor_record(&e->rotor, runs) != TARE_OK)
        e->rotor.timing = BENCH_BY_EVENTS;
}

static void field_add(field *f, bench_entrant *e) {
    f->in[f->count] = e;
    f->c[f->count++] = bench_entrant_contestant(e);
}

/* Their memory is better used for copies of the others. */
static void drop_losers(bench_group_state *g) {
    for (int i = 0; i < g->entrants; i++) {
        bench_entrant *e = g->entrant[i];
        if (!e->out) continue;
        g->packed -= e->rotor.copies ? e->cell.packed_bytes : 0;
        bench_entrant_clear(g, e);
    }
}

/* Runs that a graph is made of, so that a sample takes a while. */
static int graph_runs(const bench_entrant *e) {
    double ns = e->seen_ns > 0 ? e->seen_ns : e->cell.plan.cost_ns;
    double runs = ceil(BENCH_GRAPH_NS / (ns > 1 ? ns : 1));
    return runs < 1 ? 1 : runs > BENCH_GRAPH_RUNS ? BENCH_GRAPH_RUNS : (int)runs;
}

/* As many copies of each as make one turn through all of them pass the target, or of what is
 * recorded as many as a graph has runs, within memory; what is still missing is made up by
 * eviction. */
static tare_status make_copies(bench_group_state *g, field *f, size_t target) {
    tare_status s = TARE_OK;
    size_t sum = 0, taken = g->packed + g->setup->store.bytes;
    for (int i = 0; i < f->count; i++) sum += f->in[i]->cell.packed_bytes;
    size_t want = target / (sum ? sum : 1) + 1;
    size_t spare = g->setup->memory > taken ? g->setup->memory - taken : 0;
    if (want > 1 + spare / (sum ? sum : 1)) want = 1 + spare / (sum ? sum : 1);
    if (want > BENCH_COPIES_MAX) want = BENCH_COPIES_MAX;
    for (int i = 0; i < f->count && s == TARE_OK; i++) {
        bench_entrant *e = f->in[i];
        size_t one = e->cell.packed_bytes, share = spare / (size_t)f->count, copies = want;
        if (e->rotor.timing == BENCH_BY_GRAPH) {
            size_t runs = (size_t)graph_runs(e), most = 1 + share / (one ? one : 1);
            copies = runs < most ? runs : most;
        }
        bench_group_tell(g, "packing copies of", e->cell.scheme.name, 0.4);
        s = bench_rotor_grow(&e->rotor, &g->encoded[e->scheme]->t, (int)copies);
        if (s != TARE_OK) s = bench_lost_row(g, s, &e->cell);
    }
    return s;
}

/* Hot weights lie at a few places, for where they lie is luck: as many as make HOT_BYTES. Large
 * ones lie on many pages, and average it by themselves. */
static tare_status make_places(bench_group_state *g, field *f) {
    tare_status s = TARE_OK;
    for (int i = 0; i < f->count && s == TARE_OK; i++) {
        bench_entrant *e = f->in[i];
        size_t one = e->cell.packed_bytes ? e->cell.packed_bytes : 1, places = HOT_BYTES / one;
        e->rotor.places = 1;
        if (e->carry.blob || e->rotor.timing == BENCH_BY_GRAPH || places < 2) continue;
        e->rotor.places = places > BENCH_HOT_COPIES ? BENCH_HOT_COPIES : (int)places;
        s = bench_rotor_grow(&e->rotor, &g->encoded[e->scheme]->t, e->rotor.places);
        if (s != TARE_OK) s = bench_lost_row(g, s, &e->cell);
    }
    return s;
}

static void on_progress(void *ctx, double done) {
    bench_group_tell(ctx, "timing", "", 0.5 + 0.5 * done);
}

/* What transfers add to a run. In host memory there are none. */
static tare_status transfers(bench_entrant *e, const bench_result *r, double seconds,
                             bench_transfer *out) {
    *out = (bench_transfer){NAN, NAN, NAN, r->median_ns};
    if (e->rotor.stream->device->backend->host_memory) return TARE_OK;
    TARE_TRY(bench_carry_times(&e->carry, seconds, out));
    if (e->carry.blob) out->end_to_end_ns = r->median_ns; /* that is what was timed */
    return TARE_OK;
}

static int copies_used(const bench_entrant *e, const pass *p) {
    return p->cold ? e->rotor.copies : e->rotor.places > 0 ? e->rotor.places : 1;
}

static tare_status add_refused(bench_group_state *g, const pass *p, bench_cells *out) {
    for (int i = 0; i < g->refused->count; i++) {
        bench_cell *c = bench_cells_add(out);
        if (!c) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
        *c = g->refused->cell[i];
        c->cache = p->cache;
        c->weights = p->weights;
    }
    return TARE_OK;
}

/* Their times are whole, whatever becomes of the transfers. */
static tare_status add_cells(bench_group_state *g, field *f, const pass *p, bench_cells *out) {
    int first = out->count;
    tare_status st = TARE_OK;
    for (int i = 0; i < f->count; i++) {
        bench_transfer t = {NAN, NAN, NAN, NAN};
        if (st == TARE_OK) {
            st = transfers(f->in[i], &f->r[i], g->setup->seconds, &t);
            if (st != TARE_OK) st = bench_lost(g, st, &f->in[i]->cell);
        }
        bench_cell *c = bench_cells_add(out);
        if (!c) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
        *c = f->in[i]->cell;
        c->cache = p->cache;
        c->weights = p->weights;
        c->transfer = t;
        c->result = f->r[i];
        bench_drift_widen(p->drift.share, c->result.median_ns, &c->result.ci_lo, &c->result.ci_hi);
        memset(&f->r[i], 0, sizeof f->r[i]);
        c->copies = copies_used(f->in[i], p);
        bench_pages(&f->in[i]->rotor, c);
        c->cold_bytes = p->cold ? p->cold->target : 0;
        c->timing = f->in[i]->rotor.timing;
        c->tick_ns = p->tick_ns;
        c->clocks_known = p->clocks_known;
        memcpy(c->clocks, p->clocks, sizeof c->clocks);
    }
    TARE_TRY(add_refused(g, p, out));
    bench_verdicts(out->cell + first, out->count - first);
    return st;
}

static tare_status line_up(bench_group_state *g, const pass *p) {
    for (int i = 0; i < g->entrants; i++) {
        bench_entrant *e = g->entrant[i];
        e->rotor.cold = p->cold;
        e->rotor.timing = p->timing;
        e->rotor.tick_ns = p->tick_ns;
        e->out = 0;
        e->seen_ns = 0;
        if (p->weights == BENCH_STREAMED) TARE_TRY(bench_carry_stream(&e->carry));
    }
    return TARE_OK;
}

static bench_options options_of(bench_group_state *g) {
    bench_options o = bench_options_default();
    o.seconds = g->setup->seconds;
    o.window = g->setup->window;
    o.min_samples = g->setup->samples;
    if (o.max_samples < o.min_samples) o.max_samples = o.min_samples;
    o.seed = g->setup->seed;
    o.noise = &g->setup->noise;
    o.progress = on_progress;
    o.progress_ctx = g;
    return o;
}

/* Clocks are read as close to the samples as can be: a device that idles lowers them. */
static tare_status timed(bench_group_state *g, field *f, pass *p) {
    bench_options o = options_of(g);
    tare_device *d = g->setup->device;
    if (f->count == 0) return TARE_OK;
    p->clocks_known = tare_device_clocks(d, &p->clocks[0]) == TARE_OK;
    int failed = 0;
    o.failed = &failed;
    tare_status s = bench_measure(f->c, f->count, &o, f->r);
    if (s != TARE_OK) return bench_lost_row(g, s, &f->in[failed]->cell);
    p->clocks_known &= tare_device_clocks(d, &p->clocks[1]) == TARE_OK;
    return TARE_OK;
}

/* Until the samples are taken. */
static tare_status compete(bench_group_state *g, field *f, pass *p) {
    TARE_TRY(line_up(g, p));
    TARE_TRY(bench_heats(g));
    if (g->setup->twins) TARE_TRY(bench_twins(g));
    if (p->last) drop_losers(g);
    f->count = 0;
    for (int i = 0; i < g->entrants; i++)
        if (!g->entrant[i]->out) field_add(f, g->entrant[i]);
    TARE_TRY(p->cold ? make_copies(g, f, p->cold->target) : make_places(g, f));
    for (int i = 0; i < f->count; i++) {
        bench_entrant_record(f->in[i], p->cold ? f->in[i]->rotor.copies : graph_runs(f->in[i]));
        f->c[i] = bench_entrant_contestant(f->in[i]);
    }
    return timed(g, f, p);
}

static tare_status contest(bench_group_state *g, field *f, pass *p, bench_cells *out) {
    tare_status s = compete(g, f, p);
    if (s != TARE_OK) {
        if (g->setup->lost) (void)add_refused(g, p, out);
        return s;
    }
    s = add_cells(g, f, p, out);
    for (int i = 0; i < f->count; i++) bench_result_clear(&f->r[i]);
    return s;
}

static int plan_passes(const bench_setup *s, bench_cold *cold, pass out[3]) {
    int n = 0;
    if (s->weights & BENCH_RESIDENT) {
        pass p = {.weights = BENCH_RESIDENT, .timing = s->timing};
        p.cache = BENCH_COLD;
        p.cold = cold;
        if (s->caches & BENCH_COLD) out[n++] = p;
        p.cache = BENCH_HOT;
        p.cold = NULL;
        if (s->caches & BENCH_HOT) out[n++] = p;
    }
    if (s->weights & BENCH_STREAMED)
        out[n++] = (pass){.cache = BENCH_COLD, .weights = BENCH_STREAMED, .timing = BENCH_BY_HOST};
    if (n) out[n - 1].last = 1;
    for (int i = 0; i < n && !s->twins; i++) out[i].drift = bench_drift_load(s, out[i].cache);
    for (int i = 0; i < n; i++) out[i].tick_ns = bench_timing_tick(s->device, out[i].timing);
    return n;
}

/* The power of two at or above the last cache, 64 MiB at least: the knee that is found moves by its
 * half steps from run to run, and what goes by should not. */
static size_t steady_cache(const bench_setup *s) {
    size_t cache = bench_last_cache(s), steady = (size_t)64 << 20;
    if (!s->device->backend->host_memory) return cache;
    while (steady < cache && steady <= SIZE_MAX / 4) steady *= 2;
    return steady;
}

/* Twice that goes by between two uses of the same weights; where memory does not hold
 * that once in copies and once to read, as much of it as does, and cells say so (cold_bytes). */
static size_t cold_target(const bench_setup *s) {
    size_t cache = steady_cache(s);
    size_t left = tare_room_now().left / 3, least = (size_t)1 << 20;
    if (!s->device->backend->host_memory || 2 * cache <= left) return 2 * cache;
    return left > least ? left : least;
}

tare_status bench_passes(bench_group_state *g, bench_cells *out) {
    const bench_setup *s = g->setup;
    bench_cold cold = {.target = s->caches & BENCH_COLD ? cold_target(s) : 0,
                       .stream = s->device->backend->host_memory ? NULL : g->stream};
    pass p[3];
    int count = plan_passes(s, &cold, p);
    tare_status st = TARE_OK;
    for (int i = 0; i < count && st == TARE_OK; i++) {
        field f;
        st = field_make(&f, 2 * g->entrants); /* with their twins */
        if (st == TARE_OK) st = contest(g, &f, &p[i], out);
        field_clear(&f);
    }
    bench_cold_clear(&cold);
    return st;
}

tare_status bench_passes_none(bench_group_state *g, bench_cells *out) {
    bench_cold cold = {0};
    pass p[3];
    return plan_passes(g->setup, &cold, p) ? add_refused(g, &p[0], out) : TARE_OK;
}
