/* Encoding layer by layer. */
#include "src/compress/quantize.h"

#include <stdio.h>
#include <string.h>

#include "src/internal.h"

static tare_status encode_layer(const mlp *net, const coding *c, int l, model_layer *out) {
    int last = l + 1 == net->layers;
    tare_format f;
    TARE_TRY(tare_format_parse(last && c->last ? c->last : c->format, &f));
    size_t bytes = (size_t)net->width[l + 1] * sizeof(float);
    out->bias = tare_alloc(bytes);
    if (!out->bias) TARE_FAIL(TARE_E_NOMEM, "compress: no memory for %zu bytes", bytes);
    memcpy(out->bias, net->b[l], bytes);
    out->x = c->x;
    out->y = last ? TARE_F32 : c->x;
    uint32_t quantised = tare_x_quantised(&f);
    if (quantised == TARE_X_F8) quantised |= TARE_SUM_F8;
    out->flags = TARE_BIAS | (last ? 0 : TARE_RELU) | (c->x_i8 ? quantised : 0);
    return tare_encode(&f, net->width[l + 1], net->width[l], net->w[l], &out->w);
}

tare_status compress_encode(const mlp *net, const coding *c, model *out) {
    if (!net || !c || !out) TARE_FAIL(TARE_E_ARG, "compress: null argument");
    memset(out, 0, sizeof *out);
    snprintf(out->scheme, sizeof out->scheme, "%s", c->scheme);
    tare_status s = TARE_OK;
    for (int l = 0; l < net->layers && s == TARE_OK; l++) {
        out->layers = l + 1;
        s = encode_layer(net, c, l, &out->layer[l]);
    }
    if (s != TARE_OK) model_clear(out);
    return s;
}
