/* CSR: offsets[n+1] into values and column indices, columns ascending within a row. */
#include "src/format/format.h"

static tare_status size(const tare_tensor *t, size_t bytes[TARE_PARTS]) {
    if (t->nnz < 0 || t->nnz > t->n * t->k || t->nnz > UINT32_MAX)
        TARE_FAIL(TARE_E_FORMAT, "tensor: CSR holds up to n*k and 2^32-1 values, not %lld",
                  (long long)t->nnz);
    bytes[TARE_INDICES] = (size_t)t->nnz * TARE_INDEX_BYTES(t->k);
    bytes[TARE_OFFSETS] = (size_t)(t->n + 1) * sizeof(uint32_t);
    return TARE_OK;
}

static int64_t kept_in(void *ctx, int64_t from, int64_t to) {
    const float *w = ctx;
    int64_t kept = 0;
    for (int64_t i = from; i < to; i++) kept += w[i] != 0;
    return kept;
}

static int64_t count(const tare_format *f, int64_t n, int64_t k, const float *w) {
    (void)f;
    return format_sum(n * k, format_threads(n, k), kept_in, (void *)(uintptr_t)w);
}

/* Where each row's values begin: counted by rows, then added up. */
static tare_status count_row(void *job, int64_t i, int part) {
    const format_job *j = job;
    uint32_t kept = 0;
    (void)part;
    for (int64_t x = 0; x < j->t->k; x++) kept += j->w[i * j->t->k + x] != 0;
    ((uint32_t *)j->t->part[TARE_OFFSETS].data)[i + 1] = kept;
    return TARE_OK;
}

static tare_status offsets_of(format_job *j, int threads) {
    uint32_t *offsets = j->t->part[TARE_OFFSETS].data;
    TARE_TRY(format_rows(j->t->n, threads, count_row, j));
    for (int64_t i = 0; i < j->t->n; i++) offsets[i + 1] += offsets[i];
    return TARE_OK;
}

static tare_status encode_row(void *job, int64_t i, int part) {
    const format_job *j = job;
    int64_t k = j->t->k, at = ((const uint32_t *)j->t->part[TARE_OFFSETS].data)[i], kept = 0;
    float *row = j->scratch + part * k;
    for (int64_t x = 0; x < k; x++) {
        float v = j->w[i * k + x];
        if (v == 0) continue;
        row[kept] = v;
        format_put_index(j->t, k, at + kept++, x);
    }
    return j->c->put(j->t, i, 0, row, kept, at);
}

tare_status format_encode_kept(tare_tensor *t, const coding *c, const float *w, format_row one) {
    int threads = format_threads(t->n, t->k);
    format_job j = {t, c, w, tare_alloc((size_t)threads * (size_t)t->k * sizeof *w)};
    if (!j.scratch) TARE_FAIL(TARE_E_NOMEM, "encode: out of memory");
    tare_status s = offsets_of(&j, threads);
    if (s == TARE_OK) s = format_rows(t->n, threads, one, &j);
    tare_free(j.scratch);
    return s;
}

static tare_status encode(tare_tensor *t, const coding *c, const float *w) {
    return format_encode_kept(t, c, w, encode_row);
}

static void decode_row(const tare_tensor *t, const coding *c, int64_t row, double *out) {
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    for (int64_t i = offsets[row]; i < offsets[row + 1]; i++)
        c->get(t, row, 0, 1, i, out + format_index(t, t->k, i));
}

static tare_status validate(const tare_tensor *t) {
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    if (offsets[0] != 0 || offsets[t->n] != t->nnz)
        TARE_FAIL(TARE_E_FORMAT, "tensor: CSR offsets do not run from 0 to nnz");
    for (int64_t i = 0; i < t->n; i++) {
        if (offsets[i + 1] < offsets[i] || offsets[i + 1] > t->nnz)
            TARE_FAIL(TARE_E_FORMAT, "tensor: CSR offset %lld is out of order", (long long)i + 1);
        int64_t last = -1;
        for (int64_t j = offsets[i]; j < offsets[i + 1]; j++) {
            int64_t col = format_index(t, t->k, j);
            if (col <= last || col >= t->k)
                TARE_FAIL(TARE_E_FORMAT, "tensor: row %lld: column %lld is out of order or range",
                          (long long)i, (long long)col);
            last = col;
        }
    }
    return TARE_OK;
}

const layout layout_csr = {TARE_CSR, size, count, encode, decode_row, validate};
