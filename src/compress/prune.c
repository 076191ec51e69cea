/* Magnitude pruning: unstructured, N:M, and of whole neurons. */
#include "src/compress/prune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/internal.h"

typedef struct item {
    float weight; /* what it is judged by */
    int64_t at;
} item;

/* Most important first; equals in order of position. */
static int by_weight(const void *a, const void *b) {
    const item *x = a, *y = b;
    if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static tare_status all_finite(const mlp *net) {
    for (int l = 0; l < net->layers; l++)
        for (int64_t i = 0; i < mlp_weights(net, l); i++)
            if (!isfinite(net->w[l][i]))
                TARE_FAIL(TARE_E_VALUE, "prune: layer %d: weight [%lld,%lld] is not finite", l,
                          (long long)(i / net->width[l]), (long long)(i % net->width[l]));
    return TARE_OK;
}

static tare_status prune_layer(const float *w, int64_t count, double sparsity, uint8_t *keep) {
    item *v = tare_alloc((size_t)count * sizeof *v);
    if (!v) TARE_FAIL(TARE_E_NOMEM, "prune: no memory for %lld weights", (long long)count);
    for (int64_t i = 0; i < count; i++) v[i] = (item){fabsf(w[i]), i};
    qsort(v, (size_t)count, sizeof *v, by_weight);
    int64_t gone = llround(sparsity * (double)count);
    for (int64_t i = count - gone; i < count; i++) keep[v[i].at] = 0;
    tare_free(v);
    return TARE_OK;
}

tare_status prune_magnitude(const mlp *net, double sparsity, mlp_mask *out) {
    if (!net || !out || !(sparsity >= 0 && sparsity < 1))
        TARE_FAIL(TARE_E_ARG, "prune: a sparsity must lie in 0..1, 1 excluded");
    TARE_TRY(all_finite(net));
    TARE_TRY(mlp_mask_create(net, out));
    tare_status s = TARE_OK;
    for (int l = 0; l + 1 < net->layers && s == TARE_OK; l++)
        s = prune_layer(net->w[l], mlp_weights(net, l), sparsity, out->keep[l]);
    if (s != TARE_OK) mlp_mask_clear(out);
    return s;
}

/* Of one group of `size` weights (M, or less at a row's end) the `keep` largest stay. */
static void prune_group(const float *w, int size, int keep, uint8_t *mask) {
    memset(mask, 0, (size_t)size);
    for (int round = 0; round < keep && round < size; round++) {
        int best = -1;
        for (int i = 0; i < size; i++)
            if (!mask[i] && (best < 0 || fabsf(w[i]) > fabsf(w[best]))) best = i;
        mask[best] = 1;
    }
}

tare_status prune_nm(const mlp *net, int keep, int of, mlp_mask *out) {
    if (!net || !out || keep < 1 || of <= keep)
        TARE_FAIL(TARE_E_ARG, "prune: %d:%d is no N:M", keep, of);
    TARE_TRY(all_finite(net));
    TARE_TRY(mlp_mask_create(net, out));
    for (int l = 0; l + 1 < net->layers; l++) {
        int64_t k = net->width[l];
        for (int64_t row = 0; row < net->width[l + 1]; row++)
            for (int64_t c = 0; c < k; c += of)
                prune_group(net->w[l] + row * k + c, (int)(k - c < of ? k - c : of), keep,
                            out->keep[l] + row * k + c);
    }
    return TARE_OK;
}

tare_status prune_select(const mlp *net, const int64_t *const keep[], const int64_t *width,
                         mlp *out) {
    if (!net || !keep || !width || !out) TARE_FAIL(TARE_E_ARG, "prune: null argument");
    TARE_TRY(mlp_create(net->layers, width, out));
    for (int l = 0; l < net->layers; l++) {
        const int64_t *rows = l + 1 < net->layers ? keep[l + 1] : NULL;
        const int64_t *cols = l > 0 ? keep[l] : NULL;
        for (int64_t r = 0; r < width[l + 1]; r++) {
            int64_t from = rows ? rows[r] : r;
            out->b[l][r] = net->b[l][from];
            for (int64_t c = 0; c < width[l]; c++)
                out->w[l][r * width[l] + c] =
                    net->w[l][from * net->width[l] + (cols ? cols[c] : c)];
        }
    }
    return TARE_OK;
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The `count` neurons of hidden layer l (the outputs of weights l - 1) that matter most. */
static tare_status choose(const mlp *net, int l, int64_t count, int64_t *keep) {
    int64_t n = net->width[l], in = net->width[l - 1], next = net->width[l + 1];
    item *v = tare_alloc((size_t)n * sizeof *v);
    if (!v) TARE_FAIL(TARE_E_NOMEM, "prune: no memory for %lld neurons", (long long)n);
    for (int64_t j = 0; j < n; j++) {
        double before = 0, after = 0;
        for (int64_t c = 0; c < in; c++)
            before += (double)net->w[l - 1][j * in + c] * (double)net->w[l - 1][j * in + c];
        for (int64_t r = 0; r < next; r++)
            after += (double)net->w[l][r * n + j] * (double)net->w[l][r * n + j];
        v[j] = (item){(float)sqrt(before * after), j};
    }
    qsort(v, (size_t)n, sizeof *v, by_weight);
    for (int64_t i = 0; i < count; i++) keep[i] = v[i].at;
    qsort(keep, (size_t)count, sizeof *keep, ascending);
    tare_free(v);
    return TARE_OK;
}

tare_status prune_neurons(const mlp *net, double share, mlp *out) {
    if (!net || !out || !(share >= 0 && share < 1))
        TARE_FAIL(TARE_E_ARG, "prune: a share must lie in 0..1, 1 excluded");
    TARE_TRY(all_finite(net));
    int64_t *keep[MLP_MAX_LAYERS + 1] = {0}, width[MLP_MAX_LAYERS + 1];
    tare_status s = TARE_OK;
    memcpy(width, net->width, sizeof width);
    for (int l = 1; l < net->layers && s == TARE_OK; l++) {
        width[l] -= llround(share * (double)width[l]);
        if (width[l] < 1) width[l] = 1;
        keep[l] = tare_alloc((size_t)width[l] * sizeof *keep[l]);
        s = keep[l] ? choose(net, l, width[l], keep[l])
                    : tare_fail(TARE_E_NOMEM, "prune: out of memory");
    }
    if (s == TARE_OK) s = prune_select(net, (const int64_t *const *)keep, width, out);
    for (int l = 0; l <= MLP_MAX_LAYERS; l++) tare_free(keep[l]);
    return s;
}
