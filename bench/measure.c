/* Rounds of interleaved samples, cut into short blocks between two noise probes. */
#include "bench/measure.h"
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "bench/rng.h"
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
/* Quiet spells of a shared machine can be as short as this. */
static const double block_ns = 40e6;
/* Pause before a block is measured again, and how long in all the probe may be waited for: a part
 * of the time that the measurement has, and two seconds. */
static const double pause_ns = 20e6, patience_ns = 2e9, patience_share = 0.5;
enum { BATCH_MAX = 1000, LEAST_SAMPLES = 6 };

typedef struct lane {
    const bench_contestant *c;
    bench_result *r;
    size_t room, mark; /* samples that fit, samples before this block */
    double used_ns, mark_ns;
    int converged, closed; /* closed: takes no more samples */
} lane;

typedef struct race {
    lane *lanes;
    int *order, at; /* this round's order, and how much of it is done */
    int n;
    const bench_options *o;
    bench_rng rng;
    double start, probe; /* the probe before the running block */
    bench_noise_log noise;
} race;

const char *bench_stop_name(int stop) {
    return stop == BENCH_STOP_CI ? "ci" : stop == BENCH_STOP_COUNT ? "count" : "time";
}

bench_options bench_options_default(void) {
    return (bench_options){
        .seconds = 1, .ci = 0.02, .min_samples = 30, .max_samples = 20000, .warmup = 2, .seed = 1};
}

void bench_result_clear(bench_result *r) {
    free(r->samples);
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
    bench_median_ci(v, r->n, &r->ci_lo, &r->ci_hi);
    if (r->n >= BENCH_TAIL_SAMPLES) {
        r->p90_ns = bench_quantile(v, r->n, 0.9);
        r->p99_ns = bench_quantile(v, r->n, 0.99);
    }
    free(v);
    return TARE_OK;
}

static tare_status timed(const lane *l, int runs, double *ns) {
    if (l->c->prepare) TARE_TRY(l->c->prepare(l->c->ctx, runs));
    if (l->c->timed) return l->c->timed(l->c->ctx, runs, ns);
    double t = bench_now_ns();
    for (int i = 0; i < runs; i++) TARE_TRY(l->c->run(l->c->ctx));
    *ns = bench_now_ns() - t;
    return TARE_OK;
}

static tare_status add_sample(lane *l) {
    double ns;
    TARE_TRY(timed(l, l->r->batch, &ns));
    if (l->r->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        double *more = realloc(l->r->samples, room * sizeof *more);
        if (!more) TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for %zu samples", room);
        l->r->samples = more;
        l->room = room;
    }
    l->r->samples[l->r->n++] = ns / l->r->batch;
    l->used_ns += ns;
    return TARE_OK;
}

/* Warm-up, then the batch from the shortest of three runs. */
static tare_status warm(lane *l, int runs) {
    double ns, least = INFINITY, wanted = BENCH_TICKS_WANTED * l->c->tick_ns;
    if (wanted < least_sample_ns) wanted = least_sample_ns;
    l->r->batch = l->c->batch > 0 ? l->c->batch : 1;
    for (int i = 0; i < runs; i++) TARE_TRY(timed(l, l->r->batch, &ns));
    if (l->c->batch > 0) return TARE_OK;
    for (int i = 0; i < 3; i++) {
        TARE_TRY(timed(l, 1, &ns));
        if (ns < least) least = ns;
        if (ns > 10 * wanted) break;
    }
    double batch = ceil(wanted / (least > 1 ? least : 1));
    int most = l->c->batch_max > 0 && l->c->batch_max < BATCH_MAX ? l->c->batch_max : BATCH_MAX;
    l->r->batch = batch < 1 ? 1 : batch > most ? most : (int)batch;
    return TARE_OK;
}

static void shuffle(race *r) {
    for (int i = r->n - 1; i > 0; i--) {
        int j = (int)bench_rng_below(&r->rng, (uint64_t)i + 1), t = r->order[i];
        r->order[i] = r->order[j];
        r->order[j] = t;
    }
}

/* The next sample in this round's order; a new order when it is through. */
static tare_status step(race *r) {
    if (r->at == r->n) {
        shuffle(r);
        r->at = 0;
    }
    lane *l = &r->lanes[r->order[r->at++]];
    return l->closed ? TARE_OK : add_sample(l);
}

static tare_status narrow(const lane *l, double want, int *yes) {
    double lo, hi, *v = malloc(l->r->n * sizeof *v);
    if (!v) TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for %zu samples", l->r->n);
    memcpy(v, l->r->samples, l->r->n * sizeof *v);
    bench_sort(v, l->r->n);
    double m = bench_median(v, l->r->n);
    *yes = bench_median_ci(v, l->r->n, &lo, &hi) && hi - m <= want * m && m - lo <= want * m;
    free(v);
    return TARE_OK;
}

/* Time is up: at least as many samples as an interval needs, unless even those take too long. */
static int spent(const lane *l, double seconds) {
    double limit = seconds * 1e9;
    return l->used_ns >= limit && (l->r->n >= LEAST_SAMPLES || l->used_ns >= 5 * limit);
}

static void close_lane(lane *l, enum bench_stop stop) {
    l->closed = 1;
    if (!l->converged) l->r->stop = stop;
}

/* Judges every lane after a block; returns 1 when nobody needs another. */
static tare_status judge(race *r, int *done) {
    int open = 0;
    double wall = bench_now_ns() - r->start - r->noise.waited_ns;
    for (int i = 0; i < r->n; i++) {
        lane *l = &r->lanes[i];
        if (l->closed) continue;
        if (!l->converged && l->r->n >= (size_t)r->o->min_samples) {
            TARE_TRY(narrow(l, r->o->ci, &l->converged));
            if (l->converged) l->r->stop = BENCH_STOP_CI;
        }
        if (l->r->n >= (size_t)r->o->max_samples)
            close_lane(l, BENCH_STOP_COUNT);
        else if (spent(l, r->o->seconds))
            close_lane(l, BENCH_STOP_TIME);
        open += !l->closed && !l->converged;
    }
    /* Preparing (evicting caches) is not charged to a lane; this bounds it. */
    int late = wall > 6e9 * r->o->seconds * r->n;
    for (int i = 0; open && late && i < r->n; i++) {
        lane *l = &r->lanes[i];
        if (l->closed || l->r->n < LEAST_SAMPLES) continue;
        open -= !l->converged;
        close_lane(l, BENCH_STOP_TIME);
    }
    *done = !open;
    return TARE_OK;
}

/* Takes a block's samples back, then waits until the probe has recovered or patience ends. */
static void set_aside(race *r, double block_took, double patience) {
    for (int i = 0; i < r->n; i++) {
        lane *l = &r->lanes[i];
        l->r->noise.set_aside += (int)(l->r->n - l->mark);
        l->r->n = l->mark;
        l->used_ns = l->mark_ns;
    }
    double from = bench_now_ns();
    r->noise.redone++;
    do {
        nanosleep(&(struct timespec){.tv_nsec = (long)pause_ns}, NULL);
        r->probe = bench_noise_probe(r->o->noise);
        r->noise.probes++;
    } while (bench_noise_low(r->o->noise, r->probe) &&
             r->noise.waited_ns + bench_now_ns() - from < patience);
    r->noise.waited_ns += block_took + bench_now_ns() - from;
}

/* The block's samples stay, unless a probe on either side of it was low and patience is left. */
static void judge_noise(race *r, double block_took) {
    bench_noise *noise = r->o->noise;
    if (!noise || noise->absent) return;
    double after = bench_noise_probe(noise), worst = after < r->probe ? after : r->probe;
    double patience = patience_ns + patience_share * 1e9 * r->o->seconds * r->n;
    int low = bench_noise_low(noise, worst);
    r->noise.probes++;
    if (low && r->noise.waited_ns < patience) {
        set_aside(r, block_took, patience);
        return;
    }
    for (int i = 0; low && i < r->n; i++)
        r->lanes[i].r->noise.low += (int)(r->lanes[i].r->n - r->lanes[i].mark);
    if (r->noise.worst == 0 || worst < r->noise.worst) r->noise.worst = worst;
    r->probe = after;
}

static tare_status block(race *r) {
    for (int i = 0; i < r->n; i++) {
        r->lanes[i].mark = r->lanes[i].r->n;
        r->lanes[i].mark_ns = r->lanes[i].used_ns;
    }
    double start = bench_now_ns(), took = 0;
    while (took < block_ns) {
        TARE_TRY(step(r));
        took = bench_now_ns() - start;
    }
    judge_noise(r, took);
    return TARE_OK;
}

static void tell(const race *r) {
    if (!r->o->progress) return;
    double least = 1;
    for (int i = 0; i < r->n; i++) {
        const lane *l = &r->lanes[i];
        double share = l->closed || l->converged ? 1 : l->used_ns / (1e9 * r->o->seconds);
        if (share < least) least = share;
    }
    r->o->progress(r->o->progress_ctx, least);
}

static void log_noise(const race *r, bench_noise_log *log, size_t kept) {
    int low = log->low, set_aside_here = log->set_aside;
    *log = r->noise;
    log->low = low;
    log->set_aside = set_aside_here;
    log->noisy = 10 * (size_t)low > kept;
    if (r->o->noise) log->best = r->o->noise->best;
}

static tare_status go(race *r) {
    for (int i = 0; i < r->n; i++) TARE_TRY(warm(&r->lanes[i], r->o->warmup));
    if (r->o->noise && !r->o->noise->absent) {
        r->probe = bench_noise_probe(r->o->noise);
        r->noise.probes++;
    }
    r->start = bench_now_ns();
    for (int done = 0; !done;) {
        TARE_TRY(block(r));
        TARE_TRY(bench_go_on());
        TARE_TRY(judge(r, &done));
        tell(r);
    }
    for (int i = 0; i < r->n; i++) {
        TARE_TRY(bench_result_summarise(r->lanes[i].r));
        log_noise(r, &r->lanes[i].r->noise, r->lanes[i].r->n);
    }
    return TARE_OK;
}

tare_status bench_measure(const bench_contestant *c, int n, const bench_options *o,
                          bench_result *out) {
    if (!c || n < 1 || !o || !out || !(o->seconds > 0) || o->min_samples > o->max_samples)
        TARE_FAIL(TARE_E_ARG, "measure: bad argument");
    memset(out, 0, (size_t)n * sizeof *out);
    race r = {.n = n, .o = o};
    r.lanes = calloc((size_t)n, sizeof *r.lanes);
    r.order = calloc((size_t)n, sizeof *r.order);
    tare_status s = TARE_OK;
    if (!r.lanes || !r.order)
        s = tare_fail(TARE_E_NOMEM, "measure: out of memory for %d contestants", n);
    for (int i = 0; i < n && s == TARE_OK; i++) {
        r.lanes[i] = (lane){.c = &c[i], .r = &out[i]};
        r.order[i] = i;
    }
    bench_rng_seed(&r.rng, o->seed, 0x6f72646572);
    r.at = n; /* the first step begins a round */
    if (s == TARE_OK) s = go(&r);
    free(r.lanes);
    free(r.order);
    if (s != TARE_OK)
        for (int i = 0; i < n; i++) bench_result_clear(&out[i]);
    return s;
}
