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

static int64_t count(const tare_format *f, int64_t n, int64_t k, const float *w) {
    int64_t kept = 0;
    (void)f;
    for (int64_t i = 0; i < n * k; i++) kept += w[i] != 0;
    return kept;
}

static tare_status encode(tare_tensor *t, const coding *c, const float *w, float *row) {
    uint32_t *offsets = t->part[TARE_OFFSETS].data;
    int64_t at = 0;
    for (int64_t i = 0; i < t->n; i++) {
        int64_t kept = 0;
        for (int64_t j = 0; j < t->k; j++) {
            float v = w[i * t->k + j];
            if (v == 0) continue;
            row[kept] = v;
            format_put_index(t, t->k, at + kept++, j);
        }
        TARE_TRY(c->put(t, i, 0, row, kept, at));
        at += kept;
        offsets[i + 1] = (uint32_t)at;
    }
    return TARE_OK;
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
