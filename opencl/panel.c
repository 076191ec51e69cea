/* The host side of the dense rows: sizes, packing, which kernel and how many work-items. */
#include "opencl/panel.h"
#include "opencl/xprep.h"
#include "src/format/format.h"
#include "src/takes.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 16, TILE = 64, TILE_ROWS = 48, BLOCK = 16 };

static int bits_of(tare_type t) {
    return t == TARE_F32 ? 32 : t == TARE_I8 ? 8 : t == TARE_I4 ? 4 : 16;
}

ocl_panel_shape ocl_panel_shape_of(const tare_problem *p) {
    ocl_panel_shape s = {.per_word = 32 / bits_of(p->w.value)};
    s.panels = (p->n + COLUMNS - 1) / COLUMNS;
    s.words = (p->k + s.per_word - 1) / s.per_word;
    s.groups = format_groups(&p->w, p->k);
    s.group_words = p->w.scaling == TARE_SCALE_GROUP ? p->w.group / s.per_word : 0;
    s.scales_at = (size_t)(s.panels * s.words) * COLUMNS * 4;
    size_t heads = (size_t)(s.panels * s.groups) * COLUMNS;
    s.zeros_at = s.scales_at + (p->w.scaling ? heads * sizeof(float) : 0);
    s.bytes = s.zeros_at + (p->w.zero_points ? heads : 0);
    return s;
}

int ocl_panel_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                              .codings = tare_codings(value),
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    ocl_panel_shape s = ocl_panel_shape_of(p);
    if (s.bytes / 4 > INT32_MAX) {
        snprintf(f->why, sizeof f->why, "counts words in 31 bits: W is too large");
        return 0;
    }
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.bytes;
    size_t rows_bytes = ocl_x_rows_bytes(p), blocks = p->m > BLOCK / 2 ? ocl_x_turned_bytes(p) : 0;
    f->scratch_bytes = rows_bytes > blocks ? rows_bytes : blocks;
    f->bytes =
        (double)s.bytes + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    f->unit = TARE_PROBE_F32;
    double rows = (double)p->m;
    tare_fit_cost(f, r, 0.75, 0.5 * rows / (rows + 3));
    return 1;
}

/* ---- packing ---- */

static uint32_t float_word(const tare_tensor *t, int64_t row, int64_t k) {
    const char *v = t->part[TARE_VALUES].data;
    size_t at = (size_t)(row * t->k + k);
    uint32_t word = 0;
    if (t->format.value == TARE_F32) {
        memcpy(&word, v + at * 4, 4);
        return word;
    }
    uint16_t h[2] = {0, 0};
    memcpy(h, v + at * 2, k + 1 < t->k ? 4 : 2);
    return h[0] | (uint32_t)h[1] << 16;
}

static uint32_t i8_word(const tare_tensor *t, int64_t row, int64_t k) {
    const uint8_t *v = (const uint8_t *)t->part[TARE_VALUES].data + row * t->k;
    uint32_t word = 0;
    for (int64_t i = 0; i < 4; i++) {
        unsigned q = k + i < t->k ? v[k + i] : 0;
        word |= (uint32_t)(uint8_t)q << (8 * i);
    }
    return word;
}

static uint32_t i4_word(const tare_tensor *t, int64_t row, int64_t k) {
    const uint8_t *v = (const uint8_t *)t->part[TARE_VALUES].data + row * TARE_I4_ROW_BYTES(t->k);
    uint32_t word = 0;
    for (int64_t i = k; i < k + 8; i++) {
        unsigned q = i < t->k ? TARE_I4_GET(v[i / 2], i) : TARE_I4_ZERO;
        word |= (uint32_t)q << (4 * (i - k));
    }
    return word;
}

static void pack_heads(const ocl_panel_shape *s, const tare_tensor *t, char *blob) {
    float *scale = (float *)(void *)(blob + s->scales_at);
    int8_t *zero = (int8_t *)(blob + s->zeros_at);
    for (int64_t row = 0; row < t->n; row++)
        for (int64_t g = 0; g < s->groups; g++) {
            int64_t at = (row / COLUMNS * s->groups + g) * COLUMNS + row % COLUMNS;
            if (t->format.scaling) scale[at] = format_scale(t, row, g);
            if (t->format.zero_points) zero[at] = (int8_t)format_zero(t, row, g);
        }
}

tare_status ocl_panel_pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    ocl_panel_shape s = ocl_panel_shape_of(p);
    uint32_t *out = blob;
    (void)used;
    for (int64_t row = 0; row < t->n; row++) {
        uint32_t *at = out + row / COLUMNS * s.words * COLUMNS + row % COLUMNS;
        for (int64_t j = 0; j < s.words; j++) {
            int64_t k = j * s.per_word;
            at[j * COLUMNS] = p->w.value == TARE_I8   ? i8_word(t, row, k)
                              : p->w.value == TARE_I4 ? i4_word(t, row, k)
                                                      : float_word(t, row, k);
        }
    }
    pack_heads(&s, t, blob);
    return TARE_OK;
}

/* ---- running ---- */

/* Which kernel, for how many rows at once. */
typedef struct choice {
    int tiled, blocks, mt, vn, ks;
    char options[140];
} choice;

static choice choose(const ocl_device *d, const tare_problem *p, int64_t m) {
    static const char *const decoder[] = {[TARE_F32] = "F32",
                                          [TARE_F16] = "F16",
                                          [TARE_BF16] = "BF16",
                                          [TARE_I8] = "I8",
                                          [TARE_I4] = "I4"};
    choice c = {.vn = d->params.vn, .ks = d->params.ks};
    c.tiled = d->params.tiled && m >= TILE_ROWS && d->max_group >= 256;
    /* Vectors of 16 columns have the registers for 16 rows, if those lie side by side. */
    c.blocks = !c.tiled && c.vn == COLUMNS && c.ks == 1 && d->params.mt == 8 && m > BLOCK / 2;
    c.mt = c.blocks ? BLOCK : m == 1 ? 1 : m <= 4 || d->params.mt < 8 ? 4 : 8;
    while (c.ks > 1 && 16 / c.vn * c.ks > d->max_group) c.ks /= 2;
    int n = snprintf(c.options, sizeof c.options, "-DDECODE_%s%s%s%s", decoder[p->w.value],
                     p->w.scaling ? " -DSCALED" : "",
                     p->w.scaling == TARE_SCALE_GROUP ? " -DGROUPED" : "",
                     p->w.zero_points ? " -DZEROS" : "");
    if (!c.tiled)
        snprintf(c.options + n, sizeof c.options - (size_t)n, " -DVN=%d -DMT=%d -DKS=%d%s", c.vn,
                 c.mt, c.ks, c.blocks ? " -DX_BLOCKS" : "");
    return c;
}

static tare_status kernel_of(ocl_stream *s, const choice *c, cl_kernel *k) {
    return c->tiled ? ocl_kernel(s, "panel_tile.cl", "panel_tile", c->options, k)
                    : ocl_kernel(s, "panel.cl", "panel", c->options, k);
}

/* A run may have fewer rows than planned, and so another kernel. */
tare_status ocl_panel_prepare(void *state, void *stream, const tare_problem *p) {
    static const int64_t steps[] = {1, 2, 5, BLOCK / 2 + 1, TILE_ROWS};
    (void)state;
    TARE_TRY(ocl_x_rows_prepare(stream, p));
    for (size_t i = 0; i < sizeof steps / sizeof *steps && steps[i] <= p->m; i++) {
        choice c = choose(((ocl_stream *)stream)->device, p, steps[i]);
        cl_kernel k;
        TARE_TRY(kernel_of(stream, &c, &k));
        if (c.blocks) TARE_TRY(ocl_x_blocks_prepare(stream));
    }
    return TARE_OK;
}

tare_status ocl_panel_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    ocl_stream *s = a->stream;
    ocl_panel_shape q = ocl_panel_shape_of(p);
    choice c = choose(s->device, p, a->m);
    const void *x = a->scratch;
    uint64_t x_first = 0;
    cl_kernel k;
    TARE_TRY(kernel_of(s, &c, &k));
    TARE_TRY(c.blocks ? ocl_x_blocks(a, 0) : ocl_x_rows(a, 0, &x, &x_first));
    ocl_arg args[] = {ocl_mem(a->packed),
                      ocl_mem(x),
                      ocl_ulong(x_first),
                      ocl_mem(a->bias ? (const void *)a->bias : a->packed),
                      ocl_mem(a->y),
                      ocl_int(p->y),
                      ocl_int(p->flags),
                      ocl_int((int64_t)(q.scales_at / 4)),
                      ocl_int((int64_t)(q.zeros_at / 4)),
                      ocl_int(a->m),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(q.group_words)};
    size_t lanes = (size_t)(COLUMNS / c.vn), panels = (size_t)q.panels, ks = (size_t)c.ks;
    ocl_grid g = {{(size_t)((a->m + c.mt - 1) / c.mt) * lanes, panels * ks, 1}, {lanes, ks, 1}};
    if (c.tiled)
        g = (ocl_grid){{(size_t)((a->m + TILE - 1) / TILE) * 16, (panels + 3) / 4 * 16, 1},
                       {16, 16, 1}};
    return ocl_launch(s, k, &g, args, 13);
}
