/* Quantising x with AVX-512: 64 codes a step, the last ones under a mask; code sums by vpdpbusd
 * against ones. */
#include "cpu/xquant.h"

#include <immintrin.h>
#include <string.h>

static inline __m512 load16(tare_type type, const void *x, size_t at, __mmask16 m) {
    if (type == TARE_F32) return _mm512_maskz_loadu_ps(m, (const float *)x + at);
    __m256i h = _mm256_maskz_loadu_epi16(m, (const uint16_t *)x + at);
    if (type == TARE_F16) return _mm512_cvtph_ps(h);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

static inline __mmask16 tail16(int64_t left) {
    return left >= 16 ? (__mmask16)0xffff : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
}

/* Bits of the magnitudes of 16 values. */
static inline __m512i size16(tare_type type, const void *x, size_t at, __mmask16 m) {
    return _mm512_and_si512(_mm512_castps_si512(load16(type, x, at, m)),
                            _mm512_set1_epi32(0x7fffffff));
}

static inline uint32_t row_max(tare_type type, const void *x, size_t base, int64_t k) {
    __m512i a[4];
    for (int i = 0; i < 4; i++) a[i] = _mm512_setzero_si512();
    int64_t j = 0;
    for (; j + 64 <= k; j += 64)
        for (int i = 0; i < 4; i++) {
            __m512i v = size16(type, x, base + (size_t)j + 16 * (size_t)i, 0xffff);
            a[i] = _mm512_max_epi32(v, a[i]);
        }
    for (; j < k; j += 16) {
        __m512i v = size16(type, x, base + (size_t)j, tail16(k - j));
        a[0] = _mm512_max_epi32(v, a[0]);
    }
    return (uint32_t)_mm512_reduce_max_epi32(
        _mm512_max_epi32(_mm512_max_epi32(a[0], a[1]), _mm512_max_epi32(a[2], a[3])));
}

static inline __m128i code16(tare_type type, const void *x, size_t at, __mmask16 m, __m512 inv) {
    /* What is not finite converts to INT_MIN and saturates: codes of such a row do not matter. */
    return _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(load16(type, x, at, m), inv)));
}

static inline void row_codes(const xquant *j, tare_type type, size_t base, float inverse,
                             int8_t *q) {
    __m512 inv = _mm512_set1_ps(inverse);
    int64_t k = 0;
    for (; k + 64 <= j->k; k += 64)
        for (int i = 0; i < 4; i++) {
            size_t at = (size_t)k + 16 * (size_t)i;
            _mm_storeu_si128((__m128i *)(q + at), code16(type, j->x, base + at, 0xffff, inv));
        }
    for (; k < j->ldq; k += 16) { /* past k the mask makes zeros */
        __m128i c = _mm_setzero_si128();
        if (k < j->k) c = code16(type, j->x, base + (size_t)k, tail16(j->k - k), inv);
        _mm_storeu_si128((__m128i *)(q + k), c);
    }
}

static void sums(const xquant *j, const int8_t *q, int32_t *minus) {
    __m256i ones = _mm256_set1_epi8(1);
    for (int64_t g = 0; g < j->segments; g++) {
        int64_t k = g * j->segment, end = k + j->segment;
        __m256i s = _mm256_setzero_si256(), t = s;
        if (end > j->ldq) end = j->ldq; /* zeros from k on */
        for (; k + 64 <= end; k += 64) {
            s = _mm256_dpbusd_epi32(s, ones, _mm256_loadu_si256((const __m256i *)(q + k)));
            t = _mm256_dpbusd_epi32(t, ones, _mm256_loadu_si256((const __m256i *)(q + k + 32)));
        }
        if (k < end) s = _mm256_dpbusd_epi32(s, ones, _mm256_loadu_si256((const __m256i *)(q + k)));
        s = _mm256_add_epi32(s, t);
        __m128i h = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
        h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1));
        minus[g] = -_mm_cvtsi128_si32(h) * j->factor;
    }
}

/* One copy of the loops a type of x. */
static inline __attribute__((always_inline)) void rows(const xquant *j, tare_type type,
                                                       int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
        size_t base = (size_t)row * (size_t)j->k;
        int8_t *q = (int8_t *)j->q + row * j->ldq;
        float inverse;
        xquant_scale(row_max(type, j->x, base, j->k), &j->scale[row], &inverse);
        row_codes(j, type, base, inverse, q);
        sums(j, q, j->minus + row * j->segments);
    }
}

void xquant_vnni(const xquant *j, int64_t from, int64_t to) {
    if (j->type == TARE_F32)
        rows(j, TARE_F32, from, to);
    else if (j->type == TARE_F16)
        rows(j, TARE_F16, from, to);
    else
        rows(j, TARE_BF16, from, to);
}
