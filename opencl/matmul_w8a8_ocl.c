/* Int8 weights and int8 activations: x is quantised a row on the device, sums are exact. */
#include "opencl/pack.h"
#include "opencl/panel.h"
#include "opencl/rows.h"
#include "src/takes.h"

#include <stdio.h>

enum { COLUMNS = 16, FEW = 4, ROWS = 8, BLOCK = 16, LANES = 64 };

/* Scratch: the codes of x, four a word or each a float in blocks of rows, then its scales. */
static size_t scales_at(const tare_problem *p, int64_t m, int block) {
    size_t words = (size_t)((p->k + 3) / 4);
    if (block) return (size_t)((m + block - 1) / block * block) * words * 4 * sizeof(float);
    return (size_t)m * words * sizeof(uint32_t);
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                                     .codings = TAKES_I8,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_I8,
                                     .wants = TARE_X_I8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    int64_t most = p->w.zero_points ? 65536 : 131072; /* or an i32 sum might not hold it */
    if (p->w.scaling != TARE_SCALE_GROUP && p->k > most) {
        snprintf(f->why, sizeof f->why, "sums in i32: k up to %lld", (long long)most);
        return 0;
    }
    ocl_panel_shape s = ocl_panel_shape_of(p);
    if (s.bytes / 4 > INT32_MAX) {
        snprintf(f->why, sizeof f->why, "counts words in 31 bits: W is too large");
        return 0;
    }
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.bytes;
    f->scratch_bytes = scales_at(p, p->m, p->m > FEW ? BLOCK : 0) + (size_t)p->m * sizeof(float);
    f->bytes =
        (double)s.bytes + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    f->unit = TARE_PROBE_F32; /* what carries the sums, unless the device has dot products */
    double rows = (double)p->m;
    tare_fit_cost(f, r, 0.7, 0.4 * rows / (rows + 3));
    return 1;
}

typedef struct choice {
    int lanes, vn, mt, ks, blocks;
    char quantise[64], options[96];
} choice;

static choice choose(const ocl_device *d, const tare_problem *p, int64_t m) {
    choice c = {.vn = d->params.vn, .ks = d->params.ks, .lanes = d->class == OCL_CPU ? 1 : LANES};
    c.mt = m == 1 ? 1 : m <= FEW || d->params.mt < ROWS ? FEW : ROWS;
    while (c.ks > 1 && COLUMNS / c.vn * c.ks > d->max_group) c.ks /= 2;
    snprintf(c.quantise, sizeof c.quantise, "-DLANES=%d", c.lanes);
    /* Vectors of 16 columns have the registers for 16 rows, if those lie side by side. */
    c.blocks = d->class == OCL_CPU && c.vn == COLUMNS && c.ks == 1 && c.mt == ROWS;
    if (c.blocks && m > ROWS) c.mt = BLOCK;
    int dot = (d->features & OCL_DOT8) && !p->w.zero_points && !c.blocks;
    snprintf(c.options, sizeof c.options, "-DVN=%d -DMT=%d -DKS=%d%s%s%s%s", c.vn, c.mt, c.ks,
             c.blocks ? " -DX_BLOCKS" : "", p->w.zero_points ? " -DZEROS" : "",
             p->w.scaling == TARE_SCALE_GROUP ? " -DGROUPED" : "", dot ? " -DDOT8" : "");
    return c;
}

static tare_status kernels_of(ocl_stream *s, const choice *c, cl_kernel *quantise,
                              cl_kernel *panel) {
    TARE_TRY(ocl_kernel(s, "i8.cl", c->blocks ? "quantise_blocks" : "quantise_rows", c->quantise,
                        quantise));
    return ocl_kernel(s, "i8.cl", "i8_panel", c->options, panel);
}

/* A run may have fewer rows than planned, and so another kernel. */
static tare_status prepare(void *state, void *stream, const tare_problem *p) {
    static const int64_t steps[] = {1, 2, FEW + 1, ROWS + 1};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && steps[i] <= p->m; i++) {
        choice c = choose(((ocl_stream *)stream)->device, p, steps[i]);
        cl_kernel quantise, panel;
        TARE_TRY(kernels_of(stream, &c, &quantise, &panel));
    }
    return TARE_OK;
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    ocl_stream *s = a->stream;
    ocl_panel_shape q = ocl_panel_shape_of(p);
    choice c = choose(s->device, p, a->m);
    uint64_t x_scales = scales_at(p, a->m, c.blocks ? c.mt : 0) / sizeof(float);
    cl_kernel quantise, panel;
    TARE_TRY(kernels_of(s, &c, &quantise, &panel));
    ocl_arg first[] = {ocl_mem(a->x), ocl_int(p->x), ocl_mem(a->scratch), ocl_ulong(x_scales),
                       ocl_int(a->m), ocl_int(p->k), ocl_int(c.mt)};
    size_t items = (size_t)c.lanes, padded = (size_t)((a->m + c.mt - 1) / c.mt * c.mt);
    ocl_grid rows = {{(c.blocks ? padded : (size_t)a->m) * items, 1, 1}, {items, 1, 1}};
    TARE_TRY(ocl_launch(s, quantise, &rows, first, c.blocks ? 7 : 6));
    ocl_arg args[] = {ocl_mem(a->packed),
                      ocl_mem(a->scratch),
                      ocl_mem(a->bias ? (const void *)a->bias : a->packed),
                      ocl_mem(a->y),
                      ocl_int(p->y),
                      ocl_int(p->flags),
                      ocl_int((int64_t)(q.scales_at / 4)),
                      ocl_int((int64_t)(q.zeros_at / 4)),
                      ocl_ulong(x_scales),
                      ocl_int(a->m),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(q.group_words)};
    size_t lanes = (size_t)(COLUMNS / c.vn), ks = (size_t)c.ks;
    ocl_grid g = {{(size_t)((a->m + c.mt - 1) / c.mt) * lanes, (size_t)q.panels * ks, 1},
                  {lanes, ks, 1}};
    return ocl_launch(s, panel, &g, args, 13);
}

const tare_kernel matmul_w8a8_ocl = {
    .name = "matmul_w8a8_ocl",
    .op = TARE_MATMUL,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = ocl_panel_pack,
    .pack_values = ocl_panel_pack_values,
    .unpack_values = ocl_panel_unpack_values,
    .prepare = prepare,
    .run = run,
};
