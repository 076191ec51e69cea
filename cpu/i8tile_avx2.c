/* The 4 x 16 tile of AVX2. vpmaddubsw saturates on 8-bit codes (2 * 255 * 127 > 2^15), so codes of
 * W are widened to 16 bits as they are loaded, x comes in 16 bits, and vpmaddwd is exact. */
#include "cpu/i8avx2.h"

static inline __attribute__((always_inline)) void steps(__m256i acc[][2], const uint8_t *w,
                                                        int64_t ahead, const char *x, int64_t ldx,
                                                        int64_t k, int R) {
    for (const char *end = x + 2 * k; x < end; x += 4, w += 32) {
        _mm_prefetch((const char *)w + ahead, _MM_HINT_T0);
        __m256i u0 = _mm256_cvtepu8_epi16(_mm_load_si128((const __m128i *)w));
        __m256i u1 = _mm256_cvtepu8_epi16(_mm_load_si128((const __m128i *)(w + 16)));
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) {
            __m256i two = avx2_four(x + r * ldx);
            acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(u0, two));
            acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(u1, two));
        }
    }
}

static inline __attribute__((always_inline)) void body(const i8_tile *t, int row, int R) {
    const char *x = (const char *)t->x + row * t->ldx;
    const int32_t *minus = t->minus + row * t->ldm;
    const uint8_t *w = t->w, *side = t->side;
    const int64_t run = side ? t->group : t->k;
    int first = t->first;
    for (int64_t k0 = 0; k0 < t->k; k0 += run) {
        int64_t k = t->k - k0 < run ? t->k - k0 : run;
        __m256i acc[I8_AVX2_ROWS][2];
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
        steps(acc, w, t->ahead, x + 2 * k0, t->ldx, k, R);
#pragma GCC unroll 4
        for (int r = 0; r < R; r++)
#pragma GCC unroll 2
            for (int h = 0; h < 2; h++) {
                int32_t *c = (int32_t *)t->c + (row + r) * I8_COLS;
                if (side) {
                    avx2_group_end(t, side, minus[r * t->ldm], h, acc[r][h], (float *)c, first);
                    continue;
                }
                __m256i *at = (__m256i *)(c + 8 * h);
                if (!first) acc[r][h] = _mm256_add_epi32(acc[r][h], _mm256_loadu_si256(at));
                _mm256_storeu_si256(at, acc[r][h]);
            }
        if (side) side += t->side_step;
        w += t->w_step, minus++, first = 0;
    }
}

void i8_tile_avx2(const i8_tile *t) {
    if (t->rows > 2) {
        body(t, 0, 4);
        if (t->rows > 4) body(t, 4, 4);
    } else if (t->rows > 1) {
        body(t, 0, 2);
    } else {
        body(t, 0, 1);
    }
}

/* ---- sums to y ---- */

static inline __m128i to_bf16(__m256 v) {
    __m256i u = _mm256_castps_si256(v), one = _mm256_set1_epi32(1);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), one);
    __m256i r = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd);
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    r = _mm256_srli_epi32(_mm256_blendv_epi8(r, _mm256_set1_epi32(0x7fc00000), nan), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
}

/* Eight values, of which `count` exist in y. */
static inline void store8(tare_type type, void *y, int64_t at, int count, __m256 v) {
    float f[8];
    uint16_t h[8];
    const void *from = f;
    size_t size = type == TARE_F32 ? 4 : 2;
    if (type == TARE_F32) {
        _mm256_storeu_ps(f, v);
    } else {
        __m128i s = type == TARE_F16 ? _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT) : to_bf16(v);
        _mm_storeu_si128((__m128i *)h, s);
        from = h;
    }
    char *to = (char *)y + (size_t)at * size;
    if (count >= 8)
        memcpy(to, from, 8 * size);
    else
        memcpy(to, from, (size_t)count * size);
}

static inline __m256 load8(const float *p, int count) {
    float f[8] = {0};
    if (count >= 8) return _mm256_loadu_ps(p);
    memcpy(f, p, (size_t)count * 4);
    return _mm256_loadu_ps(f);
}

static inline __attribute__((always_inline)) void finish(const i8_finish *f, tare_type type) {
    for (int col = 0; col < f->cols; col += 8) {
        int count = f->cols - col;
        __m256 bias = f->bias ? load8(f->bias + col, count) : _mm256_setzero_ps();
        __m256 scale = f->scale ? _mm256_loadu_ps(f->scale + col) : _mm256_setzero_ps();
        __m256i zero = f->scale ? _mm256_loadu_si256((const __m256i *)(f->zero + col))
                                : _mm256_setzero_si256();
        for (int r = 0; r < f->rows; r++) {
            const int32_t *at = (const int32_t *)f->c + r * I8_COLS + col;
            __m256 v, sx = _mm256_set1_ps(f->xscale[r]);
            if (f->scale) {
                __m256i s = _mm256_mullo_epi32(zero, _mm256_set1_epi32(f->minus[r]));
                s = _mm256_add_epi32(s, _mm256_loadu_si256((const __m256i *)at));
                v = _mm256_mul_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(s), sx), scale);
            } else {
                v = _mm256_mul_ps(_mm256_loadu_ps((const float *)at), sx);
            }
            v = _mm256_add_ps(v, bias);
            if (f->relu) v = _mm256_max_ps(_mm256_setzero_ps(), v); /* NaN stays */
            store8(type, f->y, r * f->ldy + col, count, v);
        }
    }
}

void i8_finish_avx2(const i8_finish *f) {
    if (f->type == TARE_F32)
        finish(f, TARE_F32);
    else if (f->type == TARE_F16)
        finish(f, TARE_F16);
    else
        finish(f, TARE_BF16);
}
