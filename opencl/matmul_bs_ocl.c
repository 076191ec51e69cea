/* Block-sparse weights of any block, float activations (opencl/bs.h has the blob). */
#include "opencl/bs.h"
#include "opencl/pack.h"
#include "opencl/rows.h"
#include "opencl/xprep.h"
#include "src/format/format.h"
#include "src/takes.h"

#include <stdio.h>

enum { FEW = 4, LANES_MAX = 16, ROW_VECTOR = 4 };

ocl_bs_shape ocl_bs_shape_of(const tare_problem *p) {
    ocl_bs_shape s = {.r = p->w.block_r, .c = p->w.block_c};
    s.rv = s.r >= ROW_VECTOR ? ROW_VECTOR : s.r >= 2 ? 2 : 1;
    s.r_pad = (s.r + s.rv - 1) / s.rv * s.rv;
    s.block_rows = (p->n + s.r - 1) / s.r;
    s.block_cols = (p->k + s.c - 1) / s.c;
    s.blocks = p->nnz / (s.r * s.c);
    s.index_at = (size_t)(s.block_rows + 1) * sizeof(uint32_t);
    s.values_at = s.index_at + (size_t)s.blocks * sizeof(uint32_t);
    s.bytes = s.values_at + (size_t)(s.blocks * s.c * s.r_pad) * sizeof(float);
    return s;
}

static int refuse(tare_fit *f, const char *why) {
    snprintf(f->why, sizeof f->why, "%s", why);
    return 0;
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_BLOCK),
                                     .codings = TAKES_FLOATS | TAKES_I8_PLAIN,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    ocl_bs_shape s = ocl_bs_shape_of(p);
    if (s.bytes / 4 > INT32_MAX) return refuse(f, "counts words in 31 bits: W is too large");
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    tare_problem least = *p;
    least.m = p->m < FEW ? p->m : FEW;
    f->packed_bytes = s.bytes;
    f->scratch_bytes = p->m <= FEW ? 0 : ocl_x_turned_bytes(p);
    /* Fewer rows than planned may be run, and read x directly. */
    if (f->scratch_bytes < ocl_x_rows_bytes(&least)) f->scratch_bytes = ocl_x_rows_bytes(&least);
    f->bytes =
        (double)s.bytes + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 2.0 * (double)p->m * (double)p->nnz;
    f->unit = TARE_PROBE_F32;
    tare_fit_cost(f, r, 0.5, p->m <= FEW ? 0.05 * (double)p->m : 0.3);
    return 1;
}

static void pack_block(const tare_tensor *t, const ocl_bs_shape *s, int64_t block_row, int64_t b,
                       float *out) {
    const coding *values = format_coding(&t->format);
    double v[256];
    for (int64_t i = 0; i < s->r && block_row * s->r + i < t->n; i++) {
        values->get(t, block_row * s->r + i, 0, s->c, (b * s->r + i) * s->c, v);
        for (int64_t j = 0; j < s->c; j++) out[j * s->r_pad + i] = (float)v[j];
    }
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    ocl_bs_shape s = ocl_bs_shape_of(p);
    const uint32_t *from = t->part[TARE_OFFSETS].data;
    uint32_t *offsets = blob, *index = (uint32_t *)(void *)((char *)blob + s.index_at);
    float *values = (float *)(void *)((char *)blob + s.values_at);
    (void)used;
    for (int64_t i = 0; i <= s.block_rows; i++) offsets[i] = from[i];
    for (int64_t i = 0; i < s.block_rows; i++)
        for (int64_t b = from[i]; b < from[i + 1]; b++) {
            index[b] = format_index(t, s.block_cols, b);
            pack_block(t, &s, i, b, values + b * s.c * s.r_pad);
        }
    return TARE_OK;
}

/* ---- running ---- */

typedef struct choice {
    int few, lanes, rows, mt, vm, nv;
    char options[96];
} choice;

static choice choose(const ocl_device *d, const tare_problem *p, int64_t m) {
    int rv = (int)ocl_bs_shape_of(p).rv, cpu = d->class == OCL_CPU;
    choice c = {.few = m <= FEW, .mt = m == 1 ? 1 : FEW, .vm = cpu ? 16 : 2};
    c.lanes = d->params.lanes > LANES_MAX ? LANES_MAX : d->params.lanes;
    c.rows = c.lanes > 1 ? 4 : 16;
    while (c.rows > 1 && c.rows * c.lanes > d->max_group) c.rows /= 2;
    c.nv = cpu ? (m > 48 ? 4 : m > 32 ? 3 : m > 16 ? 2 : 1) : 1;
    if (c.few)
        snprintf(c.options, sizeof c.options, "-DRV=%d -DMT=%d -DLANES=%d -DROWS=%d", rv, c.mt,
                 c.lanes, c.rows);
    else
        snprintf(c.options, sizeof c.options, "-DRV=%d -DVM=%d -DNV=%d", rv, c.vm, c.nv);
    return c;
}

static tare_status kernel_of(ocl_stream *s, const choice *c, cl_kernel *k) {
    return ocl_kernel(s, "bs.cl", c->few ? "bs_few" : "bs_many", c->options, k);
}

static tare_status prepare(void *state, void *stream, const tare_problem *p) {
    static const int64_t steps[] = {1, 2, FEW + 1, 17, 33, 49};
    (void)state;
    TARE_TRY(ocl_x_rows_prepare(stream, p));
    if (p->m > FEW) TARE_TRY(ocl_x_turned_prepare(stream));
    for (size_t i = 0; i < sizeof steps / sizeof *steps && steps[i] <= p->m; i++) {
        choice c = choose(((ocl_stream *)stream)->device, p, steps[i]);
        cl_kernel k;
        TARE_TRY(kernel_of(stream, &c, &k));
    }
    return TARE_OK;
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    ocl_stream *s = a->stream;
    ocl_bs_shape q = ocl_bs_shape_of(p);
    choice c = choose(s->device, p, a->m);
    const void *x = a->scratch;
    uint64_t first = 0;
    cl_kernel k;
    TARE_TRY(kernel_of(s, &c, &k));
    TARE_TRY(c.few ? ocl_x_rows(a, 0, &x, &first) : ocl_x_turned(a, 0));
    ocl_arg args[] = {ocl_mem(a->packed),
                      ocl_mem(x),
                      ocl_ulong(first),
                      ocl_mem(a->bias ? (const void *)a->bias : a->packed),
                      ocl_mem(a->y),
                      ocl_int(p->y),
                      ocl_int(p->flags),
                      ocl_int((int64_t)(q.index_at / 4)),
                      ocl_int((int64_t)(q.values_at / 4)),
                      ocl_int(q.r),
                      ocl_int(q.c),
                      ocl_int(q.r_pad),
                      ocl_int(a->m),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(ocl_m_pad(a->m))};
    size_t rows = (size_t)(q.block_rows * (q.r_pad / q.rv));
    if (c.few) {
        size_t lanes = (size_t)c.lanes;
        ocl_grid g = {{lanes, rows, (size_t)((a->m + c.mt - 1) / c.mt)},
                      {lanes, (size_t)c.rows, 1}};
        return ocl_launch(s, k, &g, args, 15);
    }
    size_t per = (size_t)(c.vm * c.nv), chunks = ((size_t)a->m + per - 1) / per;
    ocl_grid g = {{chunks, rows, 1}, {1, 8, 1}};
    if (s->device->class != OCL_CPU) g = (ocl_grid){{chunks, rows, 1}, {16, 4, 1}};
    return ocl_launch(s, k, &g, args, 16);
}

const tare_kernel matmul_bs_ocl = {
    .name = "matmul_bs_ocl",
    .op = TARE_MATMUL,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = pack,
    .pack_values = ocl_bs_pack_values,
    .unpack_values = ocl_bs_unpack_values,
    .prepare = prepare,
    .run = run,
};
