/* Probe loops with AVX2 and FMA. */
#include "cpu/probe.h"

#include <immintrin.h>

enum { CHAINS = 12, SUMS = 8 };

uint64_t probe_read_avx2(const void *p, size_t bytes) {
    const __m256i *v = p;
    __m256i s[4];
    for (int j = 0; j < 4; j++) s[j] = _mm256_setzero_si256();
    for (size_t i = 0; i < bytes / sizeof *v; i += 8)
        for (int j = 0; j < 8; j++) s[j % 4] = _mm256_xor_si256(s[j % 4], v[i + (size_t)j]);
    s[0] = _mm256_xor_si256(_mm256_xor_si256(s[0], s[1]), _mm256_xor_si256(s[2], s[3]));
    return (uint64_t)(_mm256_extract_epi64(s[0], 0) ^ _mm256_extract_epi64(s[0], 3));
}

static double f32(int64_t rounds) {
    __m256 s[CHAINS], a = _mm256_set1_ps(0.9999f), b = _mm256_set1_ps(1e-4f);
    for (int i = 0; i < CHAINS; i++) s[i] = _mm256_set1_ps((float)i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) s[i] = _mm256_fmadd_ps(s[i], a, b);
    for (int i = 1; i < CHAINS; i++) s[0] = _mm256_add_ps(s[0], s[i]);
    return _mm256_cvtss_f32(s[0]);
}

/* The barrier keeps the compiler from taking the product, the same each round, out of the loop. */
static double i8(int64_t rounds) {
    __m256i s[SUMS], a = _mm256_set1_epi16(3), b = _mm256_set1_epi16(5);
    for (int i = 0; i < SUMS; i++) s[i] = _mm256_set1_epi32(i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < SUMS; i++) {
            __asm__ volatile("" : "+x"(b));
            s[i] = _mm256_add_epi32(s[i], _mm256_madd_epi16(a, b));
        }
    for (int i = 1; i < SUMS; i++) s[0] = _mm256_add_epi32(s[0], s[i]);
    return _mm256_extract_epi32(s[0], 0);
}

const probe_math probe_f32_avx2 = {f32, CHAINS * 8 * 2};
const probe_math probe_i8_avx2 = {i8, SUMS * 16 * 2};
