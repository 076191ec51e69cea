/* Ceilings: every probe a few times, and the roofline over them. */
#include "bench/ceilings.h"
#include "bench/clock.h"
#include "bench/noise.h"
#include "src/internal.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef struct ceiling {
    tare_probe_kind kind;
    size_t field; /* of tare_rates */
    double share; /* of the time a ceiling has, for one probe */
    /* Beyond these lies no device: ten times and more what any has (8 TB/s of memory, some hundred
     * TFLOP/s in f32, 10 POP/s in 8 bits), and a launch of a nanosecond. What a probe says beyond
     * them is a fault of its clock. */
    double least, most;
} ceiling;

static const ceiling ceilings[] = {
    {TARE_PROBE_READ, offsetof(tare_rates, read_gbs), 0.5, 1e-3, 1e5},
    {TARE_PROBE_CACHE, offsetof(tare_rates, cache_gbs), 0.3, 1e-3, 1e6},
    {TARE_PROBE_F32, offsetof(tare_rates, f32_gflops), 0.3, 1e-3, 5e6},
    {TARE_PROBE_BF16, offsetof(tare_rates, bf16_gflops), 0.3, 1e-3, 5e7},
    {TARE_PROBE_I8, offsetof(tare_rates, i8_gops), 0.3, 1e-3, 1e8},
    {TARE_PROBE_LAUNCH, offsetof(tare_rates, launch_ns), 0.1, 1, 1e9},
    {TARE_PROBE_H2D, offsetof(tare_rates, h2d_gbs), 0.1, 1e-4, 1e4},
    {TARE_PROBE_D2H, offsetof(tare_rates, d2h_gbs), 0.1, 1e-4, 1e4},
};
enum { KINDS = sizeof ceilings / sizeof *ceilings, LEAST_TURNS = 2, MOST_TURNS = 8, WAITS = 10 };

#define SHORT 0.1 /* who gives a ceiling less time has none to wait for a good spell */

typedef struct tries {
    double best, second;
    int count;
} tries;

static void add_try(tries *t, double v, int least_is_best) {
    int better = least_is_best ? v < t->best : v > t->best;
    int close = least_is_best ? v < t->second : v > t->second;
    if (t->count == 0 || better) {
        t->second = t->best;
        t->best = v;
    } else if (t->count == 1 || close) {
        t->second = v;
    }
    t->count++;
}

/* Two tries that agree within a tenth. */
static int settled(const tries *t) {
    return t->count >= LEAST_TURNS && fabs(t->best - t->second) <= 0.1 * t->best;
}

/* A noise probe that is not low, if one comes soon. */
static double quiet_probe(bench_noise *n, double rate, double end) {
    for (int i = 0; i < WAITS && bench_noise_low(n, rate) && bench_now_ns() < end; i++)
        rate = bench_noise_probe(n);
    return rate;
}

/* The probes take turns, so that a slow spell of the machine hits one try of a ceiling and not all
 * of them; the best counts. Only tries with no low noise probe on either side do: a ceiling of a
 * slow spell would flatter whatever is held against it. What had none of them in the time there is,
 * what the device lacks and what no device could do keeps its estimate. Returns the kinds that were
 * measured, as bits. */
static int best_of_turns(tare_device *d, double seconds, tare_rates *r) {
    tries quiet[KINDS] = {{0}};
    bench_noise noise;
    int seen = 0, answered = 0;
    if (seconds < SHORT)
        bench_noise_glance(&noise, bench_noise_device(d));
    else
        bench_noise_init(&noise, bench_noise_device(d));
    double before = bench_noise_probe(&noise);
    double end = bench_now_ns() + 40e9 * seconds;
    for (int turn = 0; turn < MOST_TURNS && (turn < LEAST_TURNS || bench_now_ns() < end); turn++)
        for (int i = 0; i < KINDS; i++) {
            const ceiling *c = &ceilings[i];
            double v = 0;
            if (settled(&quiet[i]) || (turn > 0 && !(answered >> i & 1))) continue;
            before = quiet_probe(&noise, before, end);
            if (tare_device_probe(d, c->kind, seconds * c->share, &v) != TARE_OK) continue;
            if (!(v >= c->least && v <= c->most)) continue; /* not measured */
            double after = bench_noise_probe(&noise);
            int low = bench_noise_low(&noise, before) || bench_noise_low(&noise, after);
            answered |= 1 << i;
            if (!low) add_try(&quiet[i], v, c->kind == TARE_PROBE_LAUNCH);
            before = after;
        }
    for (int i = 0; i < KINDS; i++) {
        if (quiet[i].count == 0) continue;
        memcpy((char *)r + ceilings[i].field, &quiet[i].best, sizeof quiet[i].best);
        seen |= 1 << ceilings[i].kind;
    }
    return seen;
}

tare_status bench_ceilings(tare_device *d, double seconds, tare_rates *out) {
    tare_rates r;
    tare_device_rates(d, &r);
    int floors = 1 << TARE_PROBE_READ | 1 << TARE_PROBE_F32; /* of most cells */
    if ((r.measured & floors) != floors) {
        r.measured |= best_of_turns(d, seconds, &r);
        TARE_TRY(tare_device_set_rates(d, &r));
    }
    *out = r;
    return TARE_OK;
}

int bench_ceiling_measured(const tare_rates *r, tare_probe_kind kind) {
    return r->measured >> kind & 1;
}

const char *bench_limit_name(int limit) {
    static const char *const name[] = {"memory", "compute", "launch", "transfer"};
    return limit >= BENCH_MEMORY && limit <= BENCH_TRANSFER ? name[limit - 1] : "unknown";
}

/* Of the unit that a plan's row uses; f32 where that was not measured. */
static double *peak_of(const tare_plan *p, tare_rates *r) {
    double *peak = p->unit == TARE_PROBE_I8     ? &r->i8_gops
                   : p->unit == TARE_PROBE_BF16 ? &r->bf16_gflops
                                                : &r->f32_gflops;
    return *peak > 0 ? peak : &r->f32_gflops;
}

double bench_floor_ns(const tare_plan *p, size_t packed, const tare_rates *r, int cached,
                      enum bench_limit *limit) {
    tare_rates rates = *r;
    double cache = r->cache_gbs > r->read_gbs ? r->cache_gbs : r->read_gbs;
    double memory = cached ? p->bytes / cache : (double)packed / r->read_gbs;
    double compute = p->ops / *peak_of(p, &rates);
    double floor = memory > compute ? memory : compute;
    *limit = memory > compute ? BENCH_MEMORY : BENCH_COMPUTE;
    if (r->launch_ns > floor) *limit = BENCH_LAUNCH;
    return floor;
}

void bench_ceilings_met(const tare_plan *p, size_t packed, int cached, double ns, tare_rates *r) {
    double *peak = peak_of(p, r);
    if (!(ns > 0)) return;
    if (p->ops / ns > *peak) *peak = p->ops / ns;
    if (!cached && (double)packed / ns > r->read_gbs) r->read_gbs = (double)packed / ns;
}
