/* The packed 2:4 of the CUDA backend: what was packed comes back bit for bit, every byte of values
 * and every bit of metadata is somebody's and nobody's twice, and all metadata ascend. */
#include "cuda/layout/nm24_pack.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"2:4/i8-row", "2:4/i8-tensor", "2:4/f16", "2:4/bf16", NULL};
static const struct {
    int64_t n, k;
} shapes[] = {{1, 1}, {3, 2}, {16, 64}, {17, 65}, {15, 127}, {40, 203}, {33, 256}, {9, 530}};

/* Equal places are undefined behaviour on a device, whatever the values. */
static void all_ascend(const char *blob, const cu_nm24_shape *s, const char *name) {
    for (int64_t tile = 0; tile < s->tiles; tile++)
        for (int64_t unit = 0; unit < s->units; unit++)
            for (int i = 0; i < 32 * 4; i++) {
                uint32_t word;
                memcpy(&word,
                       blob + cu_nm24_piece(s->units, s->quads, tile, unit, 0, 0) * 16 + i * 4, 4);
                for (int four = 0; four < 8; four++)
                    cr_assert_lt(word >> 4 * four & 3, word >> (4 * four + 2) & 3,
                                 "%s: metadata %08x of word %d", name, word, i);
            }
}

static void round_trip(const char *name, int64_t n, int64_t k, pattern how) {
    tare_format f;
    tare_tensor t;
    uint64_t seed = 5;
    float *w = malloc((size_t)(n * k) * sizeof *w), *want = malloc((size_t)k * sizeof *want);
    float *got = malloc((size_t)k * sizeof *got);
    cr_assert_eq(tare_format_parse(name, &f), TARE_OK);
    fill_weights(w, n, k, &f, how, &seed);
    cr_assert_eq(tare_encode(&f, n, k, w, &t), TARE_OK, "%s", tare_last_error());
    cu_nm24_shape s = cu_nm24_shape_of(&f, n, k);
    char *blob = calloc(1, s.bytes);
    cu_nm24_pack(&t, blob);
    all_ascend(blob, &s, name);
    for (int64_t row = 0; row < n; row++) {
        cr_assert_eq(tare_decode_row(&t, row, want), TARE_OK);
        cu_nm24_decode_row(&f, n, k, blob, row, got);
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

Test(cuda_layout_nm24, comes_back) {
    for (int f = 0; formats[f]; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int how = 0; how < PATTERNS; how++)
                round_trip(formats[f], shapes[s].n, shapes[s].k, (pattern)how);
}

/* Two tiles by two units: the whole of the blob, once. */
static void covers(int quads) {
    enum { UNITS = 2, ROWS = 32, MOST = 2 * UNITS * 9 * 512 };
    static uint8_t used[MOST], bits[MOST * 8];
    int64_t bytes = cu_nm24_piece(UNITS, quads, ROWS / CU_TILE_ROWS, 0, 0, 0) * 16;
    memset(used, 0, sizeof used);
    memset(bits, 0, sizeof bits);
    for (int64_t row = 0; row < ROWS; row++)
        for (int64_t column = 0; column < UNITS * CU_NM24_UNIT; column += 4) {
            cu_nm24_at at = cu_nm24_find(UNITS, quads, row, column);
            for (int i = 0; i < 2 * quads; i++) used[at.values + i]++;
            for (int i = 0; i < 4; i++) bits[at.places * 8 + at.shift + i]++;
        }
    for (int64_t i = 0; i < bytes; i++) {
        int is_metadata = i / 512 % (1 + 4 * quads) == 0;
        cr_assert_eq(used[i], !is_metadata, "quads %d, byte %d", quads, (int)i);
        for (int b = 0; b < 8; b++)
            cr_assert_eq(bits[i * 8 + b], is_metadata, "quads %d, byte %d", quads, (int)i);
    }
}

Test(cuda_layout_nm24, each_bit_once) {
    covers(1);
    covers(2);
}
