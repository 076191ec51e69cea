/* W4A8 by vpdpbusd. A byte of a panel holds column k of W in its low nibble and column k + 4 in its
 * high one, so that one vector is two steps of multiply-adds after a mask and a shift; nibbles are
 * unsigned as the instruction wants them. A few rows of x take them straight from the stream, more
 * rows share slices of unpacked codes. */
#include "cpu/i8vnni.h"
#include "cpu/rows.h"

static inline __attribute__((always_inline)) void step(__m512i acc[][3], __m512i odd[][3],
                                                       const uint8_t *w, int64_t ahead,
                                                       const int8_t *x, int64_t ldx, int R, int V) {
    const __m512i low = _mm512_set1_epi8(15);
    __m512i u[3], h[3];
#pragma GCC unroll 3
    for (int v = 0; v < V; v++) {
        __m512i both = _mm512_load_si512(w + 64 * v);
        _mm_prefetch((const char *)w + ahead + 64 * v, _MM_HINT_T0);
        u[v] = _mm512_and_si512(both, low);
        h[v] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
    }
    vnni_multiply(acc, u, x, ldx, R, V);
    vnni_multiply(odd, h, x + 4, ldx, R, V);
    __asm__ volatile("" ::: "memory"); /* as in vnni_step */
}

static inline __attribute__((always_inline)) void body(const i8_tile *t, int R, int V) {
    __m512i acc[I8_ROWS][3], odd[1][3]; /* a single row needs more chains than it has columns */
    const uint8_t *base = t->w, *side = t->side;
    const int8_t *x = t->x;
    const int32_t *minus = t->minus;
    const int64_t ldx = t->ldx, ahead = t->ahead;
    int first = t->first;
    for (int64_t k0 = 0; k0 < t->k; k0 += t->group) {
        const int8_t *end = x + (t->k - k0 < t->group ? t->k - k0 : t->group);
        const uint8_t *w = base;
        vnni_group_start(acc, side, minus, t->ldm, t->zero_points, R, V);
#pragma GCC unroll 3
        for (int v = 0; v < V; v++) odd[0][v] = _mm512_setzero_si512();
        vnni_pin(acc, R, V);
        for (; x < end; w += 64 * V, x += 8) step(acc, R == 1 ? odd : acc, w, ahead, x, ldx, R, V);
        if (R == 1)
#pragma GCC unroll 3
            for (int v = 0; v < V; v++) acc[0][v] = _mm512_add_epi32(acc[0][v], odd[0][v]);
        vnni_pin(acc, R, V);
        vnni_group_end(acc, side, t->c, first, R, V);
        base += t->w_step, side += t->side_step, minus++, first = 0;
    }
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

static void direct(const i8_tile *t) {
    if (t->cols > 32)
        by_rows(t, 3);
    else if (t->cols > 16)
        by_rows(t, 2);
    else
        by_rows(t, 1);
}

static const uint8_t *unpack(const i8_unpack *u) {
    const __m512i low = _mm512_set1_epi8(15);
    const uint8_t *from = u->from;
    uint8_t *to = u->to;
    const int64_t step_bytes = 4 * u->cols; /* of four columns of k, as stored and as codes */
    for (int64_t k0 = 0; k0 < u->k; k0 += u->group) {
        int64_t count = u->k - k0 < u->group ? u->k - k0 : u->group;
        from += u->side_bytes;
        for (int64_t k = 0; k < count; k += 8, from += step_bytes, to += 2 * step_bytes)
            for (int64_t b = 0; b < step_bytes; b += 64) {
                __m512i both = _mm512_load_si512(from + b);
                __m512i high = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
                _mm512_store_si512(to + b, _mm512_and_si512(both, low));
                _mm512_store_si512(to + step_bytes + b, high);
            }
    }
    return from;
}

static const i8_row row = {
    .name = "matmul_w4a8_vnni",
    .cols = I8_COLS,
    .align = 16,
    .kstep = 4,
    .bits = 4,
    .direct_rows = I8_ROWS,
    .quantise = xquant_vnni,
    .direct = direct,
    .unpack = unpack,
    .tile = i8_tile_vnni,
    .finish = i8_finish_vnni,
    .mem_eff = 0.9,
    .op_eff = 0.75,
};

#define ROW_LAYOUTS TAKES(TARE_DENSE)
#define ROW_CODINGS TAKES_I4
#include "cpu/i8row.h"

const tare_kernel matmul_w4a8_vnni = {
    .name = "matmul_w4a8_vnni",
    .op = TARE_MATMUL,
    .needs = CPU_VNNI,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
