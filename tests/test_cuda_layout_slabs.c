/* Block-sparse weights as wgmma's tiles: what was packed comes back bit for bit, and a tile is the
 * image that the PTX ISA's 128-byte swizzle describes. */
#include "cuda/layout/slabs_pack.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"bs64x64/f16", "bs128x64/bf16", "bs64x192/f16",
                                      "bs128x128/bf16", NULL};
static const struct {
    int64_t n, k;
} shapes[] = {{1, 1}, {64, 64}, {65, 63}, {128, 200}, {200, 129}, {321, 640}};

static void round_trip(const char *name, int64_t n, int64_t k, pattern how) {
    tare_format f;
    tare_tensor t;
    uint64_t seed = 5;
    float *w = malloc((size_t)(n * k) * sizeof *w), *want = malloc((size_t)k * sizeof *want);
    float *got = malloc((size_t)k * sizeof *got);
    cr_assert_eq(tare_format_parse(name, &f), TARE_OK);
    fill_weights(w, n, k, &f, how, &seed);
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK, "%s", tare_last_error());
    size_t most = cu_slabs_shape_of(&f, n, k, t.nnz).most;
    char *blob = calloc(1, most);
    size_t used = most;
    cr_assert_eq(cu_slabs_pack(&t, blob, &used), TARE_OK);
    cr_assert_leq(used, most, "%s, %s: more than its fit says", name, pattern_name(how));
    for (int64_t row = 0; row < n; row++) {
        cr_assert_eq(tare_decode_row(&t, row, want), TARE_OK);
        cu_slabs_decode_row(&f, n, k, t.nnz, blob, row, got);
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

Test(cuda_layout_slabs, comes_back) {
    for (int f = 0; formats[f]; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int how = 0; how < PATTERNS; how++)
                round_trip(formats[f], shapes[s].n, shapes[s].k, (pattern)how);
}

/* Bits 4 to 6 of an address, XORed with bits 7 to 9. */
Test(cuda_layout_slabs, is_the_swizzle) {
    for (int row = 0; row < CU_SLAB; row++)
        for (int column = 0; column < CU_SLAB; column++) {
            int plain = row * 128 + column * 2, want = plain ^ (plain >> 7 & 7) << 4;
            cr_assert_eq(cu_slab_find(row, column) * 2, want, "(%d,%d)", row, column);
        }
}
