/* Every value, row by row. */
#include "src/format/format.h"

static tare_status size(const tare_tensor *t, size_t bytes[TARE_PARTS]) {
    (void)bytes;
    if (t->nnz != t->n * t->k)
        TARE_FAIL(TARE_E_FORMAT, "tensor: dense, but nnz is %lld", (long long)t->nnz);
    return TARE_OK;
}

static int64_t count(const tare_format *f, int64_t n, int64_t k, const float *w) {
    (void)f, (void)w;
    return n * k;
}

static tare_status encode(tare_tensor *t, const coding *c, const float *w, float *row) {
    (void)row;
    for (int64_t i = 0; i < t->n; i++) TARE_TRY(c->put(t, i, 0, w + i * t->k, t->k, i * t->k));
    return TARE_OK;
}

static void decode_row(const tare_tensor *t, const coding *c, int64_t row, double *out) {
    c->get(t, row, 0, t->k, row * t->k, out);
}

static tare_status validate(const tare_tensor *t) {
    (void)t;
    return TARE_OK;
}

const layout layout_dense = {TARE_DENSE, size, count, encode, decode_row, validate};
