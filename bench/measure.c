/* Rounds of interleaved samples, cut into short blocks between two noise probes. */
#include "bench/measure.h"
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "bench/interval.h"
#include "bench/race.h"
#include "bench/stats.h"
#include "bench/timing.h"
#include "src/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The clock resolves about 25 ns and costs as much: a sample shorter than this would carry more
 * than half a percent of it, so shorter runs are timed in batches. */
static const double least_sample_ns = 5000;
/* Turns are of one sample where that takes longer than this. */
static const double long_sample_ns = 5e6;
/* Quiet spells of a shared machine can be as short as this. */
static const double block_ns = 40e6;
/* Pause before a block is measured again, and how long in all the probe may be waited for: a part
 * of the time that the measurement has, and two seconds. */
static const double pause_ns = 20e6, patience_ns = 2e9, patience_share = 0.5;
enum { BATCH_MAX = 1000 };

const char *bench_stop_name(int stop) {
    return stop == BENCH_STOP_CI ? "ci" : stop == BENCH_STOP_COUNT ? "count" : "time";
}

bench_options bench_options_default(void) {
    return (bench_options){.seconds = 1,
                           .ci = 0.02,
                           .window = 0.4,
                           .min_samples = 30,
                           .max_samples = 20000,
                           .warmup = 2,
                           .seed = 1};
}

void bench_result_clear(bench_result *r) {
    free(r->samples);
    free(r->slice);
    free(r->place);
    free(r->draw);
    memset(r, 0, sizeof *r);
}

tare_status bench_result_summarise(bench_result *r) {
    r->median_ns = r->mad_ns = r->min_ns = r->mean_ns = NAN;
    r->p90_ns = r->p99_ns = r->ci_lo = r->ci_hi = NAN;
    if (r->n == 0) return TARE_OK;
    double *v = malloc(r->n * sizeof *v), sum = 0;
    if (!v) TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for %zu samples", r->n);
    memcpy(v, r->samples, r->n * sizeof *v);
    bench_sort(v, r->n);
    for (size_t i = 0; i < r->n; i++) sum += v[i];
    r->median_ns = bench_median(v, r->n);
    r->mad_ns = bench_mad(v, r->n);
    r->min_ns = v[0];
    r->mean_ns = sum / (double)r->n;
    r->outliers = bench_outliers(v, r->n);
    if (r->n >= BENCH_TAIL_SAMPLES) {
        r->p90_ns = bench_quantile(v, r->n, 0.9);
        r->p99_ns = bench_quantile(v, r->n, 0.99);
    }
    free(v);
    return TARE_OK;
}

/* ---- one sample ---- */

static tare_status timed(const lane *l, int runs, int first, double *ns, int *place) {
    if (first && l->c->prepare) TARE_TRY(l->c->prepare(l->c->ctx, runs));
    *place = l->c->place ? l->c->place(l->c->ctx) : 0;
    if (l->c->timed) return l->c->timed(l->c->ctx, runs, ns);
    double t = bench_now_ns();
    for (int i = 0; i < runs; i++) TARE_TRY(l->c->run(l->c->ctx));
    *ns = bench_now_ns() - t;
    return TARE_OK;
}

static tare_status make_room(lane *l) {
    bench_result *r = l->r;
    if (r->n < l->room) return TARE_OK;
    size_t room = l->room ? 2 * l->room : 64;
    double *samples = realloc(r->samples, room * sizeof *samples);
    if (samples) r->samples = samples;
    unsigned char *slice = realloc(r->slice, room * sizeof *slice);
    if (slice) r->slice = slice;
    unsigned short *place = realloc(r->place, room * sizeof *place);
    if (place) r->place = place;
    if (!samples || !slice || !place)
        TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for %zu samples", room);
    l->room = room;
    return TARE_OK;
}

static tare_status add_sample(lane *l, int slice, int first) {
    double ns, start = bench_now_ns();
    int place;
    TARE_TRY(timed(l, l->r->batch, first, &ns, &place));
    if (l->c->seen) ns = l->c->seen(l->c->seen_ctx, ns);
    TARE_TRY(make_room(l));
    l->r->samples[l->r->n] = ns / l->r->batch;
    l->r->slice[l->r->n] = (unsigned char)slice;
    l->r->place[l->r->n++] = (unsigned short)place;
    l->used_ns += ns;
    l->wall_ns += bench_now_ns() - start;
    return TARE_OK;
}

static tare_status take_turn(race *r, lane *l, int slice) {
    r->running = (int)(l - r->lanes);
    for (int i = 0; i < l->burst; i++) TARE_TRY(add_sample(l, slice, i == 0));
    return TARE_OK;
}

/* Warm-up, then the batch from the shortest of three runs. */
static tare_status warm(race *r, lane *l, int runs) {
    r->running = (int)(l - r->lanes);
    double ns, wanted = BENCH_TICKS_WANTED * l->c->tick_ns;
    int place;
    l->least_ns = INFINITY;
    if (wanted < least_sample_ns) wanted = least_sample_ns;
    l->r->batch = l->c->batch > 0 ? l->c->batch : 1;
    for (int i = 0; i < runs; i++) TARE_TRY(timed(l, l->r->batch, 1, &ns, &place));
    for (int i = 0; i < 3; i++) {
        TARE_TRY(timed(l, l->r->batch, 1, &ns, &place));
        if (ns < l->least_ns) l->least_ns = ns;
        if (ns > 10 * wanted || l->c->batch > 0) break;
    }
    if (l->least_ns > long_sample_ns) l->burst = 1;
    if (l->c->batch > 0) return TARE_OK;
    double batch = ceil(wanted / (l->least_ns > 1 ? l->least_ns : 1));
    int most = l->c->batch_max > 0 && l->c->batch_max < BATCH_MAX ? l->c->batch_max : BATCH_MAX;
    l->r->batch = batch < 1 ? 1 : batch > most ? most : (int)batch;
    l->least_ns *= l->r->batch;
    return TARE_OK;
}

/* ---- rounds ---- */

static void shuffle(race *r) {
    for (int i = r->n - 1; i > 0; i--) {
        int j = (int)bench_rng_below(&r->rng, (uint64_t)i + 1), t = r->order[i];
        r->order[i] = r->order[j];
        r->order[j] = t;
    }
}

/* Whether a lane has a turn in a round: all have in the first, and the quota is spread evenly. */
static int is_due(const race *r, const lane *l) {
    return r->round == 0 || r->round * l->quota / r->rounds > (r->round - 1) * l->quota / r->rounds;
}

/* The next turn in this round's order; a new order when it is through. */
static tare_status step(race *r) {
    lane *l = &r->lanes[r->order[r->at]];
    if (is_due(r, l)) TARE_TRY(take_turn(r, l, (int)(r->round * BENCH_SLICES / r->rounds)));
    if (++r->at == r->n) {
        shuffle(r);
        r->at = 0;
        r->round++;
    }
    return TARE_OK;
}

/* ---- blocks and noise ---- */

static void set_mark(race *r) {
    for (int i = 0; i < r->n; i++) {
        r->lanes[i].mark = r->lanes[i].r->n;
        r->order_mark[i] = r->order[i];
    }
    r->round_mark = r->round;
    r->at_mark = r->at;
}

static void back_to_mark(race *r) {
    for (int i = 0; i < r->n; i++) {
        lane *l = &r->lanes[i];
        l->r->noise.set_aside += (int)(l->r->n - l->mark);
        l->r->n = l->mark;
        r->order[i] = r->order_mark[i];
    }
    r->round = r->round_mark;
    r->at = r->at_mark;
}

static void probe(race *r) {
    if (!r->o->noise || r->o->noise->absent) return;
    r->probe = bench_noise_probe(r->o->noise);
    r->noise.probes++;
}

/* Takes a block's samples back, then waits until the probe has recovered or patience ends. */
static void set_aside(race *r, double block_took, double patience) {
    back_to_mark(r);
    double from = bench_now_ns();
    r->noise.redone++;
    do {
        nanosleep(&(struct timespec){.tv_nsec = (long)pause_ns}, NULL);
        probe(r);
    } while (bench_noise_low(r->o->noise, r->probe) && !bench_interrupted() &&
             r->noise.waited_ns + bench_now_ns() - from < patience);
    r->noise.waited_ns += block_took + bench_now_ns() - from;
}

/* Where waiting was in vain before, less is waited. */
static double patience_of(const race *r) {
    double all = patience_ns + patience_share * 1e9 * r->o->seconds * r->n;
    return all / (1 << (r->o->noise->in_vain < 4 ? r->o->noise->in_vain : 4));
}

static void keep_block(race *r, int low, int disturbed) {
    for (int i = 0; i < r->n; i++) {
        lane *l = &r->lanes[i];
        size_t kept = l->r->n - l->mark;
        if (low) l->r->noise.low += (int)kept;
        if (disturbed) l->r->noise.disturbed += (int)kept;
        if (low || disturbed) l->doubtful += kept;
    }
}

/* The block's samples stay, unless a probe on either side of it was low, or the process was kept
 * waiting for its processors, and patience is left. */
static void judge_noise(race *r, double block_took) {
    if (!r->o->noise || r->o->noise->absent) return;
    double lost = bench_watch_lost(&r->watch), before = r->probe;
    probe(r);
    double worst = before < r->probe ? before : r->probe;
    double patience = patience_of(r);
    int low = bench_noise_low(r->o->noise, worst), disturbed = lost > BENCH_WATCH_LOST;
    if ((low || disturbed) && r->noise.waited_ns < patience) {
        set_aside(r, block_took, patience);
        return;
    }
    keep_block(r, low, disturbed);
    if (r->noise.worst == 0 || worst < r->noise.worst) r->noise.worst = worst;
    if (lost > r->noise.lost) r->noise.lost = lost;
}

static tare_status block(race *r) {
    set_mark(r);
    if (r->o->noise) bench_watch_mark(&r->watch);
    double start = bench_now_ns(), took = 0;
    while (took < block_ns && r->round < r->rounds) {
        TARE_TRY(step(r));
        took = bench_now_ns() - start;
    }
    judge_noise(r, took);
    return TARE_OK;
}

/* ---- the measurement ---- */

static void tell(const race *r) {
    if (r->o->progress) r->o->progress(r->o->progress_ctx, (double)r->round / (double)r->rounds);
}

static void log_noise(const race *r, const lane *l, bench_noise_log *log) {
    bench_noise_log own = *log;
    *log = r->noise;
    log->low = own.low;
    log->disturbed = own.disturbed;
    log->set_aside = own.set_aside;
    log->noisy = 10 * l->doubtful > l->r->n;
    if (!r->o->noise) return;
    log->best = r->o->noise->best;
    log->how = bench_watch_name(r->watch.how);
}

/* A few samples of each lane, for the plan alone: rounds until nobody wants another. */
static tare_status pilot(race *r) {
    int open = 1;
    for (int turn = 0; open; turn++) {
        open = 0;
        shuffle(r);
        for (int i = 0; i < r->n; i++) {
            lane *l = &r->lanes[r->order[i]];
            if (!bench_pilot_wants(l, r->o)) continue;
            TARE_TRY(take_turn(r, l, 0));
            open = 1;
        }
        TARE_TRY(bench_go_on());
    }
    return TARE_OK;
}

static tare_status all_rounds(race *r) {
    double start = bench_now_ns();
    if (r->o->noise) bench_watch_init(&r->watch);
    if (r->o->noise) probe(r);
    while (r->round < r->rounds) {
        TARE_TRY(block(r));
        TARE_TRY(bench_go_on());
        tell(r);
        if (r->round > 0 && bench_now_ns() - start - r->noise.waited_ns > r->most_ns) {
            bench_plan_cut(r);
            break;
        }
    }
    return TARE_OK;
}

static tare_status go(race *r, bench_result *out) {
    for (int i = 0; i < r->n; i++) TARE_TRY(warm(r, &r->lanes[i], r->o->warmup));
    if (r->o->min_samples < r->o->max_samples) TARE_TRY(pilot(r));
    TARE_TRY(bench_plan(r));
    TARE_TRY(all_rounds(r));
    if (r->o->noise) /* the next of this noise knows */
        r->o->noise->in_vain = r->noise.waited_ns >= patience_of(r) ? r->o->noise->in_vain + 1 : 0;
    for (int i = 0; i < r->n; i++) {
        TARE_TRY(bench_result_summarise(&out[i]));
        log_noise(r, &r->lanes[i], &out[i].noise);
    }
    return bench_intervals(out, r->n, r->o->seed);
}

tare_status bench_measure(const bench_contestant *c, int n, const bench_options *o,
                          bench_result *out) {
    if (!c || n < 1 || !o || !out || !(o->seconds > 0) || o->min_samples > o->max_samples ||
        o->max_samples < 1)
        TARE_FAIL(TARE_E_ARG, "measure: bad argument");
    memset(out, 0, (size_t)n * sizeof *out);
    race r = {.n = n, .o = o, .running = -1};
    r.lanes = calloc((size_t)n, sizeof *r.lanes);
    r.order = calloc(2 * (size_t)n, sizeof *r.order);
    tare_status s = TARE_OK;
    if (!r.lanes || !r.order)
        s = tare_fail(TARE_E_NOMEM, "measure: out of memory for %d contestants", n);
    for (int i = 0; i < n && s == TARE_OK; i++) {
        r.lanes[i] = (lane){.c = &c[i], .r = &out[i], .burst = c[i].burst > 0 ? c[i].burst : 1};
        r.order[i] = i;
    }
    if (s == TARE_OK) r.order_mark = r.order + n;
    bench_rng_seed(&r.rng, o->seed, 0x6f72646572);
    if (s == TARE_OK) s = go(&r, out);
    free(r.lanes);
    free(r.order);
    if (s != TARE_OK && o->failed && r.running >= 0) *o->failed = r.running;
    if (s != TARE_OK)
        for (int i = 0; i < n; i++) bench_result_clear(&out[i]);
    return s;
}
