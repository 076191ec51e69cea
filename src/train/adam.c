/* Adam, one flat loop a parameter array; elements are independent, so threads change nothing. */
#include "src/train/adam.h"

#include <math.h>
#include <string.h>

#include "src/internal.h"

static const float beta1 = 0.9f, beta2 = 0.999f, tiny = 1e-8f;

tare_status mlp_mask_create(const mlp *net, mlp_mask *out) {
    memset(out, 0, sizeof *out);
    out->layers = net->layers;
    for (int l = 0; l < net->layers; l++) {
        size_t count = (size_t)mlp_weights(net, l);
        out->keep[l] = tare_alloc(count);
        if (!out->keep[l]) {
            mlp_mask_clear(out);
            TARE_FAIL(TARE_E_NOMEM, "train: no memory for a mask of %zu bytes", count);
        }
        memset(out->keep[l], 1, count);
    }
    return TARE_OK;
}

void mlp_mask_apply(mlp *net, const mlp_mask *mask) {
    for (int l = 0; l < net->layers; l++)
        if (mask->keep[l])
            for (int64_t i = 0; i < mlp_weights(net, l); i++)
                if (!mask->keep[l][i]) net->w[l][i] = 0;
}

void mlp_mask_clear(mlp_mask *mask) {
    for (int l = 0; l < MLP_MAX_LAYERS; l++) tare_free(mask->keep[l]);
    memset(mask, 0, sizeof *mask);
}

tare_status adam_create(const mlp *net, adam *out) {
    memset(out, 0, sizeof *out);
    TARE_TRY(mlp_create(net->layers, net->width, &out->mean));
    tare_status s = mlp_create(net->layers, net->width, &out->square);
    if (s != TARE_OK) adam_clear(out);
    return s;
}

void adam_clear(adam *a) {
    mlp_clear(&a->mean);
    mlp_clear(&a->square);
}

typedef struct step {
    float *w, *mean, *square;
    const float *grad;
    const uint8_t *keep;
    float rate, eps; /* carry the two bias corrections already */
} step;

static void update_share(void *ctx, int64_t from, int64_t to, int part) {
    const step *s = ctx;
    float *restrict w = s->w, *restrict mean = s->mean, *restrict square = s->square;
    const float *restrict grad = s->grad;
    float rate = s->rate, eps = s->eps;
    (void)part;
    for (int64_t i = from; i < to; i++) {
        float g = grad[i];
        mean[i] = beta1 * mean[i] + (1 - beta1) * g;
        square[i] = beta2 * square[i] + (1 - beta2) * g * g;
        w[i] -= rate * mean[i] / (sqrtf(square[i]) + eps);
    }
    const uint8_t *keep = s->keep;
    for (int64_t i = from; keep && i < to; i++) w[i] = keep[i] ? w[i] : 0;
}

static void update(int64_t count, step s) {
    parallel_ranges(count, count < 65536 ? 1 : tare_threads(), update_share, &s);
}

void adam_step(adam *a, mlp *net, const mlp *grad, const mlp_mask *mask, float rate) {
    a->steps++;
    double c1 = 1 - pow(beta1, (double)a->steps), c2 = sqrt(1 - pow(beta2, (double)a->steps));
    float r = (float)(rate * c2 / c1), eps = (float)(tiny * c2);
    for (int l = 0; l < net->layers; l++) {
        const uint8_t *keep = mask ? mask->keep[l] : NULL;
        update(mlp_weights(net, l),
               (step){net->w[l], a->mean.w[l], a->square.w[l], grad->w[l], keep, r, eps});
        update(net->width[l + 1],
               (step){net->b[l], a->mean.b[l], a->square.b[l], grad->b[l], NULL, r, eps});
    }
}
