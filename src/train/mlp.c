/* The network's parameters and the memory of a pass. */
#include "src/train/mlp.h"

#include <math.h>
#include <string.h>

#include "bench/rng.h"
#include "src/internal.h"

int64_t mlp_weights(const mlp *net, int layer) {
    return net->width[layer + 1] * net->width[layer];
}

static tare_status floats(int64_t a, int64_t b, float **out) {
    size_t bytes;
    if (!tare_mul_size((size_t)a, (size_t)b, &bytes) || !tare_mul_size(bytes, 4, &bytes))
        TARE_FAIL(TARE_E_SHAPE, "train: %lld x %lld values overflow", (long long)a, (long long)b);
    *out = tare_alloc_zeroed(bytes);
    if (!*out) TARE_FAIL(TARE_E_NOMEM, "train: no memory for %zu bytes", bytes);
    return TARE_OK;
}

tare_status mlp_create(int layers, const int64_t *width, mlp *out) {
    if (!width || !out) TARE_FAIL(TARE_E_ARG, "mlp: null argument");
    memset(out, 0, sizeof *out);
    if (layers < 1 || layers > MLP_MAX_LAYERS)
        TARE_FAIL(TARE_E_ARG, "mlp: %d layers, 1 to %d are possible", layers, MLP_MAX_LAYERS);
    for (int i = 0; i <= layers; i++)
        if (width[i] < 1 || width[i] > INT32_MAX)
            TARE_FAIL(TARE_E_SHAPE, "mlp: width %lld of layer %d", (long long)width[i], i);
    out->layers = layers;
    memcpy(out->width, width, (size_t)(layers + 1) * sizeof *width);
    tare_status s = TARE_OK;
    for (int l = 0; l < layers && s == TARE_OK; l++) {
        s = floats(width[l + 1], width[l], &out->w[l]);
        if (s == TARE_OK) s = floats(width[l + 1], 1, &out->b[l]);
    }
    if (s != TARE_OK) mlp_clear(out);
    return s;
}

void mlp_init(mlp *net, uint64_t seed) {
    bench_rng r;
    bench_rng_seed(&r, seed, 0);
    for (int l = 0; l < net->layers; l++) {
        float limit = sqrtf(6.0f / (float)net->width[l]);
        for (int64_t i = 0; i < mlp_weights(net, l); i++)
            net->w[l][i] = limit * (float)(2 * bench_rng_uniform(&r) - 1);
        memset(net->b[l], 0, (size_t)net->width[l + 1] * sizeof *net->b[l]);
    }
}

tare_status mlp_copy(const mlp *from, mlp *out) {
    TARE_TRY(mlp_create(from->layers, from->width, out));
    for (int l = 0; l < from->layers; l++) {
        memcpy(out->w[l], from->w[l], (size_t)mlp_weights(from, l) * sizeof(float));
        memcpy(out->b[l], from->b[l], (size_t)from->width[l + 1] * sizeof(float));
    }
    return TARE_OK;
}

void mlp_clear(mlp *net) {
    if (!net) return;
    for (int l = 0; l < MLP_MAX_LAYERS; l++) {
        tare_free(net->w[l]);
        tare_free(net->b[l]);
    }
    memset(net, 0, sizeof *net);
}

static tare_status pass_fill(const mlp *net, int64_t batch, mlp_pass *p) {
    int64_t widest = 0, largest = 0;
    for (int l = 0; l <= net->layers; l++) {
        TARE_TRY(floats(batch, net->width[l], &p->act[l]));
        if (net->width[l] > widest) widest = net->width[l];
        if (l < net->layers && mlp_weights(net, l) > largest) largest = mlp_weights(net, l);
    }
    for (int i = 0; i < 2; i++) {
        TARE_TRY(floats(batch, widest, &p->delta[i]));
        TARE_TRY(floats(1, batch * widest > largest ? batch * widest : largest, &p->turned[i]));
    }
    return mlp_create(net->layers, net->width, &p->grad);
}

tare_status mlp_pass_create(const mlp *net, int64_t batch, mlp_pass *out) {
    memset(out, 0, sizeof *out);
    out->batch = batch;
    tare_status s = pass_fill(net, batch, out);
    if (s != TARE_OK) mlp_pass_clear(out);
    return s;
}

void mlp_pass_clear(mlp_pass *p) {
    for (int l = 0; l <= MLP_MAX_LAYERS; l++) tare_free(p->act[l]);
    for (int i = 0; i < 2; i++) {
        tare_free(p->delta[i]);
        tare_free(p->turned[i]);
    }
    mlp_clear(&p->grad);
    memset(p, 0, sizeof *p);
}
