/* Pruning on CUDA devices, on the emulator: to the bit what the CPU's tare_prune_values gives, ties
 * and edges included, and refused in the same words. */
#include "tests/prunecheck.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tare_status prune_on(const char *id, float *w, int64_t n, int64_t k, const tare_prune *how,
                            int64_t *nnz) {
    tare_device *d = NULL;
    tare_stream *s = NULL;
    tare_buffer *b = NULL;
    size_t bytes = (size_t)(n * k) * sizeof *w;
    cr_assert_eq(tare_device_find(id, &d), TARE_OK, "%s", tare_last_error());
    cr_assert_eq(tare_stream_create(d, &s), TARE_OK);
    cr_assert_eq(tare_buffer_create(d, bytes, &b), TARE_OK);
    cr_assert_eq(tare_buffer_write(s, b, 0, w, bytes), TARE_OK);
    tare_status st = tare_prune_values(d, s, b, n, k, how, nnz);
    char words[300];
    snprintf(words, sizeof words, "%s", tare_last_error());
    cr_assert_eq(tare_buffer_read(s, b, 0, w, bytes), TARE_OK);
    cr_assert_eq(tare_stream_sync(s), TARE_OK);
    tare_buffer_destroy(b);
    tare_stream_destroy(s);
    return st == TARE_OK ? st : tare_fail(st, "%s", words);
}

static void same(int64_t n, int64_t k, const tare_prune *how, int data) {
    size_t bytes = (size_t)(n * k) * sizeof(float);
    uint32_t *here = malloc(bytes), *there = malloc(bytes);
    int64_t left[2] = {-1, -1};
    uint64_t seed = 5;
    prune_fill((float *)(void *)here, n * k, data, &seed);
    memcpy(there, here, bytes);
    cr_assert_eq(prune_on("cpu", (float *)(void *)here, n, k, how, &left[0]), TARE_OK);
    cr_assert_eq(prune_on("cuda:0", (float *)(void *)there, n, k, how, &left[1]), TARE_OK, "%s",
                 tare_last_error());
    for (int64_t i = 0; i < n * k; i++)
        cr_assert_eq(here[i], there[i],
                     "kind %d, share %g, data %d, %lld x %lld: [%lld,%lld] is %08x, must be %08x",
                     (int)how->kind, how->share, data, (long long)n, (long long)k,
                     (long long)(i / k), (long long)(i % k), there[i], here[i]);
    cr_assert_eq(left[0], left[1], "kind %d: %lld left, must be %lld", (int)how->kind,
                 (long long)left[1], (long long)left[0]);
    free(here);
    free(there);
}

Test(cuda_prune, same_as_the_host, .timeout = 200) {
    for (int s = 0; s < PRUNE_SHAPES; s++)
        for (int h = 0; h < PRUNE_WAYS; h++)
            for (int data = 0; data < PRUNE_DATA; data++)
                same(prune_shapes[s].n, prune_shapes[s].k, &prune_ways[h], data);
}

/* More than one block of the kernels that count and add up. */
Test(cuda_prune, larger, .timeout = 100) {
    same(70, 700, &prune_ways[2], 0);
    same(70, 700, &prune_ways[2], 1);
    same(70, 700, &prune_ways[10], 1);
}

/* Neither is touched, and both say where. */
Test(cuda_prune, not_finite, .timeout = 60) {
    enum { N = 9, K = 1031 };
    static float w[N * K], before[N * K];
    for (int h = 1; h < PRUNE_WAYS; h++)
        for (int nan = 0; nan < 2; nan++) {
            int64_t left = 7;
            uint64_t seed = 5;
            char words[300];
            prune_fill(w, N * K, 0, &seed);
            w[6 * K + 1027] = nan ? NAN : -INFINITY;
            w[8 * K + 3] = NAN;
            memcpy(before, w, sizeof w);
            cr_expect_eq(prune_on("cpu", w, N, K, &prune_ways[h], &left), TARE_E_VALUE);
            cr_expect_arr_eq(before, w, sizeof w);
            snprintf(words, sizeof words, "%s", tare_last_error());
            cr_expect_eq(prune_on("cuda:0", w, N, K, &prune_ways[h], &left), TARE_E_VALUE);
            cr_expect_str_eq(tare_last_error(), words);
            cr_expect_arr_eq(before, w, sizeof w, "way %d wrote", h);
            cr_expect_eq(left, 0);
        }
}
