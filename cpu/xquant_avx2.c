/* Quantising x with AVX2: 16 codes a step, the rest of a row through a padded buffer. */
#include "cpu/xquant.h"

#include <immintrin.h>
#include <string.h>

enum { STEP = 16 };

static inline __m256 load8(tare_type type, const void *x, size_t at) {
    if (type == TARE_F32) return _mm256_loadu_ps((const float *)x + at);
    __m128i h = _mm_loadu_si128((const __m128i *)((const uint16_t *)x + at));
    if (type == TARE_F16) return _mm256_cvtph_ps(h);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

/* The last k % STEP elements of a row, zeros behind them; returns their number. */
static inline int64_t last(const xquant *j, size_t base, char buf[STEP * 4]) {
    size_t size = j->type == TARE_F32 ? 4 : 2;
    int64_t left = j->k % STEP;
    memset(buf, 0, STEP * 4);
    memcpy(buf, (const char *)j->x + (base + (size_t)(j->k - left)) * size, (size_t)left * size);
    return left;
}

/* Bits of the magnitudes of 8 values. */
static inline __m256i size8(tare_type type, const void *x, size_t at) {
    return _mm256_and_si256(_mm256_castps_si256(load8(type, x, at)), _mm256_set1_epi32(0x7fffffff));
}

static inline uint32_t row_max(const xquant *j, tare_type type, size_t base, const char *tail) {
    __m256i a = _mm256_setzero_si256(), b = a;
    for (int64_t k = 0; k + STEP <= j->k; k += STEP) {
        size_t at = base + (size_t)k;
        a = _mm256_max_epi32(size8(type, j->x, at), a);
        b = _mm256_max_epi32(size8(type, j->x, at + 8), b);
    }
    a = _mm256_max_epi32(size8(type, tail, 0), a);
    b = _mm256_max_epi32(size8(type, tail, 8), b);
    a = _mm256_max_epi32(a, b);
    __m128i h = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    h = _mm_max_epi32(h, _mm_shuffle_epi32(h, 0x4e));
    h = _mm_max_epi32(h, _mm_shuffle_epi32(h, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(h);
}

/* 16 codes as 16-bit integers. What is not finite converts to INT_MIN and saturates twice: codes
 * of such a row do not matter, but stay bounded to what later sums hold. */
static inline __m256i codes16(tare_type type, const void *x, size_t at, __m256 inv) {
    __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(load8(type, x, at), inv));
    __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(load8(type, x, at + 8), inv));
    __m256i c = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
    return _mm256_max_epi16(c, _mm256_set1_epi16(-127));
}

static inline void put16(const xquant *j, int64_t row, int64_t k, __m256i c) {
    if (j->wide) {
        _mm256_storeu_si256((__m256i *)((int16_t *)j->q + row * j->ldq + k), c);
    } else {
        __m128i b = _mm_packs_epi16(_mm256_castsi256_si128(c), _mm256_extracti128_si256(c, 1));
        _mm_storeu_si128((__m128i *)((int8_t *)j->q + row * j->ldq + k), b);
    }
}

static inline __attribute__((always_inline)) void one(const xquant *j, tare_type type,
                                                      int64_t row) {
    char tail[STEP * 4];
    size_t base = (size_t)row * (size_t)j->k;
    int64_t left = last(j, base, tail), whole = j->k - left;
    const __m256i ones = _mm256_set1_epi16(1);
    float inverse;
    xquant_scale(row_max(j, type, base, tail), &j->scale[row], &inverse);
    const __m256 inv = _mm256_set1_ps(inverse);
    int64_t k = 0;
    for (int64_t g = 0; g < j->segments; g++) {
        int64_t end = (g + 1) * j->segment < j->ldq ? (g + 1) * j->segment : j->ldq;
        __m256i sum = _mm256_setzero_si256();
        for (; k < end; k += STEP) { /* ends are multiples of 32 */
            __m256i c = _mm256_setzero_si256();
            if (k < whole)
                c = codes16(type, j->x, base + (size_t)k, inv);
            else if (k < j->k)
                c = codes16(type, tail, 0, inv);
            put16(j, row, k, c);
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(c, ones));
        }
        __m128i h = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
        h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1));
        j->minus[row * j->segments + g] = -_mm_cvtsi128_si32(h) * j->factor;
    }
    for (; k < j->ldq; k += STEP) put16(j, row, k, _mm256_setzero_si256());
}

void xquant_avx2(const xquant *j, int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
        if (j->type == TARE_F32)
            one(j, TARE_F32, row);
        else if (j->type == TARE_F16)
            one(j, TARE_F16, row);
        else
            one(j, TARE_BF16, row);
    }
}
