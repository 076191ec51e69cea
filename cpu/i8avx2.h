/* Pieces of tiles for AVX2: 16 columns of a panel in two vectors of i32 sums. */
#ifndef TARE_CPU_I8AVX2_H
#define TARE_CPU_I8AVX2_H

#include "cpu/i8gemm.h"

#include <immintrin.h>
#include <string.h>

enum { I8_AVX2_COLS = 16, I8_AVX2_ROWS = 4 };

/* Four bytes of x in every lane: two codes of 16 bits or four of 8. */
static inline __m256i avx2_four(const void *x) {
    int32_t four;
    memcpy(&four, x, 4);
    return _mm256_set1_epi32(four);
}

/* c = or += scale * (sum + zero * minus) for one row's half of a group. */
static inline void avx2_group_end(const i8_tile *t, const uint8_t *side, int32_t minus, int half,
                                  __m256i sum, float *c, int first) {
    __m256i add = _mm256_set1_epi32(minus);
    if (t->zero_points) {
        const uint8_t *z = side + 2 * I8_AVX2_COLS + 8 * half;
        add = _mm256_mullo_epi32(add, _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)z)));
    }
    __m256 scale = _mm256_cvtph_ps(_mm_load_si128((const __m128i *)(side + 16 * half)));
    __m256 old = first ? _mm256_setzero_ps() : _mm256_loadu_ps(c + 8 * half);
    __m256 f = _mm256_cvtepi32_ps(_mm256_add_epi32(sum, add));
    _mm256_storeu_ps(c + 8 * half, _mm256_fmadd_ps(f, scale, old));
}

#endif
