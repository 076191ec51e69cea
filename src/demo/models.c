/* Train, prune, fine-tune, encode, save, load. What is measured later is what was read back from
 * the file. All training comes before all tuning of kernels, so that measured costs can't change
 * which rows the trainer takes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/clock.h"
#include "src/demo/demo.h"
#include "src/demo/progress.h"
#include "src/internal.h"
#include "src/train/trainer.h"

/* Shares of the whole, as they come out on two cores. */
static const double share_train = 0.25, share_fine = 0.38, share_encode = 0.10;

static int tell(void *ctx, double done, double loss) {
    (void)loss;
    progress_at(ctx, done);
    return 0;
}

static tare_status train_base(demo *d, gemm *g, mlp *net) {
    const int64_t width[] = {d->data.train.width, 512, 256, d->data.train.classes};
    progress_step(d->bar, share_train, "training %lld-512-256-%lld for %d epochs",
                  (long long)width[0], (long long)width[3], d->o.epochs);
    TARE_TRY(mlp_create(3, width, net));
    mlp_init(net, d->o.seed);
    d->epoch_loss = tare_alloc_zeroed((size_t)d->o.epochs * sizeof *d->epoch_loss);
    if (!d->epoch_loss) TARE_FAIL(TARE_E_NOMEM, "demo: out of memory");
    train_options o = {.epochs = d->o.epochs,
                       .batch = 256,
                       .rate = 1e-3f,
                       .seed = d->o.seed,
                       .progress = tell,
                       .ctx = d->bar};
    TARE_TRY(train_run(net, g, &d->data.train, &o, d->epoch_loss));
    d->train_kernel = gemm_kernel(g, 256, 512, width[0]);
    return TARE_OK;
}

static tare_status fine_tune(demo *d, gemm *g, const mlp *base, mlp *nets) {
    int pruned = 0;
    for (int i = 1; i < d->routes; i++) pruned += demo_routes[i].prune != KEEP_ALL;
    for (int i = 1; i < d->routes; i++) {
        const route *r = &demo_routes[i];
        demo_result *to = &d->result[i];
        to->loss = NAN;
        if (r->prune != KEEP_ALL) {
            progress_step(d->bar, share_fine / pruned, "%s: pruning, then %d epochs of fine-tuning",
                          r->name, d->o.fine_epochs);
            to->epochs = d->o.fine_epochs;
        }
        TARE_TRY(route_prune_and_tune(r, base, g, &d->data.train, d->o.seed + (uint64_t)i,
                                      d->o.fine_epochs, tell, d->bar, &nets[i], &to->loss));
        for (int on = 1; on < d->devices; on++) { /* trained once for all devices */
            d->result[i + on * d->routes].loss = to->loss;
            d->result[i + on * d->routes].epochs = to->epochs;
        }
    }
    return TARE_OK;
}

/* A coding of a route on its way to be chosen. */
typedef struct candidate {
    double score;            /* the logarithm of the product of its medians */
    double us[DEMO_BATCHES]; /* its medians */
    char refusal[200];       /* not empty: the device has no kernel for one of its layers */
} candidate;

/* Codings that the device refuses drop out with their reason; another failure is an error. */
static tare_status ready_candidate(const demo_result *r, const model *m, int b, double tune,
                                   exec *e, candidate *c) {
    const exec_options o = {.tune_seconds = tune};
    tare_status s = exec_create(r->on->device, m, demo_batch[b], &o, e);
    if (s != TARE_E_UNSUPPORTED) return s;
    snprintf(c->refusal, sizeof c->refusal, "%s", tare_last_error());
    return TARE_OK;
}

static tare_status race_batch(demo *d, const model *m, int count, const demo_result *r, int b,
                              candidate *c) {
    exec e[ROUTE_CODINGS], *in[ROUTE_CODINGS];
    double ns[ROUTE_CODINGS];
    int who[ROUTE_CODINGS], field = 0;
    tare_status s = TARE_OK;
    memset(e, 0, sizeof e);
    for (int i = 0; i < count && s == TARE_OK; i++) {
        if (c[i].refusal[0]) continue;
        s = ready_candidate(r, &m[i], b, d->o.tune, &e[i], &c[i]);
        if (c[i].refusal[0]) continue;
        who[field] = i;
        in[field++] = &e[i];
    }
    if (s == TARE_OK && count > 1 && field > 0) {
        s = demo_quick(d, in, field, ns);
        for (int i = 0; i < field && s == TARE_OK; i++) {
            c[who[i]].score += log(ns[i]);
            c[who[i]].us[b] = ns[i] / 1000;
        }
    }
    for (int i = 0; i < count; i++) exec_clear(&e[i]);
    return s;
}

static void tell_choice(const candidate *c, int count, demo_result *r) {
    size_t at = 0;
    for (int i = 0; i < count && count > 1 && at < sizeof r->choice; i++) {
        const char *comma = i ? ", " : "", *format = r->route->coding[i].format;
        if (c[i].refusal[0])
            at += (size_t)snprintf(r->choice + at, sizeof r->choice - at, "%s%s refused (%s)",
                                   comma, format, c[i].refusal);
        else
            at += (size_t)snprintf(r->choice + at, sizeof r->choice - at, "%s%s %.1f / %.0f us",
                                   comma, format, c[i].us[DEMO_B1], c[i].us[DEMO_B256]);
    }
}

/* The fastest coding that the device takes; where it takes none, the first, with its refusal. */
static tare_status race_candidates(demo *d, const model *m, int count, demo_result *r, int *best) {
    candidate c[ROUTE_CODINGS] = {{0}};
    for (int b = 0; b < DEMO_BATCHES; b++) TARE_TRY(race_batch(d, m, count, r, b, c));
    *best = 0;
    for (int i = 1; i < count; i++)
        if (!c[i].refusal[0] && (c[*best].refusal[0] || c[i].score < c[*best].score)) *best = i;
    memcpy(r->refusal, c[*best].refusal, sizeof c[*best].refusal);
    tell_choice(c, count, r);
    return TARE_OK;
}

/* ROUTE.tare; on further devices, where another coding may be the best, ROUTE-DEVICE.tare. */
static tare_status name_file(const demo *d, demo_result *r) {
    char name[112];
    const char *id = r->on->first ? r->on->info.id : "";
    snprintf(name, sizeof name, "%s%s%s", r->route->name, *id ? "-" : "", id);
    for (char *c = name; *c; c++)
        if (*c == ':') *c = '-'; /* not every file system takes it */
    if (snprintf(r->file, sizeof r->file, "%s/%s.tare", d->o.out, name) >= (int)sizeof r->file)
        TARE_FAIL(TARE_E_ARG, "%s: the path is too long", d->o.out);
    return TARE_OK;
}

/* The fastest row of each layer is not the fastest network where threads of two kinds take turns:
 * then the network by tare's rows alone is measured beside it. */
static tare_status ready_route(const demo *d, demo_result *r, const model *m, int b) {
    exec *e = &r->ready[b], own;
    const exec_options o = {.own_only = 1};
    double ns[2];
    TARE_TRY(exec_create(r->on->device, m, demo_batch[b], NULL, e));
    if (!exec_mixes(e)) return TARE_OK;
    tare_status s = exec_create(r->on->device, m, demo_batch[b], &o, &own);
    if (s != TARE_OK) return s == TARE_E_UNSUPPORTED ? TARE_OK : s;
    s = demo_quick(d, (exec *const[]){e, &own}, 2, ns);
    if (s == TARE_OK && ns[1] < ns[0]) {
        exec better = own;
        own = *e;
        *e = better;
    }
    exec_clear(&own);
    return s;
}

static tare_status save_and_load(demo *d, const model *m, demo_result *r) {
    model back;
    TARE_TRY(name_file(d, r));
    TARE_TRY(model_save(m, r->file));
    TARE_TRY(model_load(r->file, &back));
    r->size = model_sizes(&back);
    tare_status s = TARE_OK;
    for (int b = 0; b < DEMO_BATCHES && s == TARE_OK && !r->refusal[0]; b++)
        s = ready_route(d, r, &back, b);
    model_clear(&back);
    return s;
}

static void describe(demo_result *r, const mlp *net, const mlp *base) {
    int64_t kept = 0, all = 0;
    r->layers = net->layers;
    memcpy(r->width, net->width, (size_t)(net->layers + 1) * sizeof *r->width);
    for (int l = 0; l < net->layers; l++) {
        all += mlp_weights(base, l);
        for (int64_t i = 0; i < mlp_weights(net, l); i++) kept += net->w[l][i] != 0;
    }
    r->kept = (double)kept / (double)all;
}

static tare_status encode_route(demo *d, const mlp *net, const mlp *base, demo_result *r) {
    model m[ROUTE_CODINGS] = {0};
    int count = 0, best = 0;
    tare_status s = TARE_OK;
    describe(r, net, base);
    while (count < ROUTE_CODINGS && r->route->coding[count].scheme && s == TARE_OK) {
        s = compress_encode(net, &r->route->coding[count], &m[count]);
        count++;
    }
    if (s == TARE_OK) s = race_candidates(d, m, count, r, &best);
    if (s == TARE_OK) {
        snprintf(r->stored, sizeof r->stored, "%s", r->route->coding[best].format);
        s = save_and_load(d, &m[best], r);
    }
    for (int c = 0; c < ROUTE_CODINGS; c++) model_clear(&m[c]);
    return s;
}

static tare_status all_models(demo *d, gemm *g, mlp *nets) {
    double start = bench_now_ns();
    TARE_TRY(train_base(d, g, &nets[0]));
    TARE_TRY(fine_tune(d, g, &nets[0], nets));
    d->train_s = (bench_now_ns() - start) * 1e-9;
    for (int i = 0; i < d->count; i++) {
        demo_result *r = &d->result[i];
        progress_step(d->bar, share_encode / d->count, "%s on %s: encoding, choosing kernels",
                      r->route->name, r->on->info.id);
        TARE_TRY(encode_route(d, &nets[i % d->routes], &nets[0], r));
        if (r->refusal[0] && r == demo_base(d, r))
            TARE_FAIL(TARE_E_UNSUPPORTED, "demo: %s can't run the network as it is: %s",
                      r->on->info.id, r->refusal);
    }
    return TARE_OK;
}

tare_status demo_make_models(demo *d) {
    tare_device *cpu = NULL; /* training is not what is weighed: it always runs here */
    gemm g;
    TARE_TRY(tare_device_find("cpu", &cpu));
    TARE_TRY(tare_device_describe(cpu, &d->trainer));
    TARE_TRY(gemm_open(cpu, &g));
    mlp *nets = tare_alloc_zeroed((size_t)d->routes * sizeof *nets);
    tare_status s = nets ? all_models(d, &g, nets) : tare_fail(TARE_E_NOMEM, "demo: out of memory");
    for (int i = 0; nets && i < d->routes; i++) mlp_clear(&nets[i]);
    tare_free(nets);
    gemm_close(&g);
    return s;
}
