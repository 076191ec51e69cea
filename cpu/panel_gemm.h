/* The GEMM that every float row shares: y = x W^T over weights packed in panels, with the decoding
 * of a weight as the only thing that differs.
 *
 * A panel is NR = NV * VL neighbouring rows of W, laid out so that a run walks it once from front
 * to back. Each file that includes this body has included one vec_*.h and defines before:
 *
 *   WSTEP         columns of W (values of k) that one step decodes; k is padded to it
 *   wcursor       a type: where in a panel the decoder stands
 *   w_open(c, a, panel)          puts it at the front of a panel
 *   w_next(c, i, j)              vector j of column i of the step, i = 0..WSTEP-1 outer, j inner
 *   w_step(c)                    moves to the next step
 *   w_scales(a, panel)           NR factors for the columns of y, or null
 *
 * and, where a scale belongs to a run of columns, W_SEGMENTS with
 *
 *   w_segment(c, steps)          how many of the next `steps` share scales; reads those scales
 *   w_fold(c, j, v)              sums of vector j times their scale
 *
 * and, where decoding differs by a property of the whole matrix, W_KINDS (2 or 3) with w_kind(c)
 * and w_set_kind(c, kind): tiles are compiled for each kind, so that no weight pays for the
 * question.
 *
 * Up to MR rows of x each weight is decoded in registers, used MR times and never stored. With more
 * rows a block of KC columns is decoded into a buffer once and then multiplied by every MR rows
 * (Goto and van de Geijn, Anatomy of high-performance matrix multiplication, section 4; the packing
 * of B is our decoding). Sums of a tile live in registers over a block and in the C tile between
 * blocks: the epilogue reads them there, because gcc 12 spills all of them where it is fused to the
 * loop. */
#ifndef TARE_CPU_PANEL_GEMM_H
#define TARE_CPU_PANEL_GEMM_H

#include "cpu/cpu.h"
#include "cpu/panel_x.h"

enum { KC = 256 };

/* ---- sizes, the same in fit and run ---- */

typedef struct panel_shape {
    int64_t panels, k_pad, m_pad; /* m_pad: rounded up to MR when packed */
    int packed_x;                 /* x is rewritten as [m / MR][k_pad][MR] */
    int copied_x;                 /* x is rewritten as [m][k_pad] floats */
    size_t x_bytes, thread_bytes;
} panel_shape;

/* Rows of x that share one decoding of a panel: the C tile stays in the second-level cache. */
enum { M_CHUNK = 512 / MR * MR };

static panel_shape shape_of(const tare_problem *p, int64_t m) {
    panel_shape s = {.panels = cpu_ceil_div(p->n, NR), .k_pad = cpu_ceil_div(p->k, WSTEP) * WSTEP};
    s.packed_x = m > MR;
    s.copied_x = !s.packed_x && (p->x != TARE_F32 || s.k_pad != p->k);
    s.m_pad = s.packed_x ? cpu_ceil_div(m, MR) * MR : m;
    s.x_bytes = s.packed_x || s.copied_x ? (size_t)(s.m_pad * s.k_pad) * sizeof(float) : 0;
    s.x_bytes = cpu_round_up(s.x_bytes, 64);
    int64_t rows = s.m_pad < M_CHUNK ? cpu_ceil_div(s.m_pad, MR) * MR : M_CHUNK;
    s.thread_bytes = (size_t)(rows * NR + (s.packed_x ? KC * NR : 0)) * sizeof(float);
    s.thread_bytes = cpu_round_up(s.thread_bytes, 64);
    return s;
}

static size_t scratch_of(const tare_problem *p) {
    panel_shape s = shape_of(p, p->m), one = shape_of(p, p->m < MR ? p->m : MR);
    size_t a = s.x_bytes + s.thread_bytes * (size_t)tare_threads();
    size_t b =
        one.x_bytes + one.thread_bytes * (size_t)tare_threads(); /* fewer rows than planned */
    return a > b ? a : b;
}

/* Bytes, operations and cost of a run. With many rows of x a tile reaches OP_SHARE of what its
 * vectors could do; decoding a weight costs about what three more rows would. Both were measured
 * at 4096 x 4096, m 1..128, on AVX-512 and AVX2. */
#define OP_SHARE 0.88
static void panel_fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    double mn = (double)p->m * (double)p->n, mk = (double)p->m * (double)p->k;
    f->scratch_bytes = scratch_of(p);
    f->bytes = (double)f->packed_bytes + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    f->unit = TARE_PROBE_F32;
    double rows = (double)p->m, width = (double)VEC_OPS / cpu_f32_ops();
    tare_fit_cost(f, rates, 0.9, OP_SHARE * width * rows / (rows + 3));
}

/* ---- tiles ---- */

#ifndef W_SEGMENTS
INLINE int64_t w_segment(wcursor *w, int64_t steps) {
    (void)w;
    return steps;
}
INLINE vf w_fold(const wcursor *w, int j, vf v) {
    (void)w, (void)j;
    return v;
}
#endif
#ifndef W_KINDS
#define W_KINDS 1
INLINE int w_kind(const wcursor *w) {
    (void)w;
    return 0;
}
INLINE void w_set_kind(wcursor *w, int kind) {
    (void)w, (void)kind;
}
#endif

/* How far before its use a weight is asked for, in bytes: the hardware alone leaves a third of the
 * bandwidth unused where few bytes feed much decoding. */
enum { AHEAD = 8192 };
INLINE void ahead(const void *at, int bytes) {
    for (int b = 0; b < bytes; b += 64) __builtin_prefetch((const char *)at + AHEAD + b);
}

/* mr rows of x, `steps` steps of a panel, decoded in registers: C = x W^T. One row alone has too
 * few sums to hide the latency of an FMA: odd columns get their own. */
INLINE void tile_direct(int mr, int kind, const wcursor *from, int64_t steps, const float *x,
                        int64_t ldx, float *c) {
    wcursor local = *from, *w = &local; /* local, so that it lives in registers */
    w_set_kind(w, kind);
    for (int first = 1; steps > 0; first = 0) {
        int64_t segment = w_segment(w, steps);
        vf acc[MR][NV], odd[NV];
#pragma GCC unroll 8
        for (int r = 0; r < mr; r++)
#pragma GCC unroll 8
            for (int j = 0; j < NV; j++) acc[r][j] = vf_zero();
#pragma GCC unroll 8
        for (int j = 0; j < NV; j++) odd[j] = vf_zero();
        for (const float *end = x + segment * WSTEP; x < end; x += WSTEP) {
#pragma GCC unroll 8
            for (int i = 0; i < WSTEP; i++) {
                vf b[NV];
#pragma GCC unroll 8
                for (int j = 0; j < NV; j++) b[j] = w_next(w, i, j);
#pragma GCC unroll 8
                for (int r = 0; r < mr; r++) {
                    vf v = vf_set(x[r * ldx + i]);
#pragma GCC unroll 8
                    for (int j = 0; j < NV; j++) {
                        if (mr == 1 && i % 2)
                            odd[j] = vf_fma(v, b[j], odd[j]);
                        else
                            acc[r][j] = vf_fma(v, b[j], acc[r][j]);
                    }
                }
            }
            w_step(w);
        }
#pragma GCC unroll 8
        for (int r = 0; r < mr; r++)
#pragma GCC unroll 8
            for (int j = 0; j < NV; j++) {
                vf v = w_fold(w, j, mr == 1 ? vf_add(acc[r][j], odd[j]) : acc[r][j]);
                float *at = c + r * NR + j * VL;
                vf_store(at, first ? v : vf_add(v, vf_load(at)));
            }
        steps -= segment;
    }
}

/* mr rows of packed x times kc decoded columns, the first nv vectors of them. Meanwhile the next
 * block of weights is fetched, a line a column, so that decoding it does not wait for memory;
 * stride 0 when that is done. */
INLINE void tile_buffer(int mr, int nv, const float *b, int64_t kc, const float *x, int first_block,
                        float *c, const char *next, int64_t stride) {
    vf acc[MR][NV];
#pragma GCC unroll 8
    for (int r = 0; r < mr; r++)
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            acc[r][j] = first_block ? vf_zero() : vf_load(c + r * NR + j * VL);
    for (int64_t i = 0; i < kc; i++, x += MR, b += NR, next += stride) {
        __builtin_prefetch(next, 0, 2);
        vf w[NV];
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++) w[j] = vf_load(b + j * VL);
#pragma GCC unroll 8
        for (int r = 0; r < mr; r++) {
            vf v = vf_set(x[r]);
#pragma GCC unroll 8
            for (int j = 0; j < nv; j++) acc[r][j] = vf_fma(v, w[j], acc[r][j]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < mr; r++)
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++) vf_store(c + r * NR + j * VL, acc[r][j]);
}

/* The row count and the kind as constants, so that sums are registers. */
INLINE void direct_of(int mr, int kind, const wcursor *w, int64_t steps, const float *x,
                      int64_t ldx, float *c) {
    switch (mr) {
    case 1:
        tile_direct(1, kind, w, steps, x, ldx, c);
        break;
    case 2:
        tile_direct(2, kind, w, steps, x, ldx, c);
        break;
    case 3:
        tile_direct(3, kind, w, steps, x, ldx, c);
        break;
    case 4:
        tile_direct(4, kind, w, steps, x, ldx, c);
        break;
#if TILE_ROWS > 4
    case 5:
        tile_direct(5, kind, w, steps, x, ldx, c);
        break;
    case 6:
        tile_direct(6, kind, w, steps, x, ldx, c);
        break;
#endif
#if TILE_ROWS > 6
    case 7:
        tile_direct(7, kind, w, steps, x, ldx, c);
        break;
    case 8:
        tile_direct(8, kind, w, steps, x, ldx, c);
        break;
#endif
    default:
        break;
    }
}

static void direct(int mr, const wcursor *w, int64_t steps, const float *x, int64_t ldx, float *c) {
    int kind = w_kind(w);
    if (kind == 0) direct_of(mr, 0, w, steps, x, ldx, c);
    if (W_KINDS > 1 && kind == 1) direct_of(mr, 1, w, steps, x, ldx, c);
    if (W_KINDS > 2 && kind == 2) direct_of(mr, 2, w, steps, x, ldx, c);
}

/* The last panel of a W whose rows end within it: whole tiles of fewer vectors, or a small n would
 * pay for columns that are not there. */
static void buffered_narrow(int nv, const float *b, int64_t kc, const float *x, int first_block,
                            float *c, const char *next, int64_t stride) {
    if (nv == 1)
        tile_buffer(MR, 1, b, kc, x, first_block, c, next, stride);
    else
        tile_buffer(MR, 2, b, kc, x, first_block, c, next, stride);
}

static void buffered(int mr, const float *b, int64_t kc, const float *x, int first_block, float *c,
                     const char *next, int64_t stride) {
    switch (mr) {
    case 1:
        tile_buffer(1, NV, b, kc, x, first_block, c, next, stride);
        break;
    case 2:
        tile_buffer(2, NV, b, kc, x, first_block, c, next, stride);
        break;
    case 3:
        tile_buffer(3, NV, b, kc, x, first_block, c, next, stride);
        break;
    case 4:
        tile_buffer(4, NV, b, kc, x, first_block, c, next, stride);
        break;
#if TILE_ROWS > 4
    case 5:
        tile_buffer(5, NV, b, kc, x, first_block, c, next, stride);
        break;
    case 6:
        tile_buffer(6, NV, b, kc, x, first_block, c, next, stride);
        break;
#endif
#if TILE_ROWS > 6
    case 7:
        tile_buffer(7, NV, b, kc, x, first_block, c, next, stride);
        break;
    case 8:
        tile_buffer(8, NV, b, kc, x, first_block, c, next, stride);
        break;
#endif
    default:
        break;
    }
}

/* ---- epilogue ---- */

/* rows x NR sums of a panel to y: times the scale of each column (null: 1), bias, ReLU, type. */
static void epilogue(const tare_run_args *a, int64_t panel, int64_t row, int64_t rows,
                     const float *c, const float *scales) {
    const tare_problem *p = a->problem;
    int64_t n0 = panel * NR, cols = p->n - n0 < NR ? p->n - n0 : NR;
    float bias[NR] = {0};
    for (int64_t j = 0; a->bias && j < cols; j++) bias[j] = a->bias[n0 + j];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < cols; j += VL) {
            vf v = vf_load(c + r * NR + j);
            if (scales) v = vf_mul(v, vf_load(scales + j));
            if (a->bias) v = vf_add(v, vf_load(bias + j));
            if (p->flags & TARE_RELU) v = vf_max(vf_zero(), v);
            int64_t at = (row + r) * p->n + n0 + j, left = cols - j < VL ? cols - j : VL;
            if (p->y == TARE_F32) vf_put_f32((float *)a->y + at, v, left);
            if (p->y == TARE_F16) vf_put_f16((uint16_t *)a->y + at, v, left);
            if (p->y == TARE_BF16) vf_put_bf16((uint16_t *)a->y + at, v, left);
        }
}

/* ---- the two ways through a panel ---- */

static void panel_direct(const tare_run_args *a, panel_shape s, int64_t panel, const float *x,
                         float *own) {
    wcursor w;
    w_open(&w, a, panel);
    direct((int)a->m, &w, s.k_pad / WSTEP, x, s.k_pad, own);
    epilogue(a, panel, 0, a->m, own, w_scales(a, panel));
}

INLINE void decode_of(int kind, wcursor *w, int64_t columns, float *b) {
    wcursor local = *w, *at = &local; /* local, so that stores to b can't change it */
    w_set_kind(at, kind);
    for (int64_t i = 0; i < columns;) {
        int64_t segment = w_segment(at, (columns - i) / WSTEP);
        for (int64_t end = i + segment * WSTEP; i < end; i += WSTEP) {
#pragma GCC unroll 8
            for (int q = 0; q < WSTEP; q++)
#pragma GCC unroll 8
                for (int j = 0; j < NV; j++)
                    vf_store(b + (i + q) * NR + j * VL, w_fold(at, j, w_next(at, q, j)));
            w_step(at);
        }
    }
    *w = local;
}

static void decode_block(wcursor *w, int64_t columns, float *b) {
    int kind = w_kind(w);
    if (kind == 0) decode_of(0, w, columns, b);
    if (W_KINDS > 1 && kind == 1) decode_of(1, w, columns, b);
    if (W_KINDS > 2 && kind == 2) decode_of(2, w, columns, b);
}

/* Rows row0..row1 of x, a multiple of MR from the start. */
static void panel_buffered(const tare_run_args *a, panel_shape s, int64_t panel, int64_t row0,
                           int64_t row1, const float *x, float *own) {
    float *b = own, *c = own + KC * NR;
    int64_t columns = a->problem->n - panel * NR;
    int nv = columns < NR ? (int)cpu_ceil_div(columns, VL) : NV;
    wcursor w;
    w_open(&w, a, panel);
    for (int64_t k0 = 0; k0 < s.k_pad; k0 += KC) {
        int64_t kc = s.k_pad - k0 < KC ? s.k_pad - k0 : KC, fetched = 0;
        const char *from = (const char *)w.at;
        decode_block(&w, kc, b);
        /* The next block takes about as many bytes as this one did. */
        int64_t bytes = (const char *)w.at - from;
        for (int64_t r = row0; r < row1; r += MR, fetched += 64 * kc) {
            int mr = row1 - r < MR ? (int)(row1 - r) : MR;
            const char *next = (const char *)w.at + (fetched < bytes ? fetched : 0);
            const float *xs = x + r * s.k_pad + k0 * MR;
            int64_t stride = fetched < bytes ? 64 : 0;
            if (nv < NV)
                buffered_narrow(nv, b, kc, xs, k0 == 0, c + (r - row0) * NR, next, stride);
            else
                buffered(mr, b, kc, xs, k0 == 0, c + (r - row0) * NR, next, stride);
        }
    }
    epilogue(a, panel, row0, row1 - row0, c, w_scales(a, panel));
}

/* ---- run ---- */

typedef struct panel_job {
    const tare_run_args *a;
    panel_shape s;
    const float *x;
    char *own; /* thread_bytes a part */
    int64_t chunk, chunks;
} panel_job;

static float *own_of(const panel_job *j, int part) {
    return (float *)(void *)(j->own + (size_t)part * j->s.thread_bytes);
}

/* Each thread walks neighbouring panels: one sequential stream of weights a thread. */
static void small_panels(void *ctx, int64_t from, int64_t to, int part) {
    const panel_job *j = ctx;
    for (int64_t p = from; p < to; p++) panel_direct(j->a, j->s, p, j->x, own_of(j, part));
}

static void run_small(const tare_run_args *a, panel_shape s) {
    float *xs = a->scratch;
    if (s.copied_x)
        for (int64_t r = 0; r < a->m; r++) read_floats(a, r, 0, s.k_pad, xs + r * s.k_pad);
    panel_job j = {
        .a = a, .s = s, .x = s.copied_x ? xs : a->x, .own = (char *)a->scratch + s.x_bytes};
    parallel_ranges(s.panels, a->threads, small_panels, &j);
}

/* Pieces of work a thread, at least, and rows below which decoding a panel again is not worth it.
 */
enum { PIECES = 8, LEAST_ROWS = 64 / MR * MR };

static void pack_blocks(void *ctx, int64_t from, int64_t to, int part) {
    const panel_job *j = ctx;
    float *xs = j->a->scratch;
    (void)part;
    for (int64_t b = from; b < to; b++)
        pack_rows(j->a, b * MR, j->s.k_pad, xs + b * MR * j->s.k_pad);
}

static void large_item(void *ctx, int64_t i, int part) {
    const panel_job *j = ctx;
    int64_t row0 = i % j->chunks * j->chunk, row1 = row0 + j->chunk;
    if (row1 > j->a->m) row1 = j->a->m;
    panel_buffered(j->a, j->s, i / j->chunks, row0, row1, j->x, own_of(j, part));
}

/* Work is cut into panels and, where those are few, into chunks of rows; threads take what is next,
 * since a shared machine's cores are not alike. */
static void run_large(const tare_run_args *a, panel_shape s) {
    int64_t blocks = s.m_pad / MR, want = cpu_ceil_div(PIECES * a->threads, s.panels);
    int64_t chunk = cpu_ceil_div(blocks, want) * MR;
    if (chunk < LEAST_ROWS) chunk = LEAST_ROWS;
    if (chunk > M_CHUNK) chunk = M_CHUNK;
    panel_job j = {.a = a,
                   .s = s,
                   .x = a->scratch,
                   .own = (char *)a->scratch + s.x_bytes,
                   .chunk = chunk,
                   .chunks = cpu_ceil_div(a->m, chunk)};
    parallel_ranges(blocks, a->threads, pack_blocks, &j);
    parallel_items(s.panels * j.chunks, a->threads, large_item, &j);
}

static tare_status panel_run(const tare_run_args *a) {
    panel_shape s = shape_of(a->problem, a->m);
    if (s.packed_x)
        run_large(a, s);
    else
        run_small(a, s);
    return TARE_OK;
}

#endif
