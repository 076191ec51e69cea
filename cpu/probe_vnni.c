/* The int8 ceiling with VNNI: vpdpbusd in independent chains. Sums wrap, harmlessly. */
#include "cpu/probe.h"

#include <immintrin.h>

enum { CHAINS = 16 };

static double i8(int64_t rounds) {
    __m512i s[CHAINS], a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-5);
    for (int i = 0; i < CHAINS; i++) s[i] = _mm512_set1_epi32(i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) s[i] = _mm512_dpbusd_epi32(s[i], a, b);
    for (int i = 1; i < CHAINS; i++) s[0] = _mm512_xor_si512(s[0], s[i]);
    return _mm512_reduce_and_epi32(s[0]);
}

const probe_math probe_i8_vnni = {i8, CHAINS * 64 * 2};
