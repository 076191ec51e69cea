/* Epochs over a shuffled index. A last batch that is not full is left out of its epoch: every step
 * then has the same shape, and the shuffle gives every image its turn. */
#include "src/train/trainer.h"

#include <math.h>
#include <string.h>

#include "bench/rng.h"
#include "src/internal.h"

static void shuffle(uint32_t *index, int64_t count, bench_rng *r) {
    for (int64_t i = count - 1; i > 0; i--) {
        uint32_t j = (uint32_t)bench_rng_below(r, (uint64_t)i + 1), t = index[i];
        index[i] = index[j];
        index[j] = t;
    }
}

typedef struct run {
    const dataset *data;
    const train_options *o;
    mlp_pass pass;
    adam opt;
    uint32_t *index;
    uint8_t *label;
    int64_t batch, step, steps; /* steps: in all epochs */
} run;

static tare_status one_step(mlp *net, gemm *g, run *t, int64_t first, double *loss) {
    const double half_turn = 3.14159265358979323846;
    dataset_inputs(t->data, t->index + first, 0, t->batch, t->pass.act[0]);
    for (int64_t i = 0; i < t->batch; i++) t->label[i] = t->data->label[t->index[first + i]];
    TARE_TRY(mlp_forward(net, g, &t->pass, t->batch));
    *loss = mlp_loss(net, &t->pass, t->label, t->batch);
    if (!isfinite(*loss))
        TARE_FAIL(TARE_E_VALUE, "train: the loss is no longer finite at step %lld",
                  (long long)t->step);
    TARE_TRY(mlp_backward(net, g, &t->pass, t->batch));
    double done = (double)t->step / (double)t->steps;
    float rate = (float)(t->o->rate * 0.5 * (1 + cos(half_turn * done)));
    adam_step(&t->opt, net, &t->pass.grad, t->o->mask, rate);
    t->step++;
    return TARE_OK;
}

static tare_status all_epochs(mlp *net, gemm *g, run *t, double *loss) {
    bench_rng r;
    bench_rng_seed(&r, t->o->seed, 0);
    int64_t each = t->data->count / t->batch;
    for (int e = 0; e < t->o->epochs; e++) {
        double sum = 0;
        shuffle(t->index, t->data->count, &r);
        for (int64_t i = 0; i < each; i++) {
            double one;
            TARE_TRY(one_step(net, g, t, i * t->batch, &one));
            sum += one;
            if (t->o->progress &&
                t->o->progress(t->o->ctx, (double)t->step / (double)t->steps, one))
                TARE_FAIL(TARE_E_ARG, "train: stopped by the caller");
        }
        if (loss) loss[e] = sum / (double)each;
    }
    return TARE_OK;
}

static tare_status prepare(const mlp *net, run *t) {
    size_t count = (size_t)t->data->count;
    TARE_TRY(mlp_pass_create(net, t->batch, &t->pass));
    TARE_TRY(adam_create(net, &t->opt));
    t->index = tare_alloc(count * sizeof *t->index);
    t->label = tare_alloc((size_t)t->batch);
    if (!t->index || !t->label) TARE_FAIL(TARE_E_NOMEM, "train: out of memory");
    for (size_t i = 0; i < count; i++) t->index[i] = (uint32_t)i;
    t->steps = t->o->epochs * (t->data->count / t->batch);
    return TARE_OK;
}

static tare_status fits(const mlp *net, const dataset *data) {
    if (data->width != net->width[0] || data->classes != net->width[net->layers])
        TARE_FAIL(TARE_E_SHAPE,
                  "train: images of %lld values in %d classes for a network of %lld -> %lld",
                  (long long)data->width, data->classes, (long long)net->width[0],
                  (long long)net->width[net->layers]);
    return TARE_OK;
}

tare_status train_run(mlp *net, gemm *g, const dataset *data, const train_options *o,
                      double *loss) {
    if (!net || !g || !data || !o) TARE_FAIL(TARE_E_ARG, "train: null argument");
    TARE_TRY(fits(net, data));
    if (o->epochs < 1 || o->batch < 1 || !(o->rate > 0))
        TARE_FAIL(TARE_E_ARG, "train: epochs, batch and rate must be positive");
    run t = {.data = data, .o = o, .batch = o->batch < data->count ? o->batch : data->count};
    if (o->mask) mlp_mask_apply(net, o->mask);
    tare_status s = prepare(net, &t);
    if (s == TARE_OK) s = all_epochs(net, g, &t, loss);
    mlp_pass_clear(&t.pass);
    adam_clear(&t.opt);
    tare_free(t.index);
    tare_free(t.label);
    return s;
}

tare_status train_predict(const mlp *net, gemm *g, const dataset *data, uint8_t *predicted) {
    enum { BATCH = 256 };
    if (!net || !g || !data || !predicted) TARE_FAIL(TARE_E_ARG, "train: null argument");
    TARE_TRY(fits(net, data));
    int64_t classes = net->width[net->layers];
    mlp_pass p;
    TARE_TRY(mlp_pass_create(net, BATCH, &p));
    tare_status s = TARE_OK;
    for (int64_t at = 0; at < data->count && s == TARE_OK; at += BATCH) {
        int64_t m = data->count - at < BATCH ? data->count - at : BATCH;
        dataset_inputs(data, NULL, at, m, p.act[0]);
        s = mlp_forward(net, g, &p, m);
        for (int64_t i = 0; i < m && s == TARE_OK; i++) {
            const float *y = p.act[net->layers] + i * classes;
            int best = 0;
            for (int c = 1; c < classes; c++) best = y[c] > y[best] ? c : best;
            predicted[at + i] = (uint8_t)best;
        }
    }
    mlp_pass_clear(&p);
    return s;
}

double train_accuracy(const dataset *data, const uint8_t *predicted) {
    int64_t right = 0;
    for (int64_t i = 0; i < data->count; i++) right += predicted[i] == data->label[i];
    return (double)right / (double)data->count;
}
