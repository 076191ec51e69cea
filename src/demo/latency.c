/* Latency: all routes of all devices take turns in one measurement a batch size, so that a slow
 * spell of the machine hits all of them and ratios hold. A sample is what a service would wait for:
 * the images are in host memory as f32, the classes' scores come back there. Before each sample its
 * route runs untimed, so that caches hold what they hold in a service that runs this model and no
 * other (2 MB of weights at most): these are hot figures, and no route pays for its neighbour in
 * turn: not for its weights in the caches, and not for threads of a vendor's library that spin for
 * a while after its run, on the cores that the next route's threads want. */
#include <math.h>
#include <string.h>

#include "bench/clock.h"
#include "src/demo/demo.h"
#include "src/demo/progress.h"
#include "src/internal.h"

const int64_t demo_batch[DEMO_BATCHES] = {1, 256};

typedef struct lane {
    exec *e;
    const dataset *data;
    int64_t at;
} lane;

static tare_status run(void *ctx) {
    exec *e = ((lane *)ctx)->e;
    return exec_run(e, e->batch);
}

/* Longer than GOMP_SPINCOUNT=3000 lasts (src/cli/environment.c), and long enough for threads that
 * slept to have come up. */
enum { SETTLE_NS = 250000, WARM_NS = 60000 };

/* The next images and runs to heat the caches and wake the threads, before the clock starts. */
static tare_status next_images(void *ctx, int runs) {
    lane *l = ctx;
    (void)runs;
    double begin = bench_now_ns();
    while (bench_now_ns() - begin < SETTLE_NS) {
    }
    if (l->at + l->e->batch > l->data->count) l->at = 0;
    dataset_inputs(l->data, NULL, l->at, l->e->batch, l->e->input);
    l->at += l->e->batch;
    double start = bench_now_ns();
    do {
        TARE_TRY(run(l));
    } while (bench_now_ns() - start < WARM_NS);
    return TARE_OK;
}

static void tell(void *ctx, double done) {
    progress_at(ctx, done);
}

static tare_status measure(const demo *d, exec *const *e, int count, const bench_options *o,
                           bench_result *out) {
    bench_contestant *c = tare_alloc_zeroed((size_t)count * sizeof *c);
    lane *l = tare_alloc_zeroed((size_t)count * sizeof *l);
    tare_status s = c && l ? TARE_OK : tare_fail(TARE_E_NOMEM, "demo: out of memory");
    for (int i = 0; i < count && s == TARE_OK; i++) {
        if (e[i]->batch > d->data.test.count)
            s = tare_fail(TARE_E_SHAPE, "demo: %lld test images, a batch needs %lld",
                          (long long)d->data.test.count, (long long)e[i]->batch);
        l[i] = (lane){.e = e[i], .data = &d->data.test};
        c[i] = (bench_contestant){.run = run, .prepare = next_images, .ctx = &l[i]};
    }
    if (s == TARE_OK) s = bench_measure(c, count, o, out);
    tare_free(c);
    tare_free(l);
    return s;
}

tare_status demo_quick(const demo *d, exec *const *e, int count, double *median_ns) {
    bench_result r[ROUTE_CODINGS];
    bench_options o = bench_options_default();
    o.seconds = 0.15;
    o.seed = d->o.seed;
    TARE_TRY(measure(d, e, count, &o, r));
    for (int i = 0; i < count; i++) {
        median_ns[i] = r[i].median_ns;
        bench_result_clear(&r[i]);
    }
    return TARE_OK;
}

static tare_status measure_batch(demo *d, int b, bench_noise *noise) {
    exec **list = tare_alloc_zeroed((size_t)d->count * sizeof(exec *));
    bench_result *r = tare_alloc_zeroed((size_t)d->count * sizeof *r);
    bench_options o = bench_options_default();
    o.seconds = d->o.seconds;
    o.min_samples = BENCH_TAIL_SAMPLES;
    o.warmup = 5;
    o.seed = d->o.seed;
    o.noise = noise;
    if (d->bar) {
        o.progress = tell;
        o.progress_ctx = d->bar;
    }
    tare_status s = list && r ? TARE_OK : tare_fail(TARE_E_NOMEM, "demo: out of memory");
    if (s == TARE_OK) {
        int ran = 0, at = 0;
        for (int i = 0; i < d->count; i++)
            if (!d->result[i].refusal[0]) list[ran++] = &d->result[i].ready[b];
        s = measure(d, list, ran, &o, r);
        for (int i = 0; i < d->count && s == TARE_OK; i++) {
            if (!d->result[i].refusal[0])
                d->result[i].time[b] = r[at++];
            else
                s = bench_result_summarise(&d->result[i].time[b]); /* of nothing: no figures */
        }
    }
    tare_free(list);
    tare_free(r);
    return s;
}

tare_status demo_latency(demo *d) {
    bench_noise noise;
    bench_noise_init(&noise, bench_noise_device(d->on[0].device));
    for (int b = 0; b < DEMO_BATCHES; b++) {
        progress_step(d->bar, b == DEMO_B1 ? 0.05 : 0.20, "latency of %d routes at batch %lld",
                      d->count, (long long)demo_batch[b]);
        TARE_TRY(measure_batch(d, b, &noise));
    }
    return TARE_OK;
}
