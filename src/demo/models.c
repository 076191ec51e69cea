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
    for (int i = 1; i < d->count; i++) pruned += demo_routes[i].prune != KEEP_ALL;
    for (int i = 1; i < d->count; i++) {
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
    }
    return TARE_OK;
}

/* Runs a candidate's batches and gives the logarithm of the product of their medians. */
static tare_status race_candidates(demo *d, const model *m, int count, demo_result *r, int *best) {
    exec e[ROUTE_CODINGS];
    double ns[ROUTE_CODINGS], score[ROUTE_CODINGS] = {0}, us[ROUTE_CODINGS][DEMO_BATCHES];
    const exec_options o = {.tune_seconds = d->o.tune};
    for (int b = 0; b < DEMO_BATCHES; b++) {
        tare_status s = TARE_OK;
        memset(e, 0, sizeof e);
        for (int c = 0; c < count && s == TARE_OK; c++)
            s = exec_create(d->device, &m[c], demo_batch[b], &o, &e[c]);
        if (s == TARE_OK && count > 1) s = demo_quick(d, e, count, ns);
        for (int c = 0; c < count; c++) exec_clear(&e[c]);
        TARE_TRY(s);
        for (int c = 0; c < count && count > 1; c++) {
            score[c] += log(ns[c]);
            us[c][b] = ns[c] / 1000;
        }
    }
    *best = 0;
    for (int c = 1; c < count; c++)
        if (score[c] < score[*best]) *best = c;
    size_t at = 0;
    for (int c = 0; c < count && count > 1 && at < sizeof r->choice; c++)
        at += (size_t)snprintf(r->choice + at, sizeof r->choice - at, "%s%s %.1f / %.0f us",
                               c ? ", " : "", r->route->coding[c].format, us[c][DEMO_B1],
                               us[c][DEMO_B256]);
    return TARE_OK;
}

static tare_status save_and_load(demo *d, const model *m, demo_result *r) {
    char name[64];
    model back;
    snprintf(name, sizeof name, "%s", r->route->name);
    for (char *c = name; *c; c++)
        if (*c == ':') *c = '-'; /* not every file system takes it */
    if (snprintf(r->file, sizeof r->file, "%s/%s.tare", d->o.out, name) >= (int)sizeof r->file)
        TARE_FAIL(TARE_E_ARG, "%s: the path is too long", d->o.out);
    TARE_TRY(model_save(m, r->file));
    TARE_TRY(model_load(r->file, &back));
    r->size = model_sizes(&back);
    tare_status s = TARE_OK;
    for (int b = 0; b < DEMO_BATCHES && s == TARE_OK; b++)
        s = exec_create(d->device, &back, demo_batch[b], NULL, &r->ready[b]);
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
        progress_step(d->bar, share_encode / d->count, "%s: encoding, choosing kernels",
                      demo_routes[i].name);
        TARE_TRY(encode_route(d, &nets[i], &nets[0], &d->result[i]));
    }
    return TARE_OK;
}

tare_status demo_make_models(demo *d) {
    tare_device *cpu = NULL; /* training is not what is weighed: it always runs here */
    gemm g;
    TARE_TRY(tare_device_find("cpu", &cpu));
    TARE_TRY(tare_device_describe(cpu, &d->trainer));
    TARE_TRY(gemm_open(cpu, &g));
    mlp *nets = tare_alloc_zeroed((size_t)d->count * sizeof *nets);
    tare_status s = nets ? all_models(d, &g, nets) : tare_fail(TARE_E_NOMEM, "demo: out of memory");
    for (int i = 0; nets && i < d->count; i++) mlp_clear(&nets[i]);
    tare_free(nets);
    gemm_close(&g);
    return s;
}
