/* Pieces of tiles over vpdpbusd, for files compiled with AVX512-VNNI. R rows and V vectors of 16
 * columns are constants wherever these are inlined; the accumulators then live in registers. */
#ifndef TARE_CPU_I8VNNI_H
#define TARE_CPU_I8VNNI_H

#include "cpu/i8gemm.h"

#include <immintrin.h>
#include <string.h>

static inline __m512i vnni_four(const int8_t *x) {
    int32_t four;
    memcpy(&four, x, 4);
    return _mm512_set1_epi32(four);
}

/* acc += codes of four columns of k, given as V vectors, times x. */
static inline __attribute__((always_inline)) void
vnni_multiply(__m512i acc[][3], const __m512i w[3], const int8_t *x, int64_t ldx, int R, int V) {
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
        __m512i four = vnni_four(x + r * ldx);
#pragma GCC unroll 3
        for (int v = 0; v < V; v++) acc[r][v] = _mm512_dpbusd_epi32(acc[r][v], w[v], four);
    }
}

static inline __attribute__((always_inline)) void vnni_step(__m512i acc[][3], const uint8_t *w,
                                                            int64_t ahead, const int8_t *x,
                                                            int64_t ldx, int R, int V) {
    __m512i u[3];
#pragma GCC unroll 3
    for (int v = 0; v < V; v++) {
        u[v] = _mm512_load_si512(w + 64 * v);
        _mm_prefetch((const char *)w + ahead + 64 * v, _MM_HINT_T0);
    }
    vnni_multiply(acc, u, x, ldx, R, V);
    /* Loads stay on their side of this: gcc 12 otherwise mixes steps, runs out of registers and
     * keeps accumulators on the stack. */
    __asm__ volatile("" ::: "memory");
}

/* Sums of a group start at zero * minus. Constant zeros are in `minus` already; others are 0..255
 * and |minus| < 2^15, so that one 16-bit product does. */
static inline __attribute__((always_inline)) void
vnni_group_start(__m512i acc[][3], const uint8_t *side, const int32_t *minus, int64_t ldm,
                 int zero_points, int R, int V) {
    if (!zero_points) {
#pragma GCC unroll 8
        for (int r = 0; r < R; r++)
#pragma GCC unroll 3
            for (int v = 0; v < V; v++) acc[r][v] = _mm512_set1_epi32(minus[r * ldm]);
        return;
    }
    const uint8_t *z = side + 32 * V;
    __m512i zero[3];
#pragma GCC unroll 3
    for (int v = 0; v < V; v++)
        zero[v] = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(z + 16 * v)));
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int v = 0; v < V; v++)
            acc[r][v] = _mm512_dpwssd_epi32(_mm512_setzero_si512(), zero[v],
                                            _mm512_set1_epi32(minus[r * ldm]));
}

/* Accumulators are in registers here, whatever the paths that lead here did with them. */
static inline __attribute__((always_inline)) void vnni_pin(__m512i acc[][3], int R, int V) {
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int v = 0; v < V; v++) __asm__("" : "+v"(acc[r][v]));
}

/* c = or += scale * sum. */
static inline __attribute__((always_inline)) void
vnni_group_end(__m512i acc[][3], const uint8_t *side, float *c, int first, int R, int V) {
    __m512 scale[3];
#pragma GCC unroll 3
    for (int v = 0; v < V; v++)
        scale[v] = _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)(side + 32 * v)));
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int v = 0; v < V; v++) {
            float *at = c + r * I8_COLS + 16 * v;
            __m512 old = first ? _mm512_setzero_ps() : _mm512_load_ps(at);
            _mm512_store_ps(at, _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[r][v]), scale[v], old));
        }
}

#endif
