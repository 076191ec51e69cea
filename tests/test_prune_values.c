/* Pruning of a matrix on the CPU against its definition, by sorting. */
#include "src/compress/prune_values.h"
#include "tests/prunecheck.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct item {
    float weight;
    int64_t at;
} item;

/* Those that go first: the smallest, of equals the higher index. */
static int by_fate(const void *a, const void *b) {
    const item *x = a, *y = b;
    if (x->weight != y->weight) return x->weight < y->weight ? -1 : 1;
    return x->at > y->at ? -1 : x->at < y->at;
}

/* gone[i] of `count` items by their weights. */
static void choose(const float *weight, int64_t count, int64_t go, uint8_t *gone) {
    item *v = malloc((size_t)count * sizeof *v);
    for (int64_t i = 0; i < count; i++) v[i] = (item){fabsf(weight[i]), i};
    qsort(v, (size_t)count, sizeof *v, by_fate);
    memset(gone, 0, (size_t)count);
    for (int64_t i = 0; i < go; i++) gone[v[i].at] = 1;
    free(v);
}

/* Of blocks: gone blocks, or single values. Norms in plain order, which ranks data of few digits as
 * the defined one does; returns what is left. */
static int64_t by_sorting(float *w, int64_t n, int64_t k, int64_t r, int64_t c, double share) {
    int64_t across = (k + c - 1) / c, count = (n + r - 1) / r * across, left = 0;
    float *norm = calloc((size_t)count, sizeof *norm);
    uint8_t *gone = malloc((size_t)count);
    for (int64_t b = 0; b < count; b++) {
        double sum = 0;
        for (int64_t i = b / across * r; i < n && i < (b / across + 1) * r; i++)
            for (int64_t j = b % across * c; j < k && j < (b % across + 1) * c; j++)
                sum += (double)w[i * k + j] * (double)w[i * k + j];
        norm[b] = (float)sqrt(sum);
    }
    choose(norm, count, llround(share * (double)count), gone);
    for (int64_t i = 0; i < n * k; i++)
        if (gone[i / k / r * across + i % k / c]) w[i] = 0;
    for (int64_t b = 0; b < count; b++) left += !gone[b] && norm[b] != 0;
    free(norm);
    free(gone);
    return left * r * c;
}

static int64_t groups(float *w, int64_t n, int64_t k, int keep, int of) {
    int64_t left = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j += of) {
            float *v = w + i * k + j;
            int64_t size = k - j < of ? k - j : of;
            uint8_t gone[16] = {0};
            if (size > keep) choose(v, size, size - keep, gone);
            for (int64_t e = 0; e < size; e++) {
                if (gone[e]) v[e] = 0;
                left += v[e] != 0;
            }
        }
    return left;
}

Test(prune_values, is_what_its_header_says, .timeout = 60) {
    static float w[40 * 1200], want[40 * 1200];
    for (int s = 0; s < PRUNE_SHAPES; s++)
        for (int h = 0; h < PRUNE_WAYS; h++)
            for (int data = 0; data < PRUNE_DATA; data++) {
                int64_t n = prune_shapes[s].n, k = prune_shapes[s].k, left = -1;
                const tare_prune *how = &prune_ways[h];
                uint64_t seed = 77;
                prune_fill(w, n * k, data, &seed);
                memcpy(want, w, sizeof w);
                int block = how->kind == TARE_PRUNE_BLOCK;
                int64_t expect = how->kind == TARE_PRUNE_NM
                                     ? groups(want, n, k, how->nm_n, how->nm_m)
                                     : by_sorting(want, n, k, block ? how->block_r : 1,
                                                  block ? how->block_c : 1, how->share);
                cr_assert_eq(prune_values(w, n, k, how, &left), TARE_OK);
                for (int64_t i = 0; i < n * k; i++)
                    cr_assert_eq(w[i], want[i], "shape %d, way %d, data %d: [%lld]", s, h, data,
                                 (long long)i);
                cr_assert_eq(left, expect, "shape %d, way %d, data %d: %lld left, must be %lld", s,
                             h, data, (long long)left, (long long)expect);
            }
}

/* What is left is what a tensor of the rest stores. */
Test(prune_values, counts_what_encoding_stores, .timeout = 60) {
    static const char *const names[] = {"csr/f32", "bitmap/f16", "bs3x5/f32"};
    static const int ways[] = {2, 3, 11};
    static float w[33 * 131];
    for (int i = 0; i < 3; i++) {
        uint64_t seed = 3;
        int64_t left;
        tare_format f;
        tare_tensor t;
        prune_fill(w, 33 * 131, i == 1, &seed);
        cr_assert_eq(prune_values(w, 33, 131, &prune_ways[ways[i]], &left), TARE_OK);
        cr_assert_eq(tare_format_parse(names[i], &f), TARE_OK);
        cr_assert_eq(tare_encode(&f, 33, 131, w, &t), TARE_OK);
        cr_expect_eq(t.nnz, left, "%s: %lld, not %lld", names[i], (long long)t.nnz,
                     (long long)left);
        tare_tensor_clear(&t);
    }
}

/* The second allocation and the first fail: nothing is touched or lost. */
Test(prune_values, no_memory) {
    float w[64], before[64];
    int64_t left;
    long live = tare_alloc_live();
    uint64_t seed = 3;
    prune_fill(w, 64, 0, &seed);
    memcpy(before, w, sizeof w);
    for (int n = 1; n <= 2; n++) {
        tare_alloc_fail_at(n);
        cr_expect_eq(prune_values(w, 8, 8, &prune_ways[10], &left), TARE_E_NOMEM);
        tare_alloc_fail_at(0);
        cr_expect_arr_eq(before, w, sizeof w);
    }
    cr_expect_eq(tare_alloc_live(), live);
}

/* The public call on the CPU, and what it refuses. */
Test(prune_values, of_a_buffer) {
    float w[8] = {3, -1, 2, 0.5f, -0.5f, 4, 0, 1};
    static const float want[8] = {3, 0, 2, 0, 0, 4, 0, 0};
    tare_prune how = {.kind = TARE_PRUNE_MAGNITUDE, .share = 0.625}, wrong = how;
    tare_device *d;
    tare_stream *s;
    tare_buffer *b;
    int64_t left;
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK);
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cr_assert_eq(tare_buffer_wrap(d, w, sizeof w, &b), TARE_OK);
    wrong.share = 1.5;
    cr_expect_eq(tare_prune_values(d, s, b, 2, 4, &wrong, &left), TARE_E_ARG);
    wrong = (tare_prune){.kind = TARE_PRUNE_NM, .nm_n = 4, .nm_m = 4};
    cr_expect_eq(tare_prune_values(d, s, b, 2, 4, &wrong, &left), TARE_E_ARG);
    wrong = (tare_prune){.kind = TARE_PRUNE_BLOCK, .share = 0.5, .block_r = 0, .block_c = 4};
    cr_expect_eq(tare_prune_values(d, s, b, 2, 4, &wrong, &left), TARE_E_ARG);
    cr_expect_eq(tare_prune_values(d, s, b, 3, 4, &how, &left), TARE_E_ARG); /* too small */
    cr_assert_eq(tare_prune_values(d, s, b, 2, 4, &how, &left), TARE_OK, "%s", tare_last_error());
    cr_expect_arr_eq(w, want, sizeof w);
    cr_expect_eq(left, 3);
    tare_buffer_destroy(b);
    tare_stream_destroy(s);
}
