/* Canonical int8 and int4 tensors to the panels of cpu/i8gemm.h. A thread takes a panel at a time;
 * its rows of W are decoded to codes and put into panel order, as they are or, slice by slice, as
 * masks and packed codes. */
#include "cpu/i8pack.h"
#include "src/format/format.h"

#include <string.h>

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

void i8_put_codes(const i8_row *r, const uint8_t *u, int64_t count, int32_t cols, int32_t c,
                  uint8_t *to) {
    const int64_t step = r->kstep;
    if (r->bits == 4) {
        for (int64_t k = 0; k < count; k++)
            to[(k / (2 * step) * cols + c) * step + k % step] |=
                (uint8_t)(u[k] << (k / step % 2 * 4));
        return;
    }
    for (int64_t k = 0; k < count; k++) to[(k / step * cols + c) * step + k % step] = u[k];
}

typedef struct i8_packing {
    const i8_row *row;
    const i8_layout *l;
    const tare_tensor *t;
} i8_packing;

/* Codes in place: u holds one row of W. */
static void pack_codes(const i8_packing *q, int64_t panel, uint8_t *u, uint8_t *to) {
    const i8_row *r = q->row;
    const tare_tensor *t = q->t;
    int64_t col = panel * r->cols;
    int32_t cols = i8_panel_cols(r, t->n, panel);
    int64_t side = i8_side_bytes(&t->format, cols), run = side ? t->format.group : q->l->k_pad;
    int64_t step = side + run * cols * r->bits / 8;
    for (int64_t k0 = 0; side && k0 < t->k; k0 += run)
        pack_side(t, col, cols, k0 / run, to + k0 / run * step);
    for (int32_t c = 0; c < cols && col + c < t->n; c++) {
        i8_row_codes(t, col + c, u);
        for (int64_t k0 = 0; k0 < t->k; k0 += run)
            i8_put_codes(r, u + k0, t->k - k0 < run ? t->k - k0 : run, cols, c,
                         to + k0 / run * step + side);
    }
}

/* Masks and packed codes of a panel; `to` null: only their size is wanted. u holds a panel of codes
 * in panel order behind one row of W. */
static int64_t pack_bitmap(const i8_packing *q, int64_t panel, uint8_t *u, uint8_t *to) {
    const i8_row *r = q->row;
    int64_t col = panel * r->cols, k_pad = q->l->k_pad, bytes = 0;
    int32_t cols = i8_panel_cols(r, q->t->n, panel);
    uint8_t *codes = u + k_pad;
    memset(codes, I8_BIAS, (size_t)(k_pad * cols));
    for (int32_t c = 0; c < cols && col + c < q->t->n; c++) {
        i8_row_codes(q->t, col + c, u);
        i8_put_codes(r, u, q->t->k, cols, c, codes);
    }
    for (int64_t k0 = 0; k0 < k_pad; k0 += I8_SLICE) {
        int64_t k = k_pad - k0 < I8_SLICE ? k_pad - k0 : I8_SLICE, words = k * cols / 64;
        const uint8_t *from = codes + k0 * cols;
        int64_t at = bytes + words * 8;
        for (int64_t w = 0; w < words; w++, from += 64) {
            uint64_t mask = 0;
            for (int b = 0; b < 64; b++) {
                if (from[b] == I8_BIAS) continue;
                mask |= (uint64_t)1 << b;
                if (to) to[at] = from[b];
                at++;
            }
            if (to) memcpy(to + bytes + w * 8, &mask, 8);
        }
        bytes = (at + 7) / 8 * 8;
    }
    return (bytes + 63) / 64 * 64;
}

typedef struct pack_job {
    const i8_packing *q;
    uint8_t *panels, *buffers; /* `each` bytes a part */
    int64_t *offsets, each;
} pack_job;

static void size_panel(void *ctx, int64_t i, int part) {
    const pack_job *j = ctx;
    j->offsets[i + 1] = pack_bitmap(j->q, i, j->buffers + part * j->each, NULL);
}

static void write_panel(void *ctx, int64_t i, int part) {
    const pack_job *j = ctx;
    uint8_t *u = j->buffers + part * j->each;
    if (j->q->row->bitmap)
        pack_bitmap(j->q, i, u, j->panels + j->offsets[i]);
    else
        pack_codes(j->q, i, u, j->panels + i * j->q->l->panel_bytes);
}

/* Bitmap panels are first sized, then written. */
static void pack_panels(pack_job *j, int threads) {
    int64_t count = j->q->l->panels;
    if (j->q->row->bitmap) {
        parallel_items(count, threads, size_panel, j);
        for (int64_t i = 0; i < count; i++) j->offsets[i + 1] += j->offsets[i];
    }
    parallel_items(count, threads, write_panel, j);
}

tare_status i8_pack(const i8_row *r, const tare_problem *p, const tare_tensor *t, void *blob,
                    size_t *used) {
    i8_layout l;
    i8_layout_of(r, p, &l);
    int threads = tare_threads();
    if (threads > l.panels) threads = (int)l.panels;
    int64_t each = l.k_pad * (r->bitmap ? r->cols + 1 : 1) + 64;
    uint8_t *buffers = tare_alloc((size_t)(each * threads));
    if (!buffers) TARE_FAIL(TARE_E_NOMEM, "%s: out of memory while packing", r->name);
    pack_columns(&l, t, blob);
    i8_packing q = {.row = r, .l = &l, .t = t};
    pack_job j = {.q = &q,
                  .panels = (uint8_t *)blob + l.panels_at,
                  .buffers = buffers,
                  .offsets = (int64_t *)((char *)blob + l.offsets_at),
                  .each = each};
    pack_panels(&j, threads);
    if (r->bitmap) {
        const int64_t *offsets = (const int64_t *)((char *)blob + l.offsets_at);
        *used = (size_t)(l.panels_at + offsets[l.panels] + 64);
    }
    tare_free(buffers);
    return TARE_OK;
}
