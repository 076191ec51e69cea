/* Each row of a matrix has a random sequence of its own, so rows can be made in parallel. */
#include "bench/data.h"
#include "bench/rng.h"
#include "src/internal.h"

#include <math.h>
#include <string.h>

static void fill_row(float *row, int64_t k, float scale, uint64_t seed, uint64_t stream) {
    bench_rng r;
    bench_rng_seed(&r, seed, stream);
    for (int64_t j = 0; j < k; j += 2) {
        float v[2];
        bench_rng_normal2(&r, v);
        row[j] = v[0] * scale;
        if (j + 1 < k) row[j + 1] = v[1] * scale;
    }
}

static tare_status normals(int64_t rows, int64_t k, float scale, uint64_t seed, uint64_t stream,
                           float **out) {
    size_t count;
    *out = NULL;
    if (!tare_mul_size((size_t)rows, (size_t)k, &count) ||
        !tare_mul_size(count, sizeof(float), &count))
        TARE_FAIL(TARE_E_SHAPE, "data: %lld x %lld overflows", (long long)rows, (long long)k);
    float *w = tare_alloc(count);
    if (!w) TARE_FAIL(TARE_E_NOMEM, "data: no memory for %zu bytes", count);
#pragma omp parallel for num_threads(tare_threads())
    for (int64_t i = 0; i < rows; i++) fill_row(w + i * k, k, scale, seed, stream + (uint64_t)i);
    *out = w;
    return TARE_OK;
}

tare_status bench_data_weights(int64_t n, int64_t k, uint64_t seed, float **out) {
    return normals(n, k, 1 / sqrtf((float)k), seed, 0, out);
}

tare_status bench_data_x(int64_t m, int64_t k, tare_type type, uint64_t seed, void **out) {
    float *x;
    *out = NULL;
    TARE_TRY(normals(m, k, 1, seed, (uint64_t)1 << 40, &x));
    *out = x;
    if (type == TARE_F32) return TARE_OK;
    size_t count = (size_t)m * (size_t)k;
    void *small = tare_alloc(count * tare_type_bytes(type));
    *out = small;
    if (small)
        for (size_t i = 0; i < count; i++) tare_store(type, small, i, x[i]);
    tare_free(x);
    if (!small) TARE_FAIL(TARE_E_NOMEM, "data: no memory for %zu values of x", count);
    return TARE_OK;
}

/* ---- pruning ---- */

static uint32_t bits_of(float v) {
    union {
        float f;
        uint32_t u;
    } b = {fabsf(v)};
    return b.u;
}

/* The bits of the drop-th smallest magnitude (0-based): counted by the upper half of the bits, then
 * by the lower half among those; magnitudes order as their bits do. */
static tare_status nth_magnitude(const float *v, size_t count, size_t nth, uint32_t *out) {
    size_t *seen = tare_alloc_zeroed(65536 * sizeof *seen);
    if (!seen) TARE_FAIL(TARE_E_NOMEM, "prune: out of memory");
    uint32_t high = 0, low = 0;
    for (size_t i = 0; i < count; i++) seen[bits_of(v[i]) >> 16]++;
    while (nth >= seen[high]) nth -= seen[high++];
    memset(seen, 0, 65536 * sizeof *seen);
    for (size_t i = 0; i < count; i++)
        if (bits_of(v[i]) >> 16 == high) seen[bits_of(v[i]) & 0xffff]++;
    while (nth >= seen[low]) nth -= seen[low++];
    tare_free(seen);
    *out = high << 16 | low;
    return TARE_OK;
}

typedef struct blocks {
    int64_t n, k, r, c, across, count;
} blocks;

static void span(const blocks *b, int64_t i, int64_t from[2], int64_t to[2]) {
    from[0] = i / b->across * b->r;
    from[1] = i % b->across * b->c;
    to[0] = from[0] + b->r < b->n ? from[0] + b->r : b->n;
    to[1] = from[1] + b->c < b->k ? from[1] + b->c : b->k;
}

static float score(const blocks *b, const float *w, int64_t i) {
    int64_t from[2], to[2];
    span(b, i, from, to);
    float sum = 0;
    for (int64_t y = from[0]; y < to[0]; y++)
        for (int64_t x = from[1]; x < to[1]; x++) sum += fabsf(w[y * b->k + x]);
    return sum / (float)((to[0] - from[0]) * (to[1] - from[1]));
}

static void clear(const blocks *b, float *w, int64_t i) {
    int64_t from[2], to[2];
    span(b, i, from, to);
    for (int64_t y = from[0]; y < to[0]; y++)
        memset(w + y * b->k + from[1], 0, (size_t)(to[1] - from[1]) * sizeof *w);
}

tare_status bench_data_prune(float *w, int64_t n, int64_t k, int r, int c, double sparsity) {
    blocks b = {.n = n, .k = k, .r = r, .c = c, .across = (k + c - 1) / c};
    b.count = (n + r - 1) / r * b.across;
    size_t drop = (size_t)rint(sparsity * (double)b.count);
    if (drop == 0) return TARE_OK;
    if (drop >= (size_t)b.count) drop = (size_t)b.count - 1;
    float *scores = tare_alloc((size_t)b.count * sizeof *scores);
    if (!scores) TARE_FAIL(TARE_E_NOMEM, "prune: no memory for %lld scores", (long long)b.count);
    for (int64_t i = 0; i < b.count; i++) scores[i] = score(&b, w, i);
    uint32_t least = 0; /* kept from here up */
    tare_status s = nth_magnitude(scores, (size_t)b.count, drop, &least);
    for (int64_t i = 0; s == TARE_OK && i < b.count; i++)
        if (bits_of(scores[i]) < least) clear(&b, w, i);
    tare_free(scores);
    return s;
}

tare_status bench_data_pruned(const bench_scheme *s, const float *w, int64_t n, int64_t k,
                              float **out) {
    *out = NULL;
    /* N:M prunes in encoding; everything dense keeps all. */
    if (s->w.layout == TARE_DENSE || s->w.layout == TARE_NM) return TARE_OK;
    size_t bytes = (size_t)n * (size_t)k * sizeof *w;
    float *copy = tare_alloc(bytes);
    if (!copy) TARE_FAIL(TARE_E_NOMEM, "data: no memory for %zu bytes", bytes);
    memcpy(copy, w, bytes);
    int block = s->w.layout == TARE_BLOCK;
    tare_status st = bench_data_prune(copy, n, k, block ? s->w.block_r : 1,
                                      block ? s->w.block_c : 1, s->sparsity);
    if (st != TARE_OK) {
        tare_free(copy);
        return st;
    }
    *out = copy;
    return TARE_OK;
}

tare_status bench_data_encode(const bench_scheme *s, const float *w, int64_t n, int64_t k,
                              tare_tensor *out) {
    float *pruned;
    TARE_TRY(bench_data_pruned(s, w, n, k, &pruned));
    tare_status st = tare_encode(&s->w, n, k, pruned ? pruned : w, out);
    tare_free(pruned);
    return st;
}
