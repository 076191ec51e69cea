/* Pruning of a matrix in place: selection by counting, since magnitudes order as their bits do. */
#include "src/compress/prune_values.h"

#include <math.h>
#include <string.h>

#include "src/internal.h"

static uint32_t magnitude(float v) {
    union {
        float f;
        uint32_t u;
    } b = {v};
    return b.u & 0x7fffffff;
}

static tare_status all_finite(const float *w, int64_t n, int64_t k) {
    for (int64_t i = 0; i < n * k; i++)
        if (!isfinite(w[i]))
            TARE_FAIL(TARE_E_VALUE, "weights[%lld,%lld] is %s", (long long)(i / k),
                      (long long)(i % k), isnan(w[i]) ? "NaN" : "infinite");
    return TARE_OK;
}

static int64_t not_zero(const float *w, int64_t count) {
    int64_t left = 0;
    for (int64_t i = 0; i < count; i++) left += w[i] != 0;
    return left;
}

/* ---- the smallest of many ---- */

enum { HALF = 1 << 16 };

/* The gone-th smallest magnitude, and of those equal to it how many stay: found by the upper half
 * of the bits, then by the lower half among those. */
static tare_status threshold(const float *v, int64_t count, int64_t gone, uint32_t *at,
                             int64_t *stay) {
    int64_t *seen = tare_alloc_zeroed(HALF * sizeof *seen);
    if (!seen) TARE_FAIL(TARE_E_NOMEM, "prune: out of memory");
    uint32_t high = 0, low = 0;
    for (int64_t i = 0; i < count; i++) seen[magnitude(v[i]) >> 16]++;
    while (gone > seen[high]) gone -= seen[high++];
    memset(seen, 0, HALF * sizeof *seen);
    for (int64_t i = 0; i < count; i++)
        if (magnitude(v[i]) >> 16 == high) seen[magnitude(v[i]) & 0xffff]++;
    while (gone > seen[low]) gone -= seen[low++];
    *at = high << 16 | low;
    *stay = seen[low] - gone;
    tare_free(seen);
    return TARE_OK;
}

static tare_status drop_smallest(float *v, int64_t count, double share) {
    int64_t gone = llround(share * (double)count), stay = 0;
    uint32_t at = 0;
    if (gone == 0) return TARE_OK;
    TARE_TRY(threshold(v, count, gone, &at, &stay));
    for (int64_t i = 0; i < count; i++) {
        uint32_t m = magnitude(v[i]);
        if (m < at || (m == at && stay-- <= 0)) v[i] = 0;
    }
    return TARE_OK;
}

/* ---- N:M ---- */

static void prune_group(float *v, int size, int keep) {
    uint32_t kept = 0;
    for (int round = 0; round < keep && round < size; round++) {
        int best = -1;
        for (int i = 0; i < size; i++)
            if (!(kept >> i & 1) && (best < 0 || magnitude(v[i]) > magnitude(v[best]))) best = i;
        kept |= 1u << best;
    }
    for (int i = 0; i < size; i++)
        if (!(kept >> i & 1)) v[i] = 0;
}

static void prune_groups(float *w, int64_t n, int64_t k, int keep, int of) {
    for (int64_t row = 0; row < n; row++)
        for (int64_t c = 0; c < k; c += of)
            prune_group(w + row * k + c, (int)(k - c < of ? k - c : of), keep);
}

/* ---- blocks ---- */

typedef struct block { /* rows and columns, the last excluded */
    int64_t row, end_row, column, end_column;
} block;

static block block_at(int64_t n, int64_t k, const tare_prune *how, int64_t i) {
    int64_t r = how->block_r, c = how->block_c, across = (k + c - 1) / c;
    block b = {.row = i / across * r, .column = i % across * c};
    b.end_row = b.row + r < n ? b.row + r : n;
    b.end_column = b.column + c < k ? b.column + c : k;
    return b;
}

static float norm(const float *w, int64_t k, const block *b) {
    double sum[32] = {0};
    int e = 0;
    for (int64_t i = b->row; i < b->end_row; i++)
        for (int64_t j = b->column; j < b->end_column; j++, e++)
            sum[e % 32] += (double)w[i * k + j] * (double)w[i * k + j];
    for (int by = 16; by; by /= 2)
        for (int i = 0; i < by; i++) sum[i] += sum[i + by];
    return (float)sqrt(sum[0]);
}

static void clear(float *w, int64_t k, const block *b) {
    for (int64_t i = b->row; i < b->end_row; i++)
        memset(w + i * k + b->column, 0, (size_t)(b->end_column - b->column) * sizeof *w);
}

static tare_status prune_blocks(float *w, int64_t n, int64_t k, const tare_prune *how,
                                int64_t *nnz) {
    int64_t r = how->block_r, c = how->block_c, count = (n + r - 1) / r * ((k + c - 1) / c);
    float *norms = tare_alloc((size_t)count * sizeof *norms);
    if (!norms) TARE_FAIL(TARE_E_NOMEM, "prune: no memory for %lld norms", (long long)count);
    for (int64_t i = 0; i < count; i++) {
        block b = block_at(n, k, how, i);
        norms[i] = norm(w, k, &b);
    }
    tare_status s = drop_smallest(norms, count, how->share);
    for (int64_t i = 0; s == TARE_OK && i < count; i++) {
        block b = block_at(n, k, how, i);
        if (norms[i] == 0) clear(w, k, &b);
    }
    *nnz = s == TARE_OK ? not_zero(norms, count) * r * c : 0;
    tare_free(norms);
    return s;
}

tare_status prune_values(float *w, int64_t n, int64_t k, const tare_prune *how, int64_t *nnz) {
    if (!w || !how || !nnz) TARE_FAIL(TARE_E_ARG, "prune: null argument");
    *nnz = 0;
    TARE_TRY(all_finite(w, n, k));
    if (how->kind == TARE_PRUNE_BLOCK) return prune_blocks(w, n, k, how, nnz);
    if (how->kind == TARE_PRUNE_NM)
        prune_groups(w, n, k, how->nm_n, how->nm_m);
    else
        TARE_TRY(drop_smallest(w, n * k, how->share));
    *nnz = not_zero(w, n * k);
    return TARE_OK;
}
