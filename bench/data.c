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

typedef struct filling {
    float *w;
    int64_t k;
    float scale;
    uint64_t seed, stream;
} filling;

static void fill_rows(void *ctx, int64_t from, int64_t to, int part) {
    const filling *f = ctx;
    (void)part;
    for (int64_t i = from; i < to; i++)
        fill_row(f->w + i * f->k, f->k, f->scale, f->seed, f->stream + (uint64_t)i);
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
    parallel_ranges(rows, tare_threads(), fill_rows, &(filling){w, k, scale, seed, stream});
    *out = w;
    return TARE_OK;
}

tare_status bench_data_weights(int64_t n, int64_t k, uint64_t seed, float **out) {
    return normals(n, k, 1 / sqrtf((float)k), seed, 0, out);
}

typedef struct narrowing {
    tare_type type;
    const float *x;
    void *small;
} narrowing;

static void narrow(void *ctx, int64_t from, int64_t to, int part) {
    const narrowing *n = ctx;
    (void)part;
    for (int64_t i = from; i < to; i++) tare_store(n->type, n->small, (size_t)i, n->x[i]);
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
    parallel_ranges(small ? (int64_t)count : 0, tare_threads(), narrow,
                    &(narrowing){type, x, small});
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

enum { HALF = 1 << 16 }; /* what 16 bits can be */

/* Adds to seen[HALF]: the upper halves of the bits, or where `high` is none of -1 the lower halves
 * of those that have this upper one. */
static void count_halves(const float *v, size_t count, int64_t high, size_t *seen) {
    for (size_t i = 0; i < count; i++) {
        uint32_t b = bits_of(v[i]);
        if (high < 0)
            seen[b >> 16]++;
        else if (b >> 16 == high)
            seen[b & (HALF - 1)]++;
    }
}

typedef struct counting {
    const float *v;
    int64_t high;
    size_t *seen; /* HALF a part */
} counting;

static void count_share(void *ctx, int64_t from, int64_t to, int part) {
    const counting *c = ctx;
    count_halves(c->v + from, (size_t)(to - from), c->high, c->seen + (size_t)part * HALF);
}

/* The half at which `nth` is reached, all parts added up; what is left of nth goes on. */
static uint32_t reach(const size_t *seen, int parts, size_t *nth) {
    for (uint32_t half = 0;; half++) {
        size_t here = 0;
        for (int p = 0; p < parts; p++) here += seen[(size_t)p * HALF + half];
        if (*nth < here) return half;
        *nth -= here;
    }
}

/* The bits of the nth smallest magnitude (0-based), and how many of its equals come before it:
 * counted by the upper half of the bits, then by the lower half among those; magnitudes order as
 * their bits do. */
static tare_status nth_magnitude(const float *v, size_t count, size_t nth, uint32_t *out,
                                 size_t *equals) {
    int parts = count < HALF ? 1 : tare_threads();
    size_t bytes = (size_t)parts * HALF * sizeof(size_t), *seen = tare_alloc(bytes);
    uint32_t half[2] = {0, 0};
    if (!seen) TARE_FAIL(TARE_E_NOMEM, "prune: out of memory");
    for (int turn = 0; turn < 2; turn++) {
        memset(seen, 0, bytes);
        parallel_ranges((int64_t)count, parts, count_share,
                        &(counting){v, turn ? (int64_t)half[0] : -1, seen});
        half[turn] = reach(seen, parts, &nth);
    }
    tare_free(seen);
    *out = half[0] << 16 | half[1];
    *equals = nth;
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

typedef struct pruning {
    const blocks *b;
    float *w, *scores;
    uint32_t least; /* kept from here up */
} pruning;

static void score_share(void *ctx, int64_t from, int64_t to, int part) {
    const pruning *p = ctx;
    (void)part;
    for (int64_t i = from; i < to; i++) p->scores[i] = score(p->b, p->w, i);
}

static void clear_share(void *ctx, int64_t from, int64_t to, int part) {
    const pruning *p = ctx;
    (void)part;
    for (int64_t i = from; i < to; i++)
        if (bits_of(p->scores[i]) < p->least) clear(p->b, p->w, i);
}

/* Of those that are as small as the least that is kept some go too, the last ones. */
static void clear_equals(const pruning *p, size_t equals) {
    for (int64_t i = p->b->count - 1; i >= 0 && equals > 0; i--) {
        if (bits_of(p->scores[i]) != p->least) continue;
        clear(p->b, p->w, i);
        equals--;
    }
}

tare_status bench_data_prune(float *w, int64_t n, int64_t k, int r, int c, double sparsity) {
    blocks b = {.n = n, .k = k, .r = r, .c = c, .across = (k + c - 1) / c};
    b.count = (n + r - 1) / r * b.across;
    size_t drop = (size_t)bench_scheme_dropped(sparsity, b.count);
    /* The nearest count there is; none and all are no share of zeros of those asked for. */
    if (sparsity > 0 && (drop == 0 || drop >= (size_t)b.count))
        TARE_FAIL(TARE_E_VALUE, "a share of %g can't be had of %lld %s", sparsity,
                  (long long)b.count, r * c > 1 ? "blocks" : "values");
    if (drop == 0) return TARE_OK;
    float *scores = tare_alloc((size_t)b.count * sizeof *scores);
    if (!scores) TARE_FAIL(TARE_E_NOMEM, "prune: no memory for %lld scores", (long long)b.count);
    pruning p = {.b = &b, .w = w, .scores = scores};
    parallel_ranges(b.count, tare_threads(), score_share, &p);
    size_t equals = 0;
    tare_status s = nth_magnitude(scores, (size_t)b.count, drop, &p.least, &equals);
    if (s == TARE_OK) parallel_ranges(b.count, tare_threads(), clear_share, &p);
    if (s == TARE_OK) clear_equals(&p, equals);
    tare_free(scores);
    return s;
}

typedef struct copying {
    const float *from;
    float *to;
    int64_t k;
} copying;

static void copy_rows(void *ctx, int64_t from, int64_t to, int part) {
    const copying *c = ctx;
    (void)part;
    memcpy(c->to + from * c->k, c->from + from * c->k,
           (size_t)((to - from) * c->k) * sizeof(float));
}

tare_status bench_data_pruned(const bench_scheme *s, const float *w, int64_t n, int64_t k,
                              float **out) {
    *out = NULL;
    /* N:M prunes in encoding; everything dense keeps all. */
    if (s->w.layout == TARE_DENSE || s->w.layout == TARE_NM) return TARE_OK;
    size_t bytes = (size_t)n * (size_t)k * sizeof *w;
    float *copy = tare_alloc(bytes);
    if (!copy) TARE_FAIL(TARE_E_NOMEM, "data: no memory for %zu bytes", bytes);
    parallel_ranges(n, tare_threads(), copy_rows, &(copying){w, copy, k});
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
