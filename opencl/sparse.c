/* The host side of sparse.cl and sparse_wide.cl. */
#include "opencl/sparse.h"
#include "opencl/xprep.h"
#include "src/format/format.h"
#include "src/takes.h"

#include <stdio.h>
#include <string.h>

/* Rows of x up to which sparse_few takes them, rows a run of it, rows of W a work-group. */
enum { FEW = 4, FEW_ROWS = 4, GROUP_ITEMS = 128 };

static size_t up4(size_t v) {
    return (v + 3) / 4 * 4;
}

ocl_sparse_shape ocl_sparse_shape_of(const tare_problem *p) {
    ocl_sparse_shape s = {0};
    size_t n = (size_t)p->n, nnz = (size_t)p->nnz, index = 0;
    s.index_at = p->w.layout == TARE_NM ? 0 : (n + 1) * sizeof(uint32_t);
    if (p->w.layout == TARE_CSR) index = up4(nnz * (size_t)TARE_INDEX_BYTES(p->k));
    if (p->w.layout == TARE_BITMAP) s.row_words = (p->k + 31) / 32;
    if (p->w.layout == TARE_NM) {
        int64_t per = 32 / TARE_NM_BITS(p->w.nm_m);
        s.row_words = (format_nm_values(&p->w, p->k) + per - 1) / per;
    }
    if (p->w.layout != TARE_CSR) index = n * (size_t)s.row_words * sizeof(uint32_t);
    s.scales_at = s.index_at + index;
    s.values_at = s.scales_at + (p->w.value == TARE_I8 ? n * sizeof(float) : 0);
    s.bytes = s.values_at + up4(nnz * tare_type_bytes(p->w.value));
    if (p->w.layout == TARE_BITMAP) s.bytes += sizeof(float); /* sparse_wide reads one value past */
    return s;
}

static int refuse(tare_fit *f, const char *why) {
    snprintf(f->why, sizeof f->why, "%s", why);
    return 0;
}

int ocl_sparse_fit(tare_layout which, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(which),
                              .codings = TAKES_FLOATS | TAKES_I8_PLAIN,
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    ocl_sparse_shape s = ocl_sparse_shape_of(p);
    if (s.bytes / 4 > INT32_MAX) return refuse(f, "counts words in 31 bits: W is too large");
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    int few = p->m <= FEW;
    f->packed_bytes = s.bytes;
    f->scratch_bytes = few ? ocl_x_rows_bytes(p) : ocl_x_turned_bytes(p);
    /* Fewer rows than planned may be run, and walk differently. */
    tare_problem least = *p;
    least.m = p->m < FEW ? p->m : FEW;
    if (f->scratch_bytes < ocl_x_rows_bytes(&least)) f->scratch_bytes = ocl_x_rows_bytes(&least);
    f->bytes =
        (double)s.bytes + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 2.0 * (double)p->m * (double)p->nnz;
    f->unit = TARE_PROBE_F32;
    tare_fit_cost(f, r, 0.5, few ? 0.02 * (double)p->m : 0.2);
    return 1;
}

/* ---- packing ---- */

static void pack_codes(const tare_tensor *t, const ocl_sparse_shape *s, uint32_t *out) {
    int64_t count = format_nm_values(&t->format, t->k), m = t->format.nm_m;
    int bits = TARE_NM_BITS(m), per = 32 / bits;
    for (int64_t row = 0; row < t->n; row++, out += s->row_words)
        for (int64_t i = 0; i < count; i++) {
            int64_t col = format_nm_column(t, row, i);
            /* Kept places past k hold 0: any column of x will do. */
            uint32_t code = (uint32_t)(col < t->k ? col % m : 0);
            out[i / per] |= code << (i % per * bits);
        }
}

static void pack_bits(const tare_tensor *t, const ocl_sparse_shape *s, uint32_t *out) {
    const uint64_t *in = t->part[TARE_INDICES].data;
    for (int64_t row = 0; row < t->n; row++, out += s->row_words, in += TARE_BITMAP_WORDS(t->k))
        for (int64_t j = 0; j < s->row_words; j++) out[j] = (uint32_t)(in[j / 2] >> (j % 2 * 32));
}

tare_status ocl_sparse_pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    ocl_sparse_shape s = ocl_sparse_shape_of(p);
    char *out = blob;
    (void)used;
    if (p->w.layout != TARE_NM)
        memcpy(out, t->part[TARE_OFFSETS].data, (size_t)(t->n + 1) * sizeof(uint32_t));
    if (p->w.layout == TARE_CSR && t->nnz)
        memcpy(out + s.index_at, t->part[TARE_INDICES].data, t->part[TARE_INDICES].bytes);
    if (p->w.layout == TARE_BITMAP) pack_bits(t, &s, (uint32_t *)(void *)(out + s.index_at));
    if (p->w.layout == TARE_NM) pack_codes(t, &s, (uint32_t *)(void *)(out + s.index_at));
    if (p->w.value == TARE_I8)
        for (int64_t row = 0; row < t->n; row++)
            ((float *)(void *)(out + s.scales_at))[row] = format_scale(t, row, 0);
    if (t->nnz) memcpy(out + s.values_at, t->part[TARE_VALUES].data, t->part[TARE_VALUES].bytes);
    return TARE_OK;
}

/* ---- running ---- */

typedef struct choice {
    int few, wide, lanes, rows, mt, vm, nv;
    char options[160];
} choice;

static int layout_options(const tare_problem *p, char *out, size_t size) {
    static const char *const value[] = {
        [TARE_F32] = "F32", [TARE_F16] = "F16", [TARE_BF16] = "BF16", [TARE_I8] = "I8"};
    if (p->w.layout == TARE_NM)
        return snprintf(out, size, "-DNM_N=%d -DNM_M=%d -DNM_BITS=%d -DVAL_%s", p->w.nm_n,
                        p->w.nm_m, TARE_NM_BITS(p->w.nm_m), value[p->w.value]);
    return snprintf(out, size, "-D%s -DVAL_%s",
                    p->w.layout == TARE_BITMAP    ? "BITMAP"
                    : TARE_INDEX_BYTES(p->k) == 2 ? "CSR -DCOL16"
                                                  : "CSR",
                    value[p->w.value]);
}

/* CPUs take few rows of x in vectors of 16, where the codes of N:M allow it. */
static int takes_wide(const ocl_device *d, const tare_problem *p) {
    if (d->class != OCL_CPU || d->params.lanes > 1) return 0;
    if (p->w.layout == TARE_BITMAP) return 1;
    return p->w.layout == TARE_NM && 16 % p->w.nm_n == 0;
}

static choice choose(const ocl_device *d, const tare_problem *p, int64_t m) {
    choice c = {.few = m <= FEW, .lanes = d->params.lanes, .mt = m == 1 ? 1 : FEW_ROWS};
    int n = layout_options(p, c.options, sizeof c.options);
    size_t left = sizeof c.options - (size_t)n;
    if (c.lanes > 1) c.lanes = 32; /* a bit of a word each */
    c.rows = c.lanes > 1 ? GROUP_ITEMS / c.lanes : 16;
    while (c.rows > 1 && c.rows * c.lanes > d->max_group) c.rows /= 2;
    c.vm = d->class == OCL_CPU ? 16 : 2;
    c.nv = d->class == OCL_CPU ? (m > 48 ? 4 : m > 32 ? 3 : m > 16 ? 2 : 1) : 1;
    c.wide = c.few && takes_wide(d, p);
    if (c.wide)
        snprintf(c.options + n, left, " -DMT=%d", c.mt);
    else if (c.few)
        snprintf(c.options + n, left, " -DMT=%d -DLANES=%d -DROWS=%d", c.mt, c.lanes, c.rows);
    else
        snprintf(c.options + n, left, " -DVM=%d -DNV=%d", c.vm, c.nv);
    return c;
}

static tare_status kernel_of(ocl_stream *s, const choice *c, cl_kernel *k) {
    if (c->wide) return ocl_kernel(s, "sparse_wide.cl", "sparse_wide", c->options, k);
    return ocl_kernel(s, "sparse.cl", c->few ? "sparse_few" : "sparse_many", c->options, k);
}

/* A run may have fewer rows than planned, and so another kernel. */
tare_status ocl_sparse_prepare(void *state, void *stream, const tare_problem *p) {
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

tare_status ocl_sparse_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    ocl_stream *s = a->stream;
    ocl_sparse_shape q = ocl_sparse_shape_of(p);
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
                      ocl_int((int64_t)(q.scales_at / 4)),
                      ocl_int((int64_t)(q.values_at / 4)),
                      ocl_int(q.row_words),
                      ocl_int(a->m),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(ocl_m_pad(a->m))};
    size_t n = (size_t)p->n, lanes = (size_t)c.lanes, rows = (size_t)c.rows;
    if (c.few) {
        ocl_grid g = {{lanes, n, (size_t)((a->m + c.mt - 1) / c.mt)}, {lanes, rows, 1}};
        return ocl_launch(s, k, &g, args, 14);
    }
    size_t per = (size_t)(c.vm * c.nv), chunks = ((size_t)a->m + per - 1) / per;
    int cpu = s->device->class == OCL_CPU;
    ocl_grid g = {{chunks, n, 1}, {1, 16, 1}};
    if (!cpu) g = (ocl_grid){{chunks, n, 1}, {16, 8, 1}};
    return ocl_launch(s, k, &g, args, 15);
}
