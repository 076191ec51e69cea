#include "tests/rowdata.h"

const char *pattern_name(pattern p) {
    static const char *const names[] = {"sparse", "empty-rows", "all-zero", "all-kept", "extreme"};
    return names[p];
}

uint64_t next_random(uint64_t *state) { /* splitmix64, Steele et al. 2014 */
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

float random_unit(uint64_t *state) {
    return (float)((int32_t)(next_random(state) >> 32) | 256) * 0x1p-31f;
}

static int keeps(pattern p, int64_t row, uint64_t coin) {
    switch (p) {
    case PATTERN_SPARSE:
        return (coin & 1) != 0;
    case PATTERN_EMPTY_ROWS:
        return (row & 1) != 0 && (coin & 3) != 0;
    case PATTERN_ZERO:
        return 0;
    case PATTERN_FULL:
    case PATTERN_EXTREME:
    case PATTERNS:
        return 1;
    }
    return 1;
}

void fill_weights(float *w, int64_t n, int64_t k, const tare_format *f, pattern p,
                  uint64_t *state) {
    int64_t r = f->layout == TARE_BLOCK ? f->block_r : 1,
            c = f->layout == TARE_BLOCK ? f->block_c : 1;
    uint64_t salt = next_random(state);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++) {
            uint64_t cell = salt ^ ((uint64_t)(i / r) * 0x9e3779b97f4a7c15u + (uint64_t)(j / c));
            float v = random_unit(state);
            if (p == PATTERN_EXTREME) v = v < 0 ? -1 : 1;
            w[i * k + j] = keeps(p, i / r, next_random(&cell)) ? v : 0;
        }
}

void fill_x(void *x, tare_type t, int64_t m, int64_t k, uint64_t *state) {
    for (int64_t i = 0; i < m; i++) {
        float scale = m > 2 && i == 1 ? 0 : m > 2 && i == 2 ? 100 : 1;
        for (int64_t j = 0; j < k; j++)
            tare_store(t, x, (size_t)(i * k + j), scale * random_unit(state));
    }
}
