/* Vectors of 16 floats, AVX-512. The three vec_*.h offer the same few operations, so that
 * panel_gemm.h and the decoders are written once. Tile: MR rows of x times NV vectors of columns; 8
 * x 3 leaves 5 of the 32 registers for weights and x. */
#ifndef TARE_CPU_VEC_H
#define TARE_CPU_VEC_H

#include <immintrin.h>
#include <stdint.h>

#define TILE_ROWS 8
enum { VL = 16, NV = 3, MR = TILE_ROWS, NR = NV * VL };
enum { VEC_OPS = 64 }; /* a cycle and core, as cpu_f32_ops() counts */
#define INLINE static inline __attribute__((always_inline))
typedef __m512 vf;
typedef __m512i vi; /* VL lanes of 32 bits */

static inline vf vf_zero(void) {
    return _mm512_setzero_ps();
}
static inline vf vf_set(float v) {
    return _mm512_set1_ps(v);
}
static inline vf vf_load(const float *p) {
    return _mm512_loadu_ps(p);
}
static inline void vf_store(float *p, vf v) {
    _mm512_storeu_ps(p, v);
}
static inline vf vf_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}
static inline vf vf_sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}
static inline vf vf_mul(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}
/* b where one of them is NaN. */
static inline vf vf_max(vf a, vf b) {
    return _mm512_max_ps(a, b);
}
static inline vf vf_fma(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}

/* VL floats of x at 16-bit indices. */
static inline vf vf_gather(const float *x, const uint16_t *index) {
    __m512i i = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)index));
    return _mm512_i32gather_ps(i, x, 4);
}

/* VL values of a narrower type as floats. */
static inline vf vf_from_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
static inline vf vf_from_bf16(const uint16_t *p) {
    __m256i h = _mm256_loadu_si256((const __m256i *)p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}
static inline vf vf_from_i8(const int8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline vf vf_from_u8(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
/* VL f8 codes as 1/256 of their values: halves whose exponents are biased as theirs are not. A sign
 * that is spread upwards comes to both upper bits of a half. */
static inline vf vf_from_f8(const uint8_t *p) {
    __m256i h = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
    h = _mm256_and_si256(_mm256_slli_epi16(h, 7), _mm256_set1_epi16((short)0xbf80));
    return _mm512_cvtph_ps(h);
}

static inline vi vi_load(const uint32_t *p) {
    return _mm512_loadu_si512(p);
}
/* Nibble i (0..7) of every lane, minus `zero`. A permute reads just the low four bits of its index:
 * a shift and a look-up instead of shift, mask and conversion. */
static inline vf vf_nibble(vi v, int i, vf zero) {
    const vf table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return vf_sub(_mm512_permutexvar_ps(_mm512_srli_epi32(v, (unsigned)(4 * i)), table), zero);
}
/* The same with zero = 8. */
static inline vf vf_nibble8(vi v, int i) {
    const vf table = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    return _mm512_permutexvar_ps(_mm512_srli_epi32(v, (unsigned)(4 * i)), table);
}

/* The first popcount(mask) lanes of v moved to the lanes whose bit is set, others 0. */
static inline vf vf_expand(vf v, unsigned mask) {
    return _mm512_maskz_expand_ps((__mmask16)mask, v);
}

/* The first n lanes (n <= VL) to memory, in three types. */
static inline __mmask16 first(int64_t n) {
    return (__mmask16)((1u << n) - 1u);
}
static inline void vf_put_f32(float *p, vf v, int64_t n) {
    _mm512_mask_storeu_ps(p, first(n), v);
}
static inline void vf_put_f16(uint16_t *p, vf v, int64_t n) {
    _mm256_mask_storeu_epi16(p, first(n), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
/* To nearest even in integers; NaN keeps a mantissa bit. */
static inline void vf_put_bf16(uint16_t *p, vf v, int64_t n) {
    __m512i u = _mm512_castps_si512(v);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i r = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    r = _mm512_mask_or_epi32(r, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), u,
                             _mm512_set1_epi32(0x400000));
    _mm256_mask_storeu_epi16(p, first(n), _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16)));
}

#endif
