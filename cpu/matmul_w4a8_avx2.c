/* W4A8 with AVX2: nibbles are small enough for vpmaddubsw, 2 * 15 * 127, and for eight of its sums
 * in 16 bits, so that 32 columns of k pass before anything is widened. */
#include "cpu/i8avx2.h"
#include "cpu/rows.h"

enum { FLUSH = 32 }; /* columns of k whose sums fit 16 bits: 16 * 2 * 15 * 127 / 2 < 2^15 */

/* acc = sums of up to FLUSH columns of k, 16 bits each, two a column of y. */
static inline __attribute__((always_inline)) void flush(__m256i acc[][2], const uint8_t *w,
                                                        int64_t ahead, const int8_t *x, int64_t ldx,
                                                        int64_t k, int R) {
    const __m256i low = _mm256_set1_epi8(15);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
    for (const int8_t *end = x + k; x < end; x += 8, w += 64) {
        _mm_prefetch((const char *)w + ahead, _MM_HINT_T0);
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
            __m256i both = _mm256_load_si256((const __m256i *)(w + 32 * h));
            __m256i u0 = _mm256_and_si256(both, low);
            __m256i u1 = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
#pragma GCC unroll 4
            for (int r = 0; r < R; r++) {
                __m256i a = _mm256_maddubs_epi16(u0, avx2_four(x + r * ldx));
                __m256i b = _mm256_maddubs_epi16(u1, avx2_four(x + r * ldx + 4));
                acc[r][h] = _mm256_add_epi16(acc[r][h], _mm256_add_epi16(a, b));
            }
        }
    }
}

static inline __attribute__((always_inline)) void body(const i8_tile *t, int row, int R) {
    const __m256i ones = _mm256_set1_epi16(1);
    const int8_t *x = (const int8_t *)t->x + row * t->ldx;
    const int32_t *minus = t->minus + row * t->ldm;
    const uint8_t *base = t->w, *side = t->side;
    int first = t->first;
    for (int64_t k0 = 0; k0 < t->k; k0 += t->group) {
        int64_t count = t->k - k0 < t->group ? t->k - k0 : t->group;
        __m256i acc[I8_AVX2_ROWS][2], sum[I8_AVX2_ROWS][2];
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) sum[r][0] = sum[r][1] = _mm256_setzero_si256();
        for (int64_t k = 0; k < count; k += FLUSH) {
            int64_t run = count - k < FLUSH ? count - k : FLUSH;
            flush(acc, base + k * I8_AVX2_COLS / 2, t->ahead, x + k0 + k, t->ldx, run, R);
#pragma GCC unroll 4
            for (int r = 0; r < R; r++)
#pragma GCC unroll 2
                for (int h = 0; h < 2; h++)
                    sum[r][h] = _mm256_add_epi32(sum[r][h], _mm256_madd_epi16(acc[r][h], ones));
        }
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) {
            float *c = (float *)t->c + (row + r) * I8_COLS;
            avx2_group_end(t, side, minus[r * t->ldm], 0, sum[r][0], c, first);
            avx2_group_end(t, side, minus[r * t->ldm], 1, sum[r][1], c, first);
        }
        base += t->w_step, side += t->side_step, minus++, first = 0;
    }
}

static void tile(const i8_tile *t) {
    if (t->rows > 2) {
        body(t, 0, 4);
        if (t->rows > 4) body(t, 4, 4);
    } else if (t->rows > 1) {
        body(t, 0, 2);
    } else {
        body(t, 0, 1);
    }
}

static const i8_row row = {
    .name = "matmul_w4a8_avx2",
    .cols = I8_AVX2_COLS,
    .align = I8_AVX2_COLS,
    .kstep = 4,
    .bits = 4,
    .direct_rows = I8_ROWS,
    .quantise = xquant_avx2,
    .direct = tile,
    .tile = tile,
    .finish = i8_finish_avx2,
    .mem_eff = 0.8,
    .op_eff = 0.8,
    .plain = 1,
};

#define ROW_LAYOUTS TAKES(TARE_DENSE)
#define ROW_CODINGS TAKES_I4
#include "cpu/i8row.h"

const tare_kernel matmul_w4a8_avx2 = {
    .name = "matmul_w4a8_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
