/* The packed bitmap of the CUDA backend: what was packed comes back bit for bit at any density, and
 * positions and bits are each other's inverse. */
#include "cuda/layout/bitmap_pack.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"bitmap/f32",    "bitmap/f16", "bitmap/bf16",
                                      "bitmap/i8-row", "2:4/f32",    "2:4/f16",
                                      "1:4/bf16",      "4:8/i8-row", NULL};
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
    size_t most = cu_bitmap_shape_of(&f, n, k, t.nnz).most;
    char *blob = calloc(1, most);
    cr_assert_leq(cu_bitmap_pack(&t, blob), most, "%s, %s: more than its fit says", name,
                  pattern_name(how));
    for (int64_t row = 0; row < n; row++) {
        cr_assert_eq(tare_decode_row(&t, row, want), TARE_OK);
        cu_bitmap_decode_row(&f, n, k, t.nnz, blob, row, got);
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

Test(cuda_layout_bitmap, comes_back) {
    for (int f = 0; formats[f]; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int how = 0; how < PATTERNS; how++)
                round_trip(formats[f], shapes[s].n, shapes[s].k, (pattern)how);
}

Test(cuda_layout_bitmap, positions_and_bits) {
    enum { CHUNKS = 3 };
    for (int64_t row = 0; row < 32; row++)
        for (int64_t k = 0; k < CHUNKS * CU_TILE_CHUNK; k++) {
            cu_bitmap_at at = cu_bitmap_find(CHUNKS, row, k);
            int lane = (int)(at.mask % 32);
            cr_assert_eq(at.mask / 32, row / CU_TILE_ROWS * CHUNKS + k / CU_TILE_CHUNK);
            cr_assert_eq(cu_bitmap_row(lane, at.bit), row % CU_TILE_ROWS);
            cr_assert_eq(cu_bitmap_column(lane, at.bit), k % CU_TILE_CHUNK);
        }
}
