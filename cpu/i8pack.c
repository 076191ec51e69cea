/* Canonical int8 and int4 tensors to the panels of cpu/i8gemm.h. Dense codes only; what else a
 * panel may hold is packed by its own file from the same slices of codes. */
#include "cpu/i8pack.h"
#include "cpu/i8gemm.h"
#include "src/format/format.h"

#include <string.h>

/* Codes of the columns k0..k0+count-1 of one row. */
static void row_codes(const tare_tensor *t, int64_t row, int64_t k0, int64_t count, uint8_t *u) {
    const uint8_t *v = t->part[TARE_VALUES].data;
    if (t->format.value == TARE_I4) {
        v += row * TARE_I4_ROW_BYTES(t->k);
        for (int64_t i = 0; i < count; i++) u[i] = (uint8_t)TARE_I4_GET(v[(k0 + i) / 2], k0 + i);
        return;
    }
    v += row * t->k + k0;
    for (int64_t i = 0; i < count; i++) u[i] = v[i] ^ 0x80; /* int8 + 128 */
}

int32_t i8_zero_of(const tare_tensor *t, int64_t row, int64_t g) {
    return format_zero(t, row, g) + (t->format.value == TARE_I4 ? 0 : 128);
}

/* Row scales and zeros; columns past n keep scale 0. */
static void pack_columns(const i8_layout *l, const tare_tensor *t, char *blob) {
    float *scale = (float *)(blob + l->scale_at);
    int32_t *zero = (int32_t *)(blob + l->zero_at);
    if (t->format.scaling == TARE_SCALE_GROUP) return;
    for (int64_t i = 0; i < t->n; i++) {
        scale[i] = format_scale(t, i, 0);
        zero[i] = i8_zero_of(t, i, 0);
    }
}

static void pack_side(const tare_tensor *t, int64_t col, int32_t cols, int64_t g, uint8_t *side) {
    const uint16_t *s = t->part[TARE_SCALES].data;
    for (int32_t c = 0; c < cols && col + c < t->n; c++) {
        memcpy(side + 2 * c, &s[format_scale_index(t, col + c, g)], 2);
        if (t->format.zero_points) side[2 * cols + c] = (uint8_t)i8_zero_of(t, col + c, g);
    }
}

/* Scatters a run of codes that starts at a multiple of I8_PAD. */
static void put_codes(const i8_row *r, const uint8_t *u, int64_t count, int32_t cols, int32_t c,
                      uint8_t *to) {
    if (r->bits == 4) {
        for (int64_t k = 0; k < count; k++)
            to[(k / 8 * cols + c) * 4 + k % 4] |= (uint8_t)(u[k] << (k % 8 / 4 * 4));
        return;
    }
    for (int64_t k = 0; k < count; k++)
        to[(k / r->kstep * cols + c) * r->kstep + k % r->kstep] = u[k];
}

static void pack_panel(const i8_row *r, const i8_layout *l, const tare_tensor *t, int64_t panel,
                       uint8_t *to) {
    uint8_t u[I8_SLICE];
    int64_t col = panel * r->cols;
    int32_t cols = i8_panel_cols(r, t->n, panel);
    int64_t side = i8_side_bytes(&t->format, cols);
    int64_t run = side ? t->format.group : I8_SLICE;
    for (int64_t k0 = 0; k0 < l->k_pad; k0 += run) {
        int64_t count = t->k - k0 < run ? t->k - k0 : run;
        int64_t padded = l->k_pad - k0 < run ? l->k_pad - k0 : run;
        if (side) pack_side(t, col, cols, k0 / run, to);
        for (int32_t c = 0; c < cols && col + c < t->n; c++) {
            row_codes(t, col + c, k0, count, u);
            put_codes(r, u, count, cols, c, to + side);
        }
        to += side + padded * cols * r->bits / 8;
    }
}

tare_status i8_pack(const i8_row *r, const tare_problem *p, const tare_tensor *t, void *blob) {
    i8_layout l;
    i8_layout_of(r, p, &l);
    pack_columns(&l, t, blob);
    uint8_t *panels = (uint8_t *)blob + l.panels_at;
#pragma omp parallel for schedule(static) num_threads(tare_threads())
    for (int64_t i = 0; i < l.panels; i++) pack_panel(r, &l, t, i, panels + i * l.panel_bytes);
    return TARE_OK;
}
