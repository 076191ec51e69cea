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

static tare_status encode_row(void *job, int64_t i, int part) {
    const format_job *j = job;
    int64_t k = j->t->k;
    (void)part;
    return j->c->put(j->t, i, 0, j->w + i * k, k, i * k);
}

static tare_status encode(tare_tensor *t, const coding *c, const float *w) {
    format_job j = {t, c, w, NULL};
    return format_rows(t->n, format_threads(t->n, t->k), encode_row, &j);
}

static void decode_row(const tare_tensor *t, const coding *c, int64_t row, double *out) {
    c->get(t, row, 0, t->k, row * t->k, out);
}

static tare_status validate(const tare_tensor *t) {
    (void)t;
    return TARE_OK;
}

const layout layout_dense = {TARE_DENSE, size, count, encode, decode_row, validate};
