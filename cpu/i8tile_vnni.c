/* The 8 x 48 tile of vpdpbusd: 24 accumulators, three vectors of 16 columns, codes of W as the
 * unsigned operand and four codes of a row of x broadcast as the signed one. Sums leave through
 * memory (24 stores against hundreds of multiply-adds), so that the epilogue is code of its own. */
#include "cpu/i8gemm.h"
#include "cpu/i8vnni.h"

#include <string.h>

/* One scale for all of k: c holds the i32 sums. */
static inline __attribute__((always_inline)) void whole(const i8_tile *t, int R, int V) {
    __m512i acc[I8_ROWS][3], odd[1][3]; /* a single row needs more chains than it has columns */
    int32_t *c = t->c;
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int v = 0; v < V; v++) acc[r][v] = _mm512_setzero_si512();
#pragma GCC unroll 3
    for (int v = 0; v < V; v++) odd[0][v] = _mm512_setzero_si512();
    const uint8_t *w = t->w;
    const int8_t *x = t->x, *end = x + t->k;
    const int64_t ldx = t->ldx, ahead = t->ahead;
    for (; x < end; w += 256 * V, x += 16) { /* four steps: fewer ends for the predictor to miss */
        vnni_step(acc, w, ahead, x, ldx, R, V);
        vnni_step(R == 1 ? odd : acc, w + 64 * V, ahead, x + 4, ldx, R, V);
        vnni_step(acc, w + 128 * V, ahead, x + 8, ldx, R, V);
        vnni_step(R == 1 ? odd : acc, w + 192 * V, ahead, x + 12, ldx, R, V);
    }
    const int add = !t->first;
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int v = 0; v < V; v++) {
            int32_t *at = c + r * I8_COLS + 16 * v;
            if (R == 1) acc[r][v] = _mm512_add_epi32(acc[r][v], odd[0][v]);
            if (add) acc[r][v] = _mm512_add_epi32(acc[r][v], _mm512_load_si512(at));
            _mm512_store_si512(at, acc[r][v]);
        }
}

/* A scale a group: c holds f32 sums of scale * (sum of the group). */
static inline __attribute__((always_inline)) void grouped(const i8_tile *t, int R, int V) {
    __m512i acc[I8_ROWS][3];
    const uint8_t *base = t->w, *side = t->side;
    const int8_t *x = t->x;
    const int32_t *minus = t->minus;
    const int64_t ldx = t->ldx, ahead = t->ahead;
    int first = t->first;
    for (int64_t k0 = 0; k0 < t->k; k0 += t->group) {
        const int8_t *end = x + (t->k - k0 < t->group ? t->k - k0 : t->group);
        const uint8_t *w = base;
        vnni_group_start(acc, side, minus, t->ldm, t->zero_points, R, V);
        vnni_pin(acc, R, V);
        for (; x < end; w += 256 * V, x += 16) {
            vnni_step(acc, w, ahead, x, ldx, R, V);
            vnni_step(acc, w + 64 * V, ahead, x + 4, ldx, R, V);
            vnni_step(acc, w + 128 * V, ahead, x + 8, ldx, R, V);
            vnni_step(acc, w + 192 * V, ahead, x + 12, ldx, R, V);
        }
        vnni_pin(acc, R, V);
        vnni_group_end(acc, side, t->c, first, R, V);
        base += t->w_step, side += t->side_step, minus++, first = 0;
    }
}

static inline __attribute__((always_inline)) void either(const i8_tile *t, int R, int V) {
    if (t->side)
        grouped(t, R, V);
    else
        whole(t, R, V);
}

static inline __attribute__((always_inline)) void by_rows(const i8_tile *t, int V) {
    if (t->rows > 4)
        either(t, 8, V);
    else if (t->rows > 2)
        either(t, 4, V);
    else if (t->rows > 1)
        either(t, 2, V);
    else
        either(t, 1, V);
}

void i8_tile_vnni(const i8_tile *t) {
    if (t->cols > 32)
        by_rows(t, 3);
    else if (t->cols > 16)
        by_rows(t, 2);
    else
        by_rows(t, 1);
}

/* ---- sums to y ---- */

static inline void store16(tare_type type, void *y, int64_t at, __mmask16 m, __m512 v) {
    if (type == TARE_F32) {
        _mm512_mask_storeu_ps((float *)y + at, m, v);
    } else if (type == TARE_F16) {
        __m256i h = _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        _mm256_mask_storeu_epi16((uint16_t *)y + at, m, h);
    } else { /* bf16 to nearest even; the bits of a NaN do not matter as long as one is left */
        __m512i u = _mm512_castps_si512(v), odd = _mm512_srli_epi32(u, 16);
        odd = _mm512_and_si512(odd, _mm512_set1_epi32(1));
        __m512i r = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
        __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
        r = _mm512_mask_mov_epi32(r, nan, _mm512_set1_epi32(0x7fc00000));
        __m256i h = _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16));
        _mm256_mask_storeu_epi16((uint16_t *)y + at, m, h);
    }
}

static inline __attribute__((always_inline)) void finish(const i8_finish *f, tare_type type) {
    for (int col = 0; col < f->cols; col += 16) {
        int left = f->cols - col;
        __mmask16 m = left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
        __m512 bias = f->bias ? _mm512_maskz_loadu_ps(m, f->bias + col) : _mm512_setzero_ps();
        __m512 scale = f->scale ? _mm512_loadu_ps(f->scale + col) : _mm512_setzero_ps();
        __m512i zero = f->scale ? _mm512_loadu_si512(f->zero + col) : _mm512_setzero_si512();
        for (int r = 0; r < f->rows; r++) {
            const void *at = (const int32_t *)f->c + r * I8_COLS + col;
            __m512 v, sx = _mm512_set1_ps(f->xscale[r]);
            if (f->scale) {
                __m512i s = _mm512_mullo_epi32(zero, _mm512_set1_epi32(f->minus[r]));
                s = _mm512_add_epi32(s, _mm512_load_si512(at));
                v = _mm512_mul_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(s), sx), scale);
            } else {
                v = _mm512_mul_ps(_mm512_load_ps(at), sx);
            }
            v = _mm512_add_ps(v, bias);
            if (f->relu) v = _mm512_max_ps(_mm512_setzero_ps(), v); /* NaN stays */
            store16(type, f->y, r * f->ldy + col, m, v);
        }
    }
}

void i8_finish_vnni(const i8_finish *f) {
    if (f->type == TARE_F32)
        finish(f, TARE_F32);
    else if (f->type == TARE_F16)
        finish(f, TARE_F16);
    else
        finish(f, TARE_BF16);
}
