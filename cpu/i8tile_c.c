/* The portable tile: 2 x 4 dot products of 16-bit codes at a time, and the way of sums to y. */
#include "cpu/i8c.h"

/* c[r][col] = sums over k columns; w and x are rows of 16-bit codes. */
static void dots(const int16_t *restrict x, int64_t ldx, const int16_t *restrict w, int64_t k,
                 int32_t c[2][4]) {
    const int16_t *x0 = x, *x1 = x + ldx;
    const int16_t *w0 = w, *w1 = w + I8_SLICE, *w2 = w1 + I8_SLICE, *w3 = w2 + I8_SLICE;
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    for (int64_t i = 0; i < k; i++) {
        a0 += x0[i] * w0[i];
        a1 += x0[i] * w1[i];
        a2 += x0[i] * w2[i];
        a3 += x0[i] * w3[i];
        b0 += x1[i] * w0[i];
        b1 += x1[i] * w1[i];
        b2 += x1[i] * w2[i];
        b3 += x1[i] * w3[i];
    }
    c[0][0] = a0, c[0][1] = a1, c[0][2] = a2, c[0][3] = a3;
    c[1][0] = b0, c[1][1] = b1, c[1][2] = b2, c[1][3] = b3;
}

/* Rows of x from `row` that exist, two at most; an odd last one stands for both. */
static int pair(const i8_tile *t, int32_t row, const int16_t **x, int64_t *ldx) {
    int rows = t->rows - row < 2 ? 1 : 2;
    *ldx = rows == 2 ? t->ldx / 2 : 0;
    *x = (const int16_t *)t->x + row * (t->ldx / 2);
    return rows;
}

/* One scale for all of k: sums wrap on the way (cpu/i8gemm.h), so they add as unsigned. */
static void whole(const i8_tile *t, int32_t row, int32_t col) {
    const int16_t *x;
    int64_t ldx;
    int rows = pair(t, row, &x, &ldx);
    int32_t c[2][4];
    dots(x, ldx, (const int16_t *)t->w + col * I8_SLICE, t->k, c);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < 4; i++) {
            int32_t *at = (int32_t *)t->c + (row + r) * I8_COLS + col + i;
            *at = (int32_t)((t->first ? 0u : (uint32_t)*at) + (uint32_t)c[r][i]);
        }
}

static void grouped(const i8_tile *t, int32_t row, int32_t col) {
    const int16_t *x;
    int64_t ldx;
    int rows = pair(t, row, &x, &ldx);
    const int16_t *w = (const int16_t *)t->w + col * I8_SLICE;
    const uint8_t *side = t->side;
    int first = t->first;
    for (int64_t k0 = 0, g = 0; k0 < t->k; k0 += t->group, g++, side += t->side_step, first = 0) {
        int64_t k = t->k - k0 < t->group ? t->k - k0 : t->group;
        int32_t c[2][4];
        dots(x + k0, ldx, w + k0, k, c);
        for (int i = 0; i < 4; i++) {
            float scale = tare_f16_to_f32(((const uint16_t *)side)[col + i]);
            int32_t zero = t->zero_points ? side[2 * t->cols + col + i] : 1;
            for (int r = 0; r < rows; r++) {
                float *at = (float *)t->c + (row + r) * I8_COLS + col + i;
                float v = scale * (float)(c[r][i] + zero * t->minus[(row + r) * t->ldm + g]);
                *at = first ? v : *at + v;
            }
        }
    }
}

void i8_tile_c(const i8_tile *t) {
    for (int32_t col = 0; col < t->cols; col += 4)
        for (int32_t row = 0; row < t->rows; row += 2) {
            if (t->side)
                grouped(t, row, col);
            else
                whole(t, row, col);
        }
}

static void finish_row(const i8_finish *f, int32_t r, float *v) {
    const int32_t *c = (const int32_t *)f->c + r * I8_COLS;
    const float *sums = (const float *)f->c + r * I8_COLS, sx = f->xscale[r];
    if (f->scale) {
        uint32_t minus = (uint32_t)f->minus[r];
        for (int32_t i = 0; i < f->cols; i++) {
            int32_t sum = (int32_t)((uint32_t)c[i] + (uint32_t)f->zero[i] * minus);
            v[i] = (float)sum * sx * f->scale[i];
        }
    } else {
        for (int32_t i = 0; i < f->cols; i++) v[i] = sums[i] * sx;
    }
    for (int32_t i = 0; f->bias && i < f->cols; i++) v[i] += f->bias[i];
    for (int32_t i = 0; f->relu && i < f->cols; i++) v[i] = v[i] < 0 ? 0 : v[i];
}

void i8_finish_c(const i8_finish *f) {
    float v[I8_COLS];
    for (int32_t r = 0; r < f->rows; r++) {
        finish_row(f, r, v);
        size_t at = (size_t)(r * f->ldy);
        if (f->type == TARE_F32) {
            for (int32_t i = 0; i < f->cols; i++) ((float *)f->y)[at + (size_t)i] = v[i];
        } else {
            for (int32_t i = 0; i < f->cols; i++) tare_store(f->type, f->y, at + (size_t)i, v[i]);
        }
    }
}
