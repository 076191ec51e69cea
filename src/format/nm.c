/* N:M: of each M neighbours of a row exactly N are stored, with their columns in the group. A
 * ragged last group may store positions past k; their value is 0. */
#include "src/format/format.h"

#include <math.h>

static tare_status size(const tare_tensor *t, size_t bytes[TARE_PARTS]) {
    const tare_format *f = &t->format;
    if (t->nnz != t->n * format_nm_values(f, t->k))
        TARE_FAIL(TARE_E_FORMAT, "tensor: %d:%d of this shape stores %lld values, not %lld",
                  (int)f->nm_n, (int)f->nm_m, (long long)(t->n * format_nm_values(f, t->k)),
                  (long long)t->nnz);
    bytes[TARE_INDICES] = (size_t)(t->n * format_nm_bytes(f, t->k));
    return TARE_OK;
}

static int64_t count(const tare_format *f, int64_t n, int64_t k, const float *w) {
    (void)w;
    return n * format_nm_values(f, k);
}

/* Bits of the n largest magnitudes among m, ties to the lower column; positions past the end of the
 * row count as less than any value. */
static unsigned choose(const float *v, int64_t real, int n, int m) {
    unsigned taken = 0;
    for (int i = 0; i < n; i++) {
        int best = -1;
        float most = -2;
        for (int j = 0; j < m; j++) {
            float a = j < real ? fabsf(v[j]) : -1;
            if (!(taken >> j & 1) && a > most) {
                most = a;
                best = j;
            }
        }
        taken |= 1u << best;
    }
    return taken;
}

static tare_status encode_row(void *job, int64_t i, int part) {
    const format_job *q = job;
    tare_tensor *t = q->t;
    const tare_format *f = &t->format;
    int bits = TARE_NM_BITS(f->nm_m), per = TARE_NM_PER_BYTE(f->nm_m);
    int64_t values = format_nm_values(f, t->k), at = 0;
    uint8_t *columns = (uint8_t *)t->part[TARE_INDICES].data + i * format_nm_bytes(f, t->k);
    (void)part;
    for (int64_t j = 0; j < t->k; j += f->nm_m) {
        const float *v = q->w + i * t->k + j;
        unsigned taken = choose(v, t->k - j, f->nm_n, f->nm_m);
        for (int b = 0; b < f->nm_m; b++) {
            if (!(taken >> b & 1)) continue;
            columns[at / per] |= (uint8_t)(b << (at % per * bits));
            float value = b < t->k - j ? v[b] : 0;
            /* One value at a time: a ragged last group stores positions past the row. */
            TARE_TRY(q->c->put(t, i, j, &value, 1, i * values + at));
            at++;
        }
    }
    return TARE_OK;
}

static tare_status encode(tare_tensor *t, const coding *c, const float *w) {
    format_job j = {t, c, w, NULL};
    return format_rows(t->n, format_threads(t->n, t->k), encode_row, &j);
}

static void decode_row(const tare_tensor *t, const coding *c, int64_t row, double *out) {
    int64_t values = format_nm_values(&t->format, t->k);
    for (int64_t i = 0; i < values; i++) {
        int64_t col = format_nm_column(t, row, i);
        if (col < t->k) c->get(t, row, col, 1, row * values + i, out + col);
    }
}

static tare_status check_row(const tare_tensor *t, int64_t row) {
    const tare_format *f = &t->format;
    int64_t values = format_nm_values(f, t->k), last = -1;
    for (int64_t i = 0; i < values; i++) {
        int64_t col = format_nm_column(t, row, i);
        if (col <= last || col >= (i / f->nm_n + 1) * f->nm_m)
            TARE_FAIL(TARE_E_FORMAT, "tensor: row %lld, value %lld: its column is out of order",
                      (long long)row, (long long)i);
        double v = 0;
        if (col >= t->k) format_coding(f)->get(t, row, t->k - 1, 1, row * values + i, &v);
        if (v != 0)
            TARE_FAIL(TARE_E_FORMAT, "tensor: row %lld stores a value past its end",
                      (long long)row);
        last = col;
    }
    int per = TARE_NM_PER_BYTE(f->nm_m), used = (int)(values % per);
    const uint8_t *b = t->part[TARE_INDICES].data;
    if (used && b[(row + 1) * format_nm_bytes(f, t->k) - 1] >> (used * TARE_NM_BITS(f->nm_m)))
        TARE_FAIL(TARE_E_FORMAT, "tensor: row %lld has columns behind its last", (long long)row);
    return TARE_OK;
}

static tare_status validate(const tare_tensor *t) {
    for (int64_t i = 0; i < t->n; i++) TARE_TRY(check_row(t, i));
    return TARE_OK;
}

const layout layout_nm = {TARE_NM, size, count, encode, decode_row, validate};
