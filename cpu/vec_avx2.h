/* Vectors of 8 floats, AVX2 with FMA and F16C; the operations of vec_avx512.h. Tile 6 x 2: 12 of
 * the 16 registers hold sums. */
#ifndef TARE_CPU_VEC_H
#define TARE_CPU_VEC_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define TILE_ROWS 6
enum { VL = 8, NV = 2, MR = TILE_ROWS, NR = NV * VL };
enum { VEC_OPS = 32 }; /* a cycle and core, as cpu_f32_ops() counts */
#define INLINE static inline __attribute__((always_inline))
typedef __m256 vf;
typedef __m256i vi;

static inline vf vf_zero(void) {
    return _mm256_setzero_ps();
}
static inline vf vf_set(float v) {
    return _mm256_set1_ps(v);
}
static inline vf vf_load(const float *p) {
    return _mm256_loadu_ps(p);
}
static inline void vf_store(float *p, vf v) {
    _mm256_storeu_ps(p, v);
}
static inline vf vf_add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}
static inline vf vf_sub(vf a, vf b) {
    return _mm256_sub_ps(a, b);
}
static inline vf vf_mul(vf a, vf b) {
    return _mm256_mul_ps(a, b);
}
/* b where one of them is NaN. */
static inline vf vf_max(vf a, vf b) {
    return _mm256_max_ps(a, b);
}
static inline vf vf_fma(vf a, vf b, vf c) {
    return _mm256_fmadd_ps(a, b, c);
}

static inline vf vf_gather(const float *x, const uint16_t *index) {
    __m256i i = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)index));
    return _mm256_i32gather_ps(x, i, 4);
}

static inline vf vf_from_f16(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
static inline vf vf_from_bf16(const uint16_t *p) {
    __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(w, 16));
}
static inline vf vf_from_i8(const int8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
static inline vf vf_from_u8(const uint8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
static inline vf vf_from_f8(const uint8_t *p) {
    __m128i h = _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)p));
    h = _mm_and_si128(_mm_slli_epi16(h, 7), _mm_set1_epi16((short)0xbf80));
    return _mm256_cvtph_ps(h);
}

static inline vi vi_load(const uint32_t *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}
static inline vf vf_nibble(vi v, int i, vf zero) {
    vi q = _mm256_and_si256(_mm256_srli_epi32(v, 4 * i), _mm256_set1_epi32(15));
    return vf_sub(_mm256_cvtepi32_ps(q), zero);
}
static inline vf vf_nibble8(vi v, int i) {
    return vf_nibble(v, i, vf_set(8));
}

/* AVX2 cannot expand: pdep spreads lane numbers 0..7, a byte each, to the set bits, and a permute
 * does the rest; lanes that are not set are masked off. */
static inline vf vf_expand(vf v, unsigned mask) {
    uint64_t spread = _pdep_u64(mask, 0x0101010101010101u) * 0xff;
    uint64_t lanes = _pdep_u64(0x0706050403020100u, spread);
    __m256i index = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)lanes));
    __m256i keep = _mm256_cvtepi8_epi32(_mm_cvtsi64_si128((long long)spread));
    return _mm256_and_ps(_mm256_permutevar8x32_ps(v, index), _mm256_castsi256_ps(keep));
}

static inline void vf_put_f32(float *p, vf v, int64_t n) {
    if (n >= VL) {
        _mm256_storeu_ps(p, v);
        return;
    }
    float t[8];
    _mm256_storeu_ps(t, v);
    memcpy(p, t, (size_t)n * sizeof *p);
}
static inline void put_half(uint16_t *p, __m128i h, int64_t n) {
    uint16_t t[8];
    _mm_storeu_si128((__m128i *)t, h);
    memcpy(p, t, (size_t)(n < VL ? n : VL) * sizeof *p);
}
static inline void vf_put_f16(uint16_t *p, vf v, int64_t n) {
    put_half(p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT), n);
}
static inline void vf_put_bf16(uint16_t *p, vf v, int64_t n) {
    __m256i u = _mm256_castps_si256(v);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i r = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    r = _mm256_blendv_epi8(r, _mm256_or_si256(u, _mm256_set1_epi32(0x400000)), nan);
    r = _mm256_srli_epi32(r, 16);
    put_half(p, _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1)), n);
}

#endif
