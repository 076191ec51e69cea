/* The packed tiles of the CUDA backend: what was packed comes back bit for bit, and the lanes of a
 * warp hold each element of W once. No device is needed. */
#include "cuda/layout/tile_pack.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"f32",    "f16",       "bf16",   "i8-tensor", "i8-tensor-z",
                                      "i8-row", "i8-row-z",  "i8-g64", "i8-g32-z",  "i4-g32",
                                      "i4-g64", "i4-g128-z", "f8-row", "f8-tensor", NULL};
static const struct {
    int64_t n, k;
} shapes[] = {{1, 1}, {16, 64}, {17, 65}, {15, 127}, {40, 200}, {33, 256}};

static void round_trip(const char *name, int64_t n, int64_t k) {
    tare_format f;
    tare_tensor t;
    float *w = malloc((size_t)(n * k) * sizeof *w), *want = malloc((size_t)k * sizeof *want);
    float *got = malloc((size_t)k * sizeof *got);
    uint64_t seed = 7;
    cr_assert_eq(tare_format_parse(name, &f), TARE_OK);
    fill_weights(w, n, k, &f, PATTERN_FULL, &seed);
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK, "%s", tare_last_error());
    void *blob = calloc(1, cu_tile_shape_of(&f, n, k).bytes);
    cu_tile_pack(&t, blob);
    for (int64_t row = 0; row < n; row++) {
        cr_assert_eq(tare_decode_row(&t, row, want), TARE_OK);
        cu_tile_decode_row(&f, n, k, blob, row, got);
        for (int64_t j = 0; j < k; j++)
            cr_assert(memcmp(&want[j], &got[j], 4) == 0 || (want[j] == 0 && got[j] == 0),
                      "%s %lldx%lld: [%lld,%lld] is %g, was %g", name, (long long)n, (long long)k,
                      (long long)row, (long long)j, (double)got[j], (double)want[j]);
    }
    free(blob);
    free(got);
    free(want);
    free(w);
    tare_tensor_clear(&t);
}

Test(cuda_layout_tile, comes_back) {
    for (int f = 0; formats[f]; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            round_trip(formats[f], shapes[s].n, shapes[s].k);
}

/* The kernel's way (quads of a lane) and the packer's (elements) must agree: each bit of the words
 * belongs to one element. */
Test(cuda_layout_tile, each_bit_once) {
    static const int bits[] = {4, 8, 16, 32};
    enum { ROWS = 32, COLUMNS = 192, CHUNKS = COLUMNS / CU_TILE_CHUNK };
    for (int b = 0; b < 4; b++) {
        size_t words = (size_t)ROWS * COLUMNS * (size_t)bits[b] / 32;
        uint32_t *seen = calloc(words, sizeof *seen);
        uint32_t mask = bits[b] == 32 ? 0xffffffffu : (1u << bits[b]) - 1;
        for (int64_t row = 0; row < ROWS; row++)
            for (int64_t k = 0; k < COLUMNS; k++) {
                cu_tile_at at = cu_tile_find(CHUNKS, bits[b], row, k);
                cr_assert(at.word >= 0 && (size_t)at.word < words);
                cr_assert_eq(seen[at.word] & mask << at.shift, 0, "%d bits: twice", bits[b]);
                seen[at.word] |= mask << at.shift;
                int lane = (int)(at.word / 4 % 32);
                cr_assert_eq(lane / 4, row % 8);
                cr_assert_eq(lane % 4, k % CU_TILE_STEP / 8);
                int64_t quad = at.word / 128 % (bits[b] / 4);
                cr_assert_eq(at.word / 4, cu_tile_quad(CHUNKS, bits[b] / 4, row / CU_TILE_ROWS,
                                                       k / CU_TILE_CHUNK, (int)quad, lane));
            }
        for (size_t i = 0; i < words; i++) cr_assert_eq(seen[i], 0xffffffffu);
        free(seen);
    }
}
