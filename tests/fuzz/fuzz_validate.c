/* tare_validate over hostile tensors: the input is a format, a shape and the bytes of each part, in
 * blocks of exactly their size. Whatever passes validation must decode, and multiply by its planned
 * kernel, without leaving its parts. */
#include "src/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct reader {
    const uint8_t *at;
    size_t left;
} reader;

static uint32_t take(reader *r, int bytes) {
    uint32_t v = 0;
    for (int i = 0; i < bytes && r->left; i++, r->at++, r->left--) v |= (uint32_t)*r->at << (8 * i);
    return v;
}

/* Parts of the sizes that the header asks for, filled from the input and zeros behind it. A first
 * byte in the part's size lets the input ask for wrong sizes too. */
static void take_parts(reader *r, tare_tensor *t) {
    size_t bytes[TARE_PARTS];
    if (tare_tensor_size(&t->format, t->n, t->k, t->nnz, bytes) != TARE_OK)
        memset(bytes, 0, sizeof bytes);
    for (int i = 0; i < TARE_PARTS; i++) {
        int wrong = take(r, 1) == 0xa5;
        size_t n = wrong ? take(r, 1) : bytes[i];
        if (n == 0 || n > 1 << 16) continue;
        uint8_t *p = calloc(n, 1);
        size_t have = n < r->left ? n : r->left;
        memcpy(p, r->at, have);
        r->at += have;
        r->left -= have;
        t->part[i].data = p;
        t->part[i].bytes = n;
    }
}

static void multiply(const tare_tensor *t) {
    tare_device *d = tare_device_get(0);
    uint32_t flags = tare_x_quantised(&t->format);
    tare_problem p = tare_problem_matmul(t, 2, TARE_F32, TARE_F32, flags);
    float *x = calloc((size_t)(2 * t->k), sizeof *x), *y = malloc((size_t)(2 * t->n) * sizeof *y);
    for (int64_t i = 0; i < 2 * t->k; i++) x[i] = (float)(i % 7) - 3;
    tare_plan plan;
    tare_packed *w = NULL;
    tare_stream *s = NULL;
    tare_buffer *xb = NULL, *yb = NULL;
    if (tare_plan_make(d, &p, NULL, &plan) != TARE_OK || tare_pack(&plan, t, &w) != TARE_OK ||
        tare_stream_create(d, &s) != TARE_OK || tare_stream_reserve(s, &plan) != TARE_OK ||
        tare_buffer_wrap(d, x, (size_t)(2 * t->k) * 4, &xb) != TARE_OK ||
        tare_buffer_wrap(d, y, (size_t)(2 * t->n) * 4, &yb) != TARE_OK ||
        tare_run(&plan, w, s, xb, NULL, yb, 0) != TARE_OK)
        abort(); /* a valid tensor always runs on the CPU */
    tare_buffer_destroy(xb);
    tare_buffer_destroy(yb);
    tare_stream_destroy(s);
    tare_packed_destroy(w);
    free(x);
    free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader r = {data, size};
    tare_tensor t;
    memset(&t, 0, sizeof t);
    t.format.value = (tare_type)(take(&r, 1) % 8);
    t.format.layout = (tare_layout)(take(&r, 1) % 8);
    t.format.scaling = (tare_scaling)(take(&r, 1) % 5);
    t.format.zero_points = (int32_t)take(&r, 1);
    t.format.group = (int32_t)take(&r, 1);
    t.format.nm_n = (int32_t)take(&r, 1);
    t.format.nm_m = (int32_t)take(&r, 1);
    t.format.block_r = (int32_t)take(&r, 1);
    t.format.block_c = (int32_t)take(&r, 1);
    t.n = (int32_t)take(&r, 2);
    t.k = (int32_t)take(&r, 2);
    t.nnz = (int32_t)take(&r, 4);
    take_parts(&r, &t);
    if (tare_validate(&t) == TARE_OK && t.n * t.k <= 1 << 16) {
        double *row = malloc((size_t)t.k * sizeof *row);
        for (int64_t i = 0; i < t.n; i++)
            if (tare_decode_row_f64(&t, i, row) != TARE_OK) abort();
        free(row);
        multiply(&t);
    }
    for (int i = 0; i < TARE_PARTS; i++) free(t.part[i].data);
    return 0;
}
