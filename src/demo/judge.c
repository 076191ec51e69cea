/* Ratios and verdicts: every route against the best dense float route of its device and run. */
#include <math.h>
#include <string.h>

#include "bench/interval.h"
#include "src/demo/demo.h"
#include "src/internal.h"

static int find(const demo *d, const demo_device *on, const char *name) {
    for (int i = on->first; i < on->first + d->routes; i++)
        if (strcmp(d->result[i].route->name, name) == 0 && !d->result[i].refusal[0]) return i;
    return -1;
}

/* A device's best dense float row by latency at a batch, or by size. A dense row that lost the
 * metric, or did not run, is no baseline for anyone. */
static void choose_best(const demo *d, demo_device *on) {
    for (int b = 0; b < DEMO_BATCHES; b++) on->best[b] = on->first;
    on->best_size = on->first;
    for (int i = on->first + 1; i < on->first + d->routes; i++) {
        const demo_result *r = &d->result[i];
        demo_word metric = demo_judge_metric(demo_base(d, r)->top1[0], r->top1[0], r->p);
        if (!r->route->dense_float || metric <= WORD_HURTS) continue;
        for (int b = 0; b < DEMO_BATCHES; b++)
            if (r->time[b].median_ns < d->result[on->best[b]].time[b].median_ns) on->best[b] = i;
        if (r->size.total < d->result[on->best_size].size.total) on->best_size = i;
    }
}

/* How many times as fast as `base`, with the interval of it: all routes of a batch size took turns.
 */
static void speed_of(const bench_result *base, const bench_result *r, double out[3]) {
    out[0] = base->median_ns / r->median_ns;
    bench_ratio_interval(base, r, &out[1], &out[2]);
}

static void judge_route(demo *d, int i, int int8) {
    demo_result *r = &d->result[i];
    for (int b = 0; b < DEMO_BATCHES; b++) {
        const bench_result *dense = &d->result[r->on->best[b]].time[b];
        if (i == r->on->best[b])
            r->speed[b][0] = r->speed[b][1] = r->speed[b][2] = 1;
        else
            speed_of(dense, &r->time[b], r->speed[b]);
        r->speed_int8[b] =
            int8 < 0 ? NAN : d->result[int8].time[b].median_ns / r->time[b].median_ns;
        r->verdict.latency[b] = demo_judge_latency(r->speed[b][1], r->speed[b][2]);
    }
    double size = (double)r->size.total / (double)d->result[r->on->best_size].size.total;
    r->verdict.size = demo_judge_size(size);
    r->verdict.metric = demo_judge_metric(demo_base(d, r)->top1[0], r->top1[0], r->p);
    r->verdict.overall = demo_judge_overall(&r->verdict);
}

/* f32 and bf16 are what the others are held against; they are held against each other, as a step
 * from what was there before: bf16 against f32. */
static void judge_dense(demo *d, int i) {
    demo_result *r = &d->result[i];
    const demo_result *base = demo_base(d, r);
    for (int b = 0; b < DEMO_BATCHES; b++) {
        double to[3] = {1, 1, 1};
        if (r != base) speed_of(&base->time[b], &r->time[b], to);
        r->verdict.latency[b] = demo_judge_latency(to[1], to[2]);
    }
    r->verdict.size = demo_judge_size((double)r->size.total / (double)base->size.total);
    r->verdict.overall = demo_judge_overall(&r->verdict);
}

void demo_judge(demo *d) {
    for (int on = 0; on < d->devices; on++) {
        demo_device *here = &d->on[on];
        int int8 = find(d, here, "w8a8");
        choose_best(d, here);
        for (int i = here->first; i < here->first + d->routes; i++) {
            judge_route(d, i, int8);
            if (d->result[i].route->dense_float) judge_dense(d, i);
        }
    }
}
