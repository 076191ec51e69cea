/* Bitmap: a 64-bit word for 64 positions of a row, kept values packed; offsets[n+1] into the
 * values. */
#include "src/format/format.h"

static tare_status size(const tare_tensor *t, size_t bytes[TARE_PARTS]) {
    if (t->nnz < 0 || t->nnz > t->n * t->k || t->nnz > UINT32_MAX)
        TARE_FAIL(TARE_E_FORMAT, "tensor: a bitmap holds up to n*k and 2^32-1 values, not %lld",
                  (long long)t->nnz);
    bytes[TARE_INDICES] = (size_t)(t->n * TARE_BITMAP_WORDS(t->k)) * sizeof(uint64_t);
    bytes[TARE_OFFSETS] = (size_t)(t->n + 1) * sizeof(uint32_t);
    return TARE_OK;
}

static int64_t count(const tare_format *f, int64_t n, int64_t k, const float *w) {
    return layout_csr.count(f, n, k, w);
}

static tare_status encode_row(void *job, int64_t i, int part) {
    const format_job *j = job;
    int64_t k = j->t->k, at = ((const uint32_t *)j->t->part[TARE_OFFSETS].data)[i], kept = 0;
    uint64_t *words = (uint64_t *)j->t->part[TARE_INDICES].data + i * TARE_BITMAP_WORDS(k);
    float *row = j->scratch + part * k;
    for (int64_t x = 0; x < k; x++) {
        float v = j->w[i * k + x];
        if (v == 0) continue;
        row[kept++] = v;
        words[x / 64] |= (uint64_t)1 << (x % 64);
    }
    return j->c->put(j->t, i, 0, row, kept, at);
}

static tare_status encode(tare_tensor *t, const coding *c, const float *w) {
    return format_encode_kept(t, c, w, encode_row);
}

static void decode_row(const tare_tensor *t, const coding *c, int64_t row, double *out) {
    const uint64_t *words = t->part[TARE_INDICES].data;
    int64_t at = ((const uint32_t *)t->part[TARE_OFFSETS].data)[row],
            count_of = TARE_BITMAP_WORDS(t->k);
    for (int64_t w = 0; w < count_of; w++)
        for (uint64_t m = words[row * count_of + w]; m; m &= m - 1)
            c->get(t, row, 0, 1, at++, out + w * 64 + __builtin_ctzll(m));
}

static tare_status validate(const tare_tensor *t) {
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    const uint64_t *words = t->part[TARE_INDICES].data;
    int64_t count_of = TARE_BITMAP_WORDS(t->k), at = 0;
    for (int64_t i = 0; i < t->n; i++) {
        if (offsets[i] != at)
            TARE_FAIL(TARE_E_FORMAT, "tensor: bitmap offset %lld does not match the bits",
                      (long long)i);
        for (int64_t w = 0; w < count_of; w++) at += __builtin_popcountll(words[i * count_of + w]);
        if (t->k % 64 && words[(i + 1) * count_of - 1] >> (t->k % 64))
            TARE_FAIL(TARE_E_FORMAT, "tensor: row %lld has bits past its end", (long long)i);
    }
    if (offsets[t->n] != at || at != t->nnz)
        TARE_FAIL(TARE_E_FORMAT, "tensor: the bitmap's bits and nnz disagree");
    return TARE_OK;
}

const layout layout_bitmap = {TARE_BITMAP, size, count, encode, decode_row, validate};
