/* Bitmap panels with VBMI2: a mask and a vexpandb turn packed codes back into one vector of the
 * panel, and the mask's population count moves on. */
#include "cpu/i8bitmap.h"
#include "cpu/i8vnni.h"

static inline __m512i expand(const uint8_t **codes, uint64_t mask) {
    const __m512i rest = _mm512_set1_epi8((char)I8_BIAS);
    __m512i v = _mm512_mask_expand_epi8(rest, mask, _mm512_loadu_si512(*codes));
    *codes += _mm_popcnt_u64(mask);
    return v;
}

static inline const uint8_t *align8(const uint8_t *p) {
    return (const uint8_t *)(((uintptr_t)p + 7) & ~(uintptr_t)7);
}

static inline __attribute__((always_inline)) void step(__m512i acc[][3], const uint64_t *mask,
                                                       const uint8_t **codes, int64_t ahead,
                                                       const int8_t *x, int64_t ldx, int R, int V) {
    __m512i u[3];
    _mm_prefetch((const char *)*codes + ahead, _MM_HINT_T0);
    _mm_prefetch((const char *)*codes + ahead + 64, _MM_HINT_T0);
#pragma GCC unroll 3
    for (int v = 0; v < V; v++) u[v] = expand(codes, mask[v]);
    vnni_multiply(acc, u, x, ldx, R, V);
    __asm__ volatile("" ::: "memory"); /* as in vnni_step */
}

static inline __attribute__((always_inline)) void body(const i8_tile *t, int R, int V) {
    __m512i acc[I8_ROWS][3];
    const uint8_t *at = t->w;
    const int8_t *x = t->x, *end = x + t->k;
    const int64_t ldx = t->ldx, ahead = t->ahead;
    int32_t *c = t->c;
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int v = 0; v < V; v++) acc[r][v] = _mm512_setzero_si512();
    while (x < end) {
        const int8_t *stop = end - x < I8_SLICE ? end : x + I8_SLICE;
        const uint64_t *mask = (const uint64_t *)at;
        const uint8_t *codes = at + (stop - x) * 2 * V; /* 8 bytes a vector of four columns */
        vnni_pin(acc, R, V);
        for (; x < stop; x += 4, mask += V) step(acc, mask, &codes, ahead, x, ldx, R, V);
        at = align8(codes);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int v = 0; v < V; v++) _mm512_store_si512(c + r * I8_COLS + 16 * v, acc[r][v]);
}

static inline __attribute__((always_inline)) void by_rows(const i8_tile *t, int V) {
    if (t->rows > 4)
        body(t, 8, V);
    else if (t->rows > 2)
        body(t, 4, V);
    else if (t->rows > 1)
        body(t, 2, V);
    else
        body(t, 1, V);
}

void i8_bitmap_tile_vbmi2(const i8_tile *t) {
    if (t->cols > 32)
        by_rows(t, 3);
    else if (t->cols > 16)
        by_rows(t, 2);
    else
        by_rows(t, 1);
}

const uint8_t *i8_bitmap_unpack_vbmi2(const i8_unpack *u) {
    int64_t words = u->k * u->cols / 64;
    const uint64_t *mask = (const uint64_t *)u->from;
    const uint8_t *codes = u->from + 8 * words;
    for (int64_t i = 0; i < words; i++) _mm512_store_si512(u->to + 64 * i, expand(&codes, mask[i]));
    return align8(codes);
}
