/* The heat: which row of a scheme is measured.
 *
 * Candidates are measured in stages, each with more samples than the one before, and only by those
 * that the last one left. What is surely slower than its scheme's fastest is out; a scheme with one
 * candidate left, or none that differ, is settled. Those that are left in the end are as good as
 * each other, and the first of the device's table is taken: two runs on an unchanged machine take
 * the same, whoever happened to be a hair faster. */
#include "bench/group.h"
#include "bench/interval.h"
#include "src/internal.h"

#include <math.h>
#include <stdlib.h>

/* 3 % is what the choice may cost. Who is not surely farther behind stays, but for `doubtful`,
 * which wide intervals do not excuse. */
static const double tie = 1.03, doubtful = 1.06, hopeless = 1.3;

typedef struct stage {
    int samples;
    double seconds, window;
} stage;
/* The first only sends home what is far behind, and has no intervals. */
static const stage stages[] = {{3, 0.05, 0}, {12, 0.2, 0}, {100, 0.6, 0.3}};
enum { STAGES = sizeof stages / sizeof *stages };

typedef struct heat {
    bench_entrant **in;
    bench_contestant *c;
    bench_result *r;
    int count;
} heat;

static int rivals_of(const bench_group_state *g, const bench_entrant *e) {
    int rivals = 0;
    for (int i = 0; i < g->entrants; i++) {
        const bench_entrant *o = g->entrant[i];
        rivals += o->heat && !o->out && o != e && o->scheme == e->scheme;
    }
    return rivals;
}

/* Those whose scheme is open. `settled`: a flag a scheme. */
static void line_up(bench_group_state *g, heat *h, const char *settled) {
    h->count = 0;
    for (int i = 0; i < g->entrants; i++) {
        bench_entrant *e = g->entrant[i];
        if (!e->heat || e->out || settled[e->scheme] || rivals_of(g, e) == 0) continue;
        h->in[h->count] = e;
        h->c[h->count++] = bench_entrant_contestant(e);
    }
}

static int fastest_of(const heat *h, int scheme) {
    int best = -1;
    for (int i = 0; i < h->count; i++) {
        if (h->in[i]->scheme != scheme) continue;
        if (h->r[i].n == 0) continue;
        if (best < 0 || h->r[i].median_ns < h->r[best].median_ns) best = i;
    }
    return best;
}

/* Surely more than a tie behind. */
static int is_behind(const bench_result *best, const bench_result *r) {
    double lo, hi;
    if (!bench_ratio_interval(best, r, &lo, &hi)) return r->min_ns > hopeless * best->median_ns;
    return hi * tie < 1;
}

static int is_even(const bench_result *best, const bench_result *r) {
    double lo, hi;
    return best == r || (bench_ratio_interval(best, r, &lo, &hi) && lo * tie > 1);
}

/* Sends home who is behind; a scheme whose others are all even is settled. */
static void judge(const heat *h, char *settled) {
    for (int i = 0; i < h->count; i++) {
        int best = fastest_of(h, h->in[i]->scheme), even = 1;
        if (best < 0) continue;
        h->in[i]->seen_ns = h->r[i].median_ns;
        for (int j = 0; j < h->count; j++) {
            if (h->in[j]->scheme != h->in[i]->scheme) continue;
            h->in[j]->out = j != best && is_behind(&h->r[best], &h->r[j]);
            even &= h->in[j]->out || is_even(&h->r[best], &h->r[j]);
        }
        settled[h->in[i]->scheme] = (char)even;
    }
}

static tare_status run_stage(bench_group_state *g, heat *h, const stage *s, char *settled) {
    bench_options o = bench_options_default();
    o.seconds = s->seconds;
    o.window = s->window;
    o.min_samples = o.max_samples = s->samples;
    if (s->window > 0) o.max_samples = 3 * s->samples;
    o.warmup = 1;
    o.seed = g->setup->seed;
    o.noise = &g->setup->noise;
    line_up(g, h, settled);
    if (h->count == 0) return TARE_OK;
    int failed = 0;
    o.failed = &failed;
    tare_status st = bench_measure(h->c, h->count, &o, h->r);
    if (st != TARE_OK) return bench_lost_row(g, st, &h->in[failed]->cell);
    judge(h, settled);
    for (int i = 0; i < h->count; i++) bench_result_clear(&h->r[i]);
    return TARE_OK;
}

static int place_in_table(const bench_entrant *e) {
    const tare_kernel *const *rows = e->cell.device->backend->rows;
    int at = 0;
    while (rows[at] && rows[at] != e->cell.plan.row) at++;
    return at;
}

/* One of those left: the first in the table. */
static void choose(bench_group_state *g, int scheme) {
    bench_entrant *taken = NULL;
    double best = INFINITY;
    for (int i = 0; i < g->entrants; i++) {
        const bench_entrant *e = g->entrant[i];
        if (e->heat && !e->out && e->scheme == scheme && e->seen_ns > 0 && e->seen_ns < best)
            best = e->seen_ns;
    }
    for (int i = 0; i < g->entrants; i++) {
        bench_entrant *e = g->entrant[i];
        if (!e->heat || e->out || e->scheme != scheme) continue;
        int good = !(e->seen_ns > doubtful * best);
        if (good && (!taken || place_in_table(e) < place_in_table(taken))) taken = e;
    }
    for (int i = 0; i < g->entrants; i++) {
        bench_entrant *e = g->entrant[i];
        if (e->heat && e->scheme == scheme && e != taken) e->out = 1;
    }
}

/* A cold sample follows a run on another copy (rotate.c): of those in a heat there is one so far.
 */
static tare_status second_copies(bench_group_state *g) {
    size_t taken = g->packed + g->setup->store.bytes;
    for (int i = 0; i < g->entrants; i++) {
        bench_entrant *e = g->entrant[i];
        if (!e->heat || !rivals_of(g, e) || !e->rotor.cold || !e->rotor.ran_last) continue;
        if (e->rotor.copies > 1 || taken + e->cell.packed_bytes > g->setup->memory) continue;
        taken += e->cell.packed_bytes;
        TARE_TRY(bench_rotor_grow(&e->rotor, &g->encoded[e->scheme]->t, 2));
    }
    return TARE_OK;
}

/* Whether a stage would have no six samples of somebody: then the last one has said what there is.
 */
static int too_long(const bench_group_state *g, const stage *s) {
    for (int i = 0; i < g->entrants; i++) {
        const bench_entrant *e = g->entrant[i];
        if (e->heat && !e->out && rivals_of(g, e) && 6 * e->seen_ns > 5e9 * s->seconds) return 1;
    }
    return 0;
}

static tare_status all_stages(bench_group_state *g, heat *h, char *settled) {
    for (int i = 0; i < g->entrants; i++)
        if (g->entrant[i]->heat && rivals_of(g, g->entrant[i]) > 0)
            bench_entrant_record(g->entrant[i], 1);
    TARE_TRY(second_copies(g));
    for (int s = 0; s < STAGES && !too_long(g, &stages[s]); s++) {
        bench_group_tell(g, "picking the best rows", "", 0.3 + 0.03 * s);
        TARE_TRY(run_stage(g, h, &stages[s], settled));
    }
    for (int i = 0; i < g->entrants; i++) choose(g, g->entrant[i]->scheme);
    return TARE_OK;
}

tare_status bench_heats(bench_group_state *g) {
    int most = 1;
    for (int i = 0; i < g->entrants; i++)
        if (g->entrant[i]->scheme >= most) most = g->entrant[i]->scheme + 1;
    size_t room = (size_t)g->entrants + 1;
    heat h = {.in = calloc(room, sizeof *h.in),
              .c = calloc(room, sizeof *h.c),
              .r = calloc(room, sizeof *h.r)};
    char *settled = calloc((size_t)most, 1);
    tare_status s = TARE_OK;
    if (!h.in || !h.c || !h.r || !settled) s = tare_fail(TARE_E_NOMEM, "bench: out of memory");
    if (s == TARE_OK) s = all_stages(g, &h, settled);
    free(h.in);
    free(h.c);
    free(h.r);
    free(settled);
    return s;
}
