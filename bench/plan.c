/* How many samples each contestant is to have: settled before the first that counts. */
#include "bench/race.h"
#include "bench/stats.h"
#include "src/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_SAMPLES = 6, /* that carry an interval */
    PILOT = 10,        /* samples of a lane in the pilot, and the least where they take long */
    PILOT_LEAST = 3
};
static const double pilot_share = 0.1; /* of a lane's time, for its pilot */

int bench_pilot_wants(const lane *l, const bench_options *o) {
    double limit = pilot_share * 1e9 * o->seconds;
    return l->r->n < PILOT && (l->r->n < PILOT_LEAST || l->used_ns < limit);
}

/* The half width of a median's interval is about 1.96 * 1.2533 * sigma / sqrt(n) where samples are
 * normal and independent; sigma is 1.4826 MAD there. Slices and places that differ widen it, and a
 * MAD of ten is a guess: half as much again. */
static double needed(const bench_result *r, double ci) {
    double half = 1.5 * 1.96 * 1.2533 * 1.4826 * r->mad_ns / (ci * r->median_ns);
    return ceil(half * half);
}

/* What time allows: `seconds` of running; fewer than LEAST_SAMPLES only where those take more than
 * five times that. */
static double affordable(double sample_ns, const bench_options *o) {
    double one = sample_ns > 1 ? sample_ns : 1, fit = floor(1e9 * o->seconds / one);
    if (fit >= LEAST_SAMPLES) return fit;
    double longer = floor(5e9 * o->seconds / one);
    return longer >= LEAST_SAMPLES ? LEAST_SAMPLES : longer >= 1 ? longer : 1;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* Quota and stop of a lane, where all are to last for `rounds` at least. Quotas are of turns. */
static void settle(lane *l, double need, double rounds, double sample_ns, const bench_options *o) {
    double want = larger(larger(need, o->min_samples), rounds * l->burst);
    double can = affordable(sample_ns, o), quota = want < can ? want : can;
    enum bench_stop stop = can < need ? BENCH_STOP_TIME : BENCH_STOP_CI;
    if (quota > o->max_samples) {
        quota = o->max_samples;
        if (quota < need) stop = BENCH_STOP_COUNT;
    }
    quota = ceil(quota / l->burst);
    l->quota = quota < 1 ? 1 : (int64_t)quota;
    l->r->stop = stop;
}

/* Of a turn, by the pilot. */
static double turn_ns(const lane *l) {
    return l->r->n ? l->burst * l->wall_ns / (double)l->r->n : 0;
}

/* Preparing (evicting caches) is not charged to a lane; this bounds all of it. */
static double shorten(race *r, double limit) {
    double all = 0;
    for (int i = 0; i < r->n; i++) {
        const lane *l = &r->lanes[i];
        all += (double)l->quota * turn_ns(l);
    }
    if (all <= limit) return all;
    for (int i = 0; i < r->n; i++) {
        lane *l = &r->lanes[i];
        double less = floor((double)l->quota * limit / all);
        if (less * l->burst < LEAST_SAMPLES) less = ceil((double)LEAST_SAMPLES / l->burst);
        if (less < (double)l->quota) {
            l->quota = (int64_t)less;
            l->r->stop = BENCH_STOP_TIME;
        }
    }
    return limit;
}

static void forget_pilot(race *r) {
    for (int i = 0; i < r->n; i++) {
        r->lanes[i].r->n = 0;
        r->lanes[i].used_ns = r->lanes[i].wall_ns = 0;
    }
}

tare_status bench_plan(race *r) {
    const bench_options *o = r->o;
    int piloted = r->lanes[0].r->n > 0;
    double round_ns = 0, rounds = 0;
    for (int i = 0; i < r->n && piloted; i++) round_ns += turn_ns(&r->lanes[i]);
    if (round_ns > 0) rounds = ceil(1e9 * o->window / round_ns);
    for (int i = 0; i < r->n; i++) {
        lane *l = &r->lanes[i];
        double need = o->min_samples, one = l->least_ns;
        if (piloted) {
            TARE_TRY(bench_result_summarise(l->r));
            need = needed(l->r, o->ci);
            one = l->used_ns / (double)l->r->n;
        }
        settle(l, need, rounds, one, o);
    }
    double most = 6e9 * o->seconds * r->n;
    r->most_ns = piloted ? 3 * shorten(r, most) + 1e9 : most + 1e9;
    forget_pilot(r);
    r->rounds = r->round = 0;
    for (int i = 0; i < r->n; i++)
        if (r->lanes[i].quota > r->rounds) r->rounds = r->lanes[i].quota;
    r->at = 0;
    return TARE_OK;
}

void bench_plan_cut(race *r) {
    for (int i = 0; i < r->n; i++)
        if ((int64_t)r->lanes[i].r->n < r->lanes[i].quota * r->lanes[i].burst)
            r->lanes[i].r->stop = BENCH_STOP_TIME;
}
