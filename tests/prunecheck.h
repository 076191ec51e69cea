/* Matrices and ways to prune them that the tests of pruning share. */
#ifndef TARE_TESTS_PRUNECHECK_H
#define TARE_TESTS_PRUNECHECK_H

#include "tests/rowdata.h"

#include <math.h>

static const struct {
    int64_t n, k;
} prune_shapes[] = {{1, 1}, {3, 5}, {16, 64}, {33, 131}, {7, 1100}};

static const tare_prune prune_ways[] = {
    {.kind = TARE_PRUNE_MAGNITUDE, .share = 0},
    {.kind = TARE_PRUNE_MAGNITUDE, .share = 0.3},
    {.kind = TARE_PRUNE_MAGNITUDE, .share = 0.5},
    {.kind = TARE_PRUNE_MAGNITUDE, .share = 0.97},
    {.kind = TARE_PRUNE_MAGNITUDE, .share = 1},
    {.kind = TARE_PRUNE_NM, .nm_n = 2, .nm_m = 4},
    {.kind = TARE_PRUNE_NM, .nm_n = 1, .nm_m = 2},
    {.kind = TARE_PRUNE_NM, .nm_n = 5, .nm_m = 16},
    {.kind = TARE_PRUNE_NM, .nm_n = 3, .nm_m = 7},
    {.kind = TARE_PRUNE_BLOCK, .share = 0.5, .block_r = 1, .block_c = 1},
    {.kind = TARE_PRUNE_BLOCK, .share = 0.6, .block_r = 1, .block_c = 4},
    {.kind = TARE_PRUNE_BLOCK, .share = 0.4, .block_r = 3, .block_c = 5},
    {.kind = TARE_PRUNE_BLOCK, .share = 0.7, .block_r = 16, .block_c = 16},
    {.kind = TARE_PRUNE_BLOCK, .share = 0.5, .block_r = 32, .block_c = 128},
    {.kind = TARE_PRUNE_BLOCK, .share = 0, .block_r = 4, .block_c = 4},
    {.kind = TARE_PRUNE_BLOCK, .share = 1, .block_r = 4, .block_c = 4}};

enum {
    PRUNE_SHAPES = sizeof prune_shapes / sizeof *prune_shapes,
    PRUNE_WAYS = sizeof prune_ways / sizeof *prune_ways,
    PRUNE_DATA = 4
};

/* Numbers; many that are equal, and zeros of both signs; all equal but for the sign; all zero. */
static inline void prune_fill(float *w, int64_t count, int data, uint64_t *state) {
    for (int64_t i = 0; i < count; i++) {
        float u = random_unit(state);
        w[i] = data == 0 ? u : data == 1 ? rintf(u * 3) / 4 : data == 2 ? copysignf(1, u) : 0;
    }
}

#endif
