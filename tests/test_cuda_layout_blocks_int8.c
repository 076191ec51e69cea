/* The packed int8 blocks of the CUDA backend: what was packed comes back bit for bit whatever the
 * blocks, and a pair of squares holds each of its values once. */
#include "cuda/layout/blocks_int8_pack.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {
    "bs16x16/i8-row",  "bs32x32/i8-tensor", "bs1x16/i8-row",  "bs1x4/i8-row",
    "bs4x4/i8-tensor", "bs3x5/i8-row",      "bs64x64/i8-row", NULL};
static const struct {
    int64_t n, k;
} shapes[] = {{1, 1}, {16, 64}, {17, 65}, {15, 127}, {40, 200}, {33, 256}};

static void round_trip(const char *name, int64_t n, int64_t k, pattern how) {
    tare_format f;
    tare_tensor t;
    uint64_t seed = 5;
    float *w = malloc((size_t)(n * k) * sizeof *w), *want = malloc((size_t)k * sizeof *want);
    float *got = malloc((size_t)k * sizeof *got);
    cr_assert_eq(tare_format_parse(name, &f), TARE_OK);
    fill_weights(w, n, k, &f, how, &seed);
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK, "%s", tare_last_error());
    size_t most = cu_pairs_shape_of(&f, n, k, t.nnz).most, used = most;
    char *blob = calloc(1, most);
    cr_assert_eq(cu_pairs_pack(&t, blob, &used), TARE_OK);
    cr_assert_leq(used, most, "%s, %s: more than its fit says", name, pattern_name(how));
    for (int64_t row = 0; row < n; row++) {
        cr_assert_eq(tare_decode_row(&t, row, want), TARE_OK);
        cu_pairs_decode_row(&f, n, k, t.nnz, blob, row, got);
        for (int64_t j = 0; j < k; j++)
            cr_assert(want[j] == got[j], "%s, %s, %lldx%lld: [%lld,%lld] is %g, was %g", name,
                      pattern_name(how), (long long)n, (long long)k, (long long)row, (long long)j,
                      (double)got[j], (double)want[j]);
    }
    free(blob);
    free(got);
    free(want);
    free(w);
    tare_tensor_clear(&t);
}

Test(cuda_layout_blocks_int8, comes_back) {
    for (int f = 0; formats[f]; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int how = 0; how < PATTERNS; how++)
                round_trip(formats[f], shapes[s].n, shapes[s].k, (pattern)how);
}

Test(cuda_layout_blocks_int8, each_value_once) {
    char seen[512] = {0};
    for (int square = 0; square < 2; square++)
        for (int row = 0; row < CU_SQUARE; row++)
            for (int column = 0; column < CU_SQUARE; column++) {
                int at = cu_pair_find(square, row, column);
                cr_assert(at >= 0 && at < 512);
                cr_assert_eq(seen[at]++, 0, "%d: (%d,%d)", square, row, column);
                cr_assert_eq(at / 16, row % 8 * 4 + column / 4, "another lane's");
            }
}
