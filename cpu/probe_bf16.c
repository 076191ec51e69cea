/* The bf16 ceiling: vdpbf16ps in independent chains. */
#include "cpu/probe.h"

#include <immintrin.h>

enum { CHAINS = 16 };

static double bf16(int64_t rounds) {
    __m512 s[CHAINS];
    /* Pairs of +c and -c add nothing, so that sums neither overflow nor die away. */
    __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f803f80),
             b = (__m512bh)_mm512_set1_epi32(0x3f80bf80);
    for (int i = 0; i < CHAINS; i++) s[i] = _mm512_set1_ps((float)i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) s[i] = _mm512_dpbf16_ps(s[i], a, b);
    for (int i = 1; i < CHAINS; i++) s[0] = _mm512_add_ps(s[0], s[i]);
    return _mm512_reduce_add_ps(s[0]);
}

const probe_math probe_bf16_bf16 = {bf16, CHAINS * 32 * 2};
