/* Probe loops with AVX-512. */
#include "cpu/probe.h"

#include <immintrin.h>

enum { CHAINS = 16, SUMS = 8 };

uint64_t probe_read_avx512(const void *p, size_t bytes) {
    const __m512i *v = p;
    __m512i s[4];
    for (int j = 0; j < 4; j++) s[j] = _mm512_setzero_si512();
    for (size_t i = 0; i < bytes / sizeof *v; i += 8)
        for (int j = 0; j < 8; j++) s[j % 4] = _mm512_xor_si512(s[j % 4], v[i + (size_t)j]);
    s[0] = _mm512_xor_si512(_mm512_xor_si512(s[0], s[1]), _mm512_xor_si512(s[2], s[3]));
    return (uint64_t)_mm512_reduce_and_epi64(s[0]);
}

static double f32(int64_t rounds) {
    __m512 s[CHAINS], a = _mm512_set1_ps(0.9999f), b = _mm512_set1_ps(1e-4f);
    for (int i = 0; i < CHAINS; i++) s[i] = _mm512_set1_ps((float)i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) s[i] = _mm512_fmadd_ps(s[i], a, b);
    for (int i = 1; i < CHAINS; i++) s[0] = _mm512_add_ps(s[0], s[i]);
    return _mm512_reduce_add_ps(s[0]);
}

/* The barrier keeps the compiler from taking the product, the same each round, out of the loop. */
static double i8(int64_t rounds) {
    __m512i s[SUMS], a = _mm512_set1_epi16(3), b = _mm512_set1_epi16(5);
    for (int i = 0; i < SUMS; i++) s[i] = _mm512_set1_epi32(i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < SUMS; i++) {
            __asm__ volatile("" : "+v"(b));
            s[i] = _mm512_add_epi32(s[i], _mm512_madd_epi16(a, b));
        }
    for (int i = 1; i < SUMS; i++) s[0] = _mm512_add_epi32(s[0], s[i]);
    return _mm512_reduce_and_epi32(s[0]);
}

const probe_math probe_f32_avx512 = {f32, CHAINS * 16 * 2};
const probe_math probe_i8_avx512 = {i8, SUMS * 32 * 2};
