/* The rows that skip zeros: y = x W^T over CSR and block-sparse weights, CSR being blocks of 1 x 1.
 *
 * x is turned into x^T with rows of x as lanes, so that one stored weight, broadcast, meets up to
 * LANES rows of x in one load each, wherever its column is. W is repacked into one stream:
 *
 *   row block (>= ROWS rows of W)  >  k-block (KB columns)  >  group (RG rows of one block row)
 *     group:  uint32 count, uint16 block column within the k-block [count, padded to even],
 *             float [count][c][RG]
 *
 * A thread takes a row block, and for each chunk of LANES rows of x walks its k-blocks: the slab of
 * x^T of one k-block stays in the first or second cache while all rows of the block use it, and the
 * row block itself stays in the second cache for the next chunk. KB is chosen when packing so that
 * a group has some 32 weights in a k-block: shorter ones pay more for loading and storing their
 * sums than for multiplying. At m = 1 CSR gathers instead (one k-block of 65536).
 *
 * Stored values of every type become floats here; offsets[row blocks + 1] lead the blob. */
#ifndef TARE_CPU_SPARSE_ROWS_H
#define TARE_CPU_SPARSE_ROWS_H

#include "cpu/cpu.h"
#include "src/format/format.h"
#include "src/takes.h"

#include <string.h>

enum { ROWS = 32, LANES = 4 * VL, RG_MAX = 4 };

typedef struct sparse_shape {
    int64_t r, c;     /* block; 1 x 1 for CSR */
    int64_t rg, subs; /* rows of a group, groups of a block row */
    int64_t brs;      /* block rows of a row block */
    int64_t row_blocks, k_pad, kb, kbs;
    int64_t m_pad; /* lanes of x^T */
    size_t x_bytes, tile_bytes;
} sparse_shape;

static sparse_shape shape_of(const tare_problem *p) {
    sparse_shape s = {.r = 1, .c = 1};
    if (p->w.layout == TARE_BLOCK) {
        s.r = p->w.block_r;
        s.c = p->w.block_c;
    }
    s.rg = s.r < RG_MAX ? s.r : RG_MAX;
    s.subs = cpu_ceil_div(s.r, s.rg);
    s.brs = s.r >= ROWS ? 1 : ROWS / s.r;
    s.row_blocks = cpu_ceil_div(p->n, s.brs * s.r);
    s.k_pad = cpu_ceil_div(p->k, s.c) * s.c;
    double density = (double)p->nnz / ((double)p->n * (double)p->k) + 1e-9;
    int64_t want = 128;
    while (want < 4096 && (double)want * density < 32 * (double)s.c) want *= 2;
    if (p->m == 1) want = 65536;
    s.kb = cpu_ceil_div(want, s.c);
    if (s.kb > 65535) s.kb = 65535;
    s.kb *= s.c;
    s.kbs = cpu_ceil_div(s.k_pad, s.kb);
    s.m_pad = cpu_ceil_div(p->m, VL) * VL;
    s.x_bytes = cpu_round_up((size_t)(s.k_pad * s.m_pad) * sizeof(float), 64);
    s.tile_bytes = cpu_round_up((size_t)(s.brs * s.subs * s.rg * LANES) * sizeof(float), 64);
    return s;
}

/* ---- x^T ---- */

/* Columns k0..k1 of chunk `row`.. of x as [k][lanes]; zeros beyond x. */
static void transpose(const tare_run_args *a, int64_t row, int64_t lanes, int64_t k0, int64_t k1,
                      float *out) {
    const tare_problem *p = a->problem;
    for (int64_t l = 0; l < lanes; l++) {
        int64_t end = row + l < a->m ? (k1 < p->k ? k1 : p->k) : k0, j = k0;
        if (p->x == TARE_F32) {
            const float *x = (const float *)a->x + (row + l) * p->k;
            for (; j < end; j++) out[j * lanes + l] = x[j];
        } else
            for (; j < end; j++)
                out[j * lanes + l] = tare_load(p->x, a->x, (size_t)((row + l) * p->k + j));
        for (; j < k1; j++) out[j * lanes + l] = 0;
    }
}

/* ---- one group over one k-block ---- */

/* sums[rg][LANES] += the group's weights times the slab x[kb][nv * VL]. */
INLINE void group(int nv, int rg, int64_t count, int64_t c, const uint16_t *index, const float *w,
                  const float *x, float *sums) {
    vf acc[RG_MAX][4];
#pragma GCC unroll 4
    for (int r = 0; r < rg; r++)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) acc[r][v] = vf_load(sums + r * LANES + v * VL);
    for (int64_t i = 0; i < count; i++) {
        const float *xp = x + index[i] * c * nv * VL;
        for (int64_t q = 0; q < c; q++, w += rg, xp += nv * VL) {
            vf xv[4];
#pragma GCC unroll 4
            for (int v = 0; v < nv; v++) xv[v] = vf_load(xp + v * VL);
#pragma GCC unroll 4
            for (int r = 0; r < rg; r++) {
                vf wv = vf_set(w[r]);
#pragma GCC unroll 4
                for (int v = 0; v < nv; v++) acc[r][v] = vf_fma(wv, xv[v], acc[r][v]);
            }
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rg; r++)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) vf_store(sums + r * LANES + v * VL, acc[r][v]);
}

/* Single weights in pairs with sums of their own: with one or two vectors of lanes the latency of
 * one chain of FMAs would be the limit. */
INLINE void singles(int nv, int64_t count, const uint16_t *index, const float *w, const float *x,
                    float *sums) {
    vf a[4], b[4];
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) {
        a[v] = vf_load(sums + v * VL);
        b[v] = vf_zero();
    }
    int64_t i = 0;
    for (; i + 2 <= count; i += 2) {
        const float *x0 = x + (int64_t)index[i] * nv * VL,
                    *x1 = x + (int64_t)index[i + 1] * nv * VL;
        vf w0 = vf_set(w[i]), w1 = vf_set(w[i + 1]);
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) {
            a[v] = vf_fma(w0, vf_load(x0 + v * VL), a[v]);
            b[v] = vf_fma(w1, vf_load(x1 + v * VL), b[v]);
        }
    }
    if (i < count)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++)
            a[v] = vf_fma(vf_set(w[i]), vf_load(x + (int64_t)index[i] * nv * VL + v * VL), a[v]);
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) vf_store(sums + v * VL, vf_add(a[v], b[v]));
}

INLINE void group_of(int nv, const sparse_shape *s, int64_t count, const uint16_t *index,
                     const float *w, const float *x, float *sums) {
    if (s->rg == 1 && s->c == 1)
        singles(nv, count, index, w, x, sums);
    else if (s->rg == 1)
        group(nv, 1, count, s->c, index, w, x, sums);
    else if (s->rg == 2)
        group(nv, 2, count, s->c, index, w, x, sums);
    else if (s->rg == 3)
        group(nv, 3, count, s->c, index, w, x, sums);
    else
        group(nv, 4, count, s->c, index, w, x, sums);
}

INLINE void group_nv(int nv, const sparse_shape *s, int64_t count, const uint16_t *index,
                     const float *w, const float *x, float *sums) {
    switch (nv) {
    case 1:
        group_of(1, s, count, index, w, x, sums);
        break;
    case 2:
        group_of(2, s, count, index, w, x, sums);
        break;
    case 3:
        group_of(3, s, count, index, w, x, sums);
        break;
    default:
        group_of(4, s, count, index, w, x, sums);
        break;
    }
}

/* ---- row blocks ---- */

/* Row of W of row i of a tile. Groups of a block row may be padded past its r rows. */
static int64_t row_of(const sparse_shape *s, int64_t block, int64_t i, int64_t n) {
    int64_t in = i % (s->subs * s->rg), br = block * s->brs + i / (s->subs * s->rg);
    int64_t row = br * s->r + in;
    return in < s->r && row < n ? row : -1;
}

static void put_row(const tare_run_args *a, int64_t col, int64_t row0, int64_t lanes,
                    const float *sums) {
    const tare_problem *p = a->problem;
    float bias = a->bias ? a->bias[col] : 0;
    for (int64_t l = 0; l < lanes; l++) {
        float v = sums[l] + bias;
        if ((p->flags & TARE_RELU) && v < 0) v = 0; /* NaN stays */
        size_t at = (size_t)((row0 + l) * p->n + col);
        if (p->y == TARE_F32)
            ((float *)a->y)[at] = v;
        else
            tare_store(p->y, a->y, at, v);
    }
}

static void row_block(const tare_run_args *a, const sparse_shape *s, int64_t block, const float *xt,
                      float *tile) {
    const uint64_t *offsets = a->packed;
    int64_t groups = s->brs * s->subs, rows = groups * s->rg;
    for (int64_t m0 = 0; m0 < a->m; m0 += LANES) {
        const char *at = (const char *)a->packed + offsets[block];
        int64_t left = a->m - m0 < LANES ? a->m - m0 : LANES;
        int nv = (int)cpu_ceil_div(left, VL);
        const float *x = xt + m0 * s->k_pad;
        memset(tile, 0, (size_t)(rows * LANES) * sizeof *tile);
        for (int64_t b = 0; b < s->kbs; b++, x += s->kb * nv * VL)
            for (int64_t g = 0; g < groups; g++) {
                uint32_t count = *(const uint32_t *)(const void *)at;
                const uint16_t *index = (const uint16_t *)(const void *)(at + 4);
                const float *w = (const float *)(const void *)(at + 4 + (count + 1) / 2 * 4);
                group_nv(nv, s, count, index, w, x, tile + g * s->rg * LANES);
                at = (const char *)(w + count * (size_t)(s->c * s->rg));
            }
        for (int64_t i = 0; i < rows; i++) {
            int64_t col = row_of(s, block, i, a->problem->n);
            if (col >= 0) put_row(a, col, m0, left, tile + i * LANES);
        }
    }
}

/* CSR at m = 1: sixteen (or eight, or four) columns of x gathered at a time. */
static void row_block_gather(const tare_run_args *a, const sparse_shape *s, int64_t block,
                             const float *x) {
    const char *at = (const char *)a->packed + ((const uint64_t *)a->packed)[block];
    float sums[ROWS] = {0};
    for (int64_t b = 0; b < s->kbs; b++, x += s->kb)
        for (int64_t g = 0; g < s->brs; g++) {
            uint32_t count = *(const uint32_t *)(const void *)at, i = 0;
            const uint16_t *index = (const uint16_t *)(const void *)(at + 4);
            const float *w = (const float *)(const void *)(at + 4 + (count + 1) / 2 * 4);
            vf u = vf_zero(), v = vf_zero();
            for (; i + 2 * VL <= count; i += 2 * VL) {
                u = vf_fma(vf_load(w + i), vf_gather(x, index + i), u);
                v = vf_fma(vf_load(w + i + VL), vf_gather(x, index + i + VL), v);
            }
            float part[VL], sum = 0;
            vf_store(part, vf_add(u, v));
            for (int l = 0; l < VL; l++) sum += part[l];
            for (; i < count; i++) sum += w[i] * x[index[i]];
            sums[g] += sum;
            at = (const char *)(w + count);
        }
    for (int64_t i = 0; i < s->brs; i++) {
        int64_t col = row_of(s, block, i, a->problem->n);
        if (col >= 0) put_row(a, col, 0, 1, sums + i);
    }
}

typedef struct sparse_job {
    const tare_run_args *a;
    sparse_shape s;
    float *xt;
    char *tiles; /* tile_bytes a part */
    int64_t pieces;
} sparse_job;

static void turn_pieces(void *ctx, int64_t from, int64_t to, int part) {
    const sparse_job *j = ctx;
    (void)part;
    for (int64_t i = from; i < to; i++) {
        int64_t m0 = i / j->pieces * LANES, k0 = i % j->pieces * 256, left = j->a->m - m0;
        int64_t lanes = left < LANES ? cpu_ceil_div(left, VL) * VL : LANES;
        int64_t k1 = k0 + 256 < j->s.k_pad ? k0 + 256 : j->s.k_pad;
        transpose(j->a, m0, lanes, k0, k1, j->xt + m0 * j->s.k_pad);
    }
}

static void gather_item(void *ctx, int64_t b, int part) {
    const sparse_job *j = ctx;
    (void)part;
    row_block_gather(j->a, &j->s, b, j->xt);
}

static void block_item(void *ctx, int64_t b, int part) {
    const sparse_job *j = ctx;
    float *tile = (float *)(void *)(j->tiles + (size_t)part * j->s.tile_bytes);
    row_block(j->a, &j->s, b, j->xt, tile);
}

static tare_status sparse_run(const tare_run_args *a) {
    sparse_job j = {.a = a, .s = shape_of(a->problem), .xt = a->scratch};
    j.tiles = (char *)a->scratch + j.s.x_bytes;
    j.pieces = cpu_ceil_div(j.s.k_pad, 256);
    if (a->m == 1 && j.s.r == 1 && j.s.c == 1) {
        transpose(a, 0, 1, 0, j.s.k_pad, j.xt);
        parallel_items(j.s.row_blocks, a->threads, gather_item, &j);
        return TARE_OK;
    }
    int64_t chunks = cpu_ceil_div(a->m, LANES);
    parallel_ranges(chunks * j.pieces, a->threads, turn_pieces, &j);
    parallel_items(j.s.row_blocks, a->threads, block_item, &j);
    return TARE_OK;
}

/* ---- fit and pack ---- */

static size_t stream_bound(const tare_problem *p, const sparse_shape *s) {
    size_t groups = (size_t)(s->row_blocks * s->brs * s->subs * s->kbs);
    size_t blocks = (size_t)(p->nnz / (s->r * s->c)) * (size_t)s->subs;
    return (size_t)(s->row_blocks + 1) * 8 + groups * 8 + blocks * 2 +
           blocks * (size_t)(s->c * s->rg) * sizeof(float) + 64;
}

static int sparse_fit(tare_layout which, const tare_rates *rates, const tare_problem *p,
                      tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(which),
                              .codings = TAKES_FLOATS | TAKES_I8_PLAIN | TAKES_F8,
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    sparse_shape s = shape_of(p);
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = stream_bound(p, &s);
    f->scratch_bytes = s.x_bytes + s.tile_bytes * (size_t)tare_threads();
    f->bytes = (double)f->packed_bytes + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = 2.0 * (double)p->m * (double)p->nnz;
    f->unit = TARE_PROBE_F32;
    /* Lanes past m are computed in vain. A broadcast and a load an FMA bound the rest, and short
     * groups the stream of weights: narrow vectors lose less than their width. Shares measured at
     * 4096 x 4096, 90 %. */
    double used = (double)p->m / (double)s.m_pad, width = (double)VEC_OPS / cpu_f32_ops();
    double share = s.rg > 1 ? 0.3 * (0.3 + 0.7 * width) : 0.18 * (0.5 + 0.5 * width);
    tare_fit_cost(f, rates, 0.4, share * used);
    f->cost_ns += mk * 0.5; /* turning x */
    return 1;
}

typedef struct packer {
    const tare_problem *p;
    const tare_tensor *t;
    sparse_shape s;
    char *at;
    float *weights; /* where the next values go */
} packer;

/* Blocks of block row br whose columns lie in k-block b: [first, end) of the canonical list. */
static void range_of(const packer *k, int64_t br, int64_t b, int64_t *first, int64_t *end) {
    const uint32_t *offsets = k->t->part[TARE_OFFSETS].data;
    int64_t cols = k->s.k_pad / k->s.c, per = k->s.kb / k->s.c;
    int64_t i = offsets[br], last = offsets[br + 1];
    /* Columns ascend: halve. */
    for (int side = 0; side < 2; side++) {
        int64_t lo = i, hi = last, want = (b + side) * per;
        while (lo < hi) {
            int64_t mid = (lo + hi) / 2;
            if (format_index(k->t, cols, mid) < want)
                lo = mid + 1;
            else
                hi = mid;
        }
        *(side ? end : first) = lo;
    }
}

static void pack_group(packer *k, int64_t br, int64_t sub, int64_t b) {
    const sparse_shape *s = &k->s;
    int64_t first = 0, end = 0, cols = s->k_pad / s->c, per = s->kb / s->c;
    if (br * s->r < k->p->n) range_of(k, br, b, &first, &end);
    uint32_t count = (uint32_t)(end - first);
    memcpy(k->at, &count, 4);
    uint16_t *index = (uint16_t *)(void *)(k->at + 4);
    float *w = (float *)(void *)(k->at + 4 + (count + 1) / 2 * 4);
    for (int64_t i = first; i < end; i++) {
        index[i - first] = (uint16_t)(format_index(k->t, cols, i) - b * per);
        for (int64_t r = 0; r < s->rg; r++) {
            double v[256];
            int64_t in = sub * s->rg + r, row = br * s->r + in;
            memset(v, 0, (size_t)s->c * sizeof *v);
            if (in < s->r && row < k->p->n)
                format_coding(&k->p->w)->get(k->t, row, 0, s->c, (i * s->r + in) * s->c, v);
            for (int64_t c = 0; c < s->c; c++)
                w[((i - first) * s->c + c) * s->rg + r] = (float)v[c];
        }
    }
    k->at = (char *)(w + count * (size_t)(s->c * s->rg));
}

static tare_status sparse_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                               size_t *used) {
    packer k = {.p = p, .t = t, .s = shape_of(p)};
    uint64_t *offsets = blob;
    k.at = (char *)blob + (size_t)(k.s.row_blocks + 1) * 8;
    for (int64_t block = 0; block < k.s.row_blocks; block++) {
        offsets[block] = (uint64_t)(k.at - (char *)blob);
        for (int64_t b = 0; b < k.s.kbs; b++)
            for (int64_t g = 0; g < k.s.brs * k.s.subs; g++)
                pack_group(&k, block * k.s.brs + g / k.s.subs, g % k.s.subs, b);
    }
    offsets[k.s.row_blocks] = (uint64_t)(k.at - (char *)blob);
    *used = (size_t)(k.at - (char *)blob);
    return TARE_OK;
}

#endif
