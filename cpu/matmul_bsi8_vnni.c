/* Sparse int8 weights that skip what is zero. Here the lanes are rows of x, not columns of y: four
 * columns of k of 64 rows of x lie side by side, and four codes of W are broadcast against them, so
 * that a 1 x 4 run of W costs its own multiply-adds and no neighbour's.
 *
 * W is cut into strips of H rows, H = 4 where blocks are 4 rows high or a multiple, else 1. A strip
 * keeps the quads of columns in which any of its rows is not zero: their numbers, then H * 4 codes
 * each. x is the unsigned operand, q + 128; -128 * (sum of a row of W) puts it right at the end.
 *
 * Blob: f32 scales, i32 code sums of rows, i64 offsets of panels of I8_COLS rows of W, then a
 * panel's strips: count of quads u32, u32 of padding, u16 numbers padded to 8 bytes, codes. */
#include "cpu/i8pack.h"
#include "cpu/i8vnni.h"
#include "cpu/rows.h"
#include "src/format/format.h"
#include "src/takes.h"

#include <stdio.h>

enum {
    LANES = 64, /* rows of x side by side: four vectors */
    HIGH = 4,
    AHEAD = 2048, /* bytes of codes to prefetch: strips follow one another */
    K_MAX = 131072,
    PANEL = I8_COLS
};

static int64_t strip_rows(const tare_format *f) {
    return f->layout == TARE_BLOCK && f->block_r % HIGH == 0 ? HIGH : 1;
}

typedef struct places {
    int64_t panels, quads, scale_at, sum_at, offsets_at, data_at;
} places;

static places places_of(const tare_problem *p) {
    int64_t n_pad = cpu_ceil_div(p->n, PANEL) * PANEL;
    places a = {.panels = n_pad / PANEL, .quads = cpu_ceil_div(p->k, 4)};
    a.sum_at = n_pad * 4;
    a.offsets_at = n_pad * 8;
    a.data_at = (int64_t)cpu_round_up((size_t)(a.offsets_at + (a.panels + 1) * 8), 64);
    return a;
}

/* ---- fit ---- */

/* Quads that stay, expected from the share of stored values where positions are free; exact for
 * blocks that are whole quads. */
static double kept_quads(const tare_problem *p) {
    double all = (double)p->n * (double)cpu_ceil_div(p->k, 4);
    double share = (double)p->nnz / ((double)p->n * (double)p->k), gone = 1 - share;
    if (share > 1) share = 1, gone = 0;
    if (p->w.layout == TARE_BLOCK && p->w.block_c % 4 == 0) return all * share;
    return all * (1 - gone * gone * gone * gone);
}

typedef struct room {
    int64_t ldq, q_at, scale_at, minus_at, total;
} room;

static room room_of(const tare_problem *p, int64_t m) {
    room s = {.ldq = xquant_stride(p->k)};
    int64_t rows = cpu_ceil_div(m, LANES) * LANES;
    s.q_at = rows * cpu_ceil_div(p->k, 4) * 4; /* the quads of x come first */
    s.q_at = (int64_t)cpu_round_up((size_t)s.q_at, 64);
    s.scale_at = s.q_at + rows * s.ldq;
    s.minus_at = s.scale_at + rows * 4;
    s.total = s.minus_at + rows * 4;
    return s;
}

static int refuse(tare_fit *f, const char *why) {
    snprintf(f->why, sizeof f->why, "%s", why);
    return 0;
}

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts =
                                         TAKES(TARE_BLOCK) | TAKES(TARE_CSR) | TAKES(TARE_BITMAP),
                                     .codings = TAKES_I8_PLAIN,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_I8,
                                     .wants = TARE_X_I8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (p->k > K_MAX) return refuse(f, "i32 sums hold k up to 131072 here");
    places a = places_of(p);
    int64_t strips = a.panels * PANEL / strip_rows(&p->w);
    /* A stored value touches at most one quad of its strip, and a quad at most HIGH * 4 codes. */
    int64_t most = a.panels * PANEL * a.quads, touched = p->nnz * strip_rows(&p->w);
    int64_t quads = touched < most ? touched : most;
    f->packed_bytes = (size_t)(a.data_at + strips * 24 + quads * 6 + 64);
    f->scratch_bytes = (size_t)room_of(p, p->m).total;
    double m = (double)p->m, n = (double)p->n, k = (double)p->k, kept = kept_quads(p);
    double lanes = (double)(cpu_ceil_div(p->m, 16) * 16); /* whole vectors of rows */
    f->bytes = (double)a.data_at + kept * (4 + 2.0 / (double)strip_rows(&p->w)) +
               m * k * (double)tare_type_bytes(p->x) + m * n * (double)tare_type_bytes(p->y);
    f->ops = 8 * kept * lanes;
    f->unit = TARE_PROBE_I8;
    int high = strip_rows(&p->w) == HIGH;
    tare_fit_cost(f, rates, high ? 0.55 : 0.25, high ? 0.6 : 0.3);
    return 1;
}

/* ---- pack ---- */

/* A strip at `to`, or null to learn its size; rows: H rows of codes. */
static int64_t put_strip(const uint8_t *rows, int64_t ld, int64_t quads, int64_t high,
                         uint8_t *to) {
    uint32_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        int64_t codes_at = 8 + (2 * (int64_t)count + 7) / 8 * 8, i = 0;
        if (pass && !to) return (codes_at + 4 * high * count + 7) / 8 * 8;
        for (int64_t q = 0; q < quads; q++) {
            int any = 0;
            for (int64_t r = 0; r < high; r++)
                for (int b = 0; b < 4; b++) any |= rows[r * ld + 4 * q + b] != I8_BIAS;
            if (!any) continue;
            if (!pass) {
                count++;
                continue;
            }
            uint16_t number = (uint16_t)q;
            memcpy(to + 8 + 2 * i, &number, 2);
            for (int64_t r = 0; r < high; r++)
                for (int b = 0; b < 4; b++)
                    to[codes_at + (i * high + r) * 4 + b] = rows[r * ld + 4 * q + b] ^ I8_BIAS;
            i++;
        }
        if (pass) memcpy(to, &count, 4);
    }
    return (8 + (2 * (int64_t)count + 7) / 8 * 8 + 4 * high * count + 7) / 8 * 8;
}

/* All strips of a panel; u has room for HIGH rows of codes. sums: code sums, null when sizing. */
static int64_t put_panel(const tare_tensor *t, int64_t panel, uint8_t *u, uint8_t *to,
                         int32_t *sums) {
    int64_t quads = cpu_ceil_div(t->k, 4), ld = quads * 4, high = strip_rows(&t->format), at = 0;
    for (int64_t r0 = panel * PANEL; r0 < (panel + 1) * PANEL; r0 += high) {
        memset(u, I8_BIAS, (size_t)(high * ld));
        for (int64_t r = 0; r < high && r0 + r < t->n; r++) {
            i8_row_codes(t, r0 + r, u + r * ld);
            for (int64_t k = 0; sums && k < t->k; k++) sums[r0 + r] += u[r * ld + k] - I8_BIAS;
        }
        at += put_strip(u, ld, quads, high, to ? to + at : NULL);
    }
    return at;
}

typedef struct packing {
    const tare_tensor *t;
    uint8_t *u, *data; /* u: `each` bytes a part */
    int64_t *offsets, each;
    int32_t *sums;
} packing;

static void size_panel(void *ctx, int64_t i, int part) {
    const packing *q = ctx;
    q->offsets[i + 1] = put_panel(q->t, i, q->u + part * q->each, NULL, NULL);
}

static void write_panel(void *ctx, int64_t i, int part) {
    const packing *q = ctx;
    put_panel(q->t, i, q->u + part * q->each, q->data + q->offsets[i], q->sums);
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    places a = places_of(p);
    int threads = tare_threads();
    int64_t each = HIGH * a.quads * 4;
    uint8_t *u = tare_alloc((size_t)(each * threads));
    if (!u) TARE_FAIL(TARE_E_NOMEM, "matmul_bsi8_vnni: out of memory while packing");
    float *scale = (float *)((char *)blob + a.scale_at);
    int64_t *offsets = (int64_t *)((char *)blob + a.offsets_at);
    packing q = {.t = t,
                 .u = u,
                 .data = (uint8_t *)blob + a.data_at,
                 .offsets = offsets,
                 .each = each,
                 .sums = (int32_t *)((char *)blob + a.sum_at)};
    for (int64_t i = 0; i < p->n; i++) scale[i] = format_scale(t, i, 0);
    parallel_items(a.panels, threads, size_panel, &q);
    for (int64_t i = 0; i < a.panels; i++) offsets[i + 1] += offsets[i];
    parallel_items(a.panels, threads, write_panel, &q);
    tare_free(u);
    *used = (size_t)(a.data_at + offsets[a.panels]);
    return TARE_OK;
}

/* ---- run ---- */

typedef struct job {
    const tare_run_args *a;
    const tare_problem *p;
    places at;
    room room;
    xquant x;
    uint8_t *xt; /* [m / LANES][quads][lanes of the tile][4]: q + 128 */
    int32_t *minus;
    int64_t high;
} job;

static int64_t tile_lanes(int64_t m, int64_t tile) {
    int64_t left = m - tile * LANES;
    return left >= LANES ? LANES : cpu_ceil_div(left, 16) * 16;
}

/* Quantises 16 rows and lays them side by side: a 16 x 16 transpose of quads at a time would save
 * little of a step that is 1 % of a run. */
static void put_x(const job *j, int64_t block) {
    int64_t r0 = block * 16, r1 = r0 + 16 < j->a->m ? r0 + 16 : j->a->m;
    int64_t tile = r0 / LANES, lanes = tile_lanes(j->a->m, tile);
    uint8_t *to = j->xt + tile * LANES * j->at.quads * 4 + r0 % LANES * 4;
    const __m512i bias = _mm512_set1_epi8((char)I8_BIAS);
    const __m512i row =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32((int)j->x.ldq));
    const __mmask16 real = (__mmask16)((1u << (r1 - r0)) - 1);
    const char *q = (const char *)j->x.q + r0 * j->x.ldq;
    xquant_vnni(&j->x, r0, r1);
    for (int64_t i = r0; i < r1; i++) j->minus[i] = -I8_BIAS;
    for (int64_t k = 0; k < j->at.quads; k++) {
        __m512i v = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), real, row, q + 4 * k, 1);
        _mm512_store_si512(to + k * lanes * 4, _mm512_xor_si512(v, bias));
    }
}

/* One strip of H rows of W against V vectors of 16 rows of x: sums to columns of c. */
static inline __attribute__((always_inline)) const uint8_t *
strip(const uint8_t *at, const uint8_t *x, int32_t *c, int H, int V) {
    uint32_t count;
    memcpy(&count, at, 4);
    const uint16_t *number = (const uint16_t *)(at + 8);
    const int8_t *w = (const int8_t *)at + 8 + (2 * (size_t)count + 7) / 8 * 8;
    __m512i acc[HIGH][4];
#pragma GCC unroll 4
    for (int h = 0; h < H; h++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) acc[h][v] = _mm512_setzero_si512();
    for (uint32_t i = 0; i < count; i++, w += 4 * H) {
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        const uint8_t *xq = x + (size_t)number[i] * (size_t)(64 * V);
        __m512i u[4];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) u[v] = _mm512_load_si512(xq + 64 * v);
#pragma GCC unroll 4
        for (int h = 0; h < H; h++) {
            __m512i four = vnni_four(w + 4 * h);
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) acc[h][v] = _mm512_dpbusd_epi32(acc[h][v], u[v], four);
        }
    }
    const __m512i row =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32(I8_COLS));
#pragma GCC unroll 4
    for (int h = 0; h < H; h++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++)
            _mm512_i32scatter_epi32(c + 16 * v * I8_COLS + h, row, acc[h][v], 4);
    return (const uint8_t *)(((uintptr_t)(w) + 7) & ~(uintptr_t)7);
}

static inline __attribute__((always_inline)) void panel(const uint8_t *at, const uint8_t *x,
                                                        int32_t *c, int H, int V) {
    for (int col = 0; col < PANEL; col += H) at = strip(at, x, c + col, H, V);
}

static inline __attribute__((always_inline)) void by_lanes(const uint8_t *at, const uint8_t *x,
                                                           int32_t *c, int H, int64_t lanes) {
    if (lanes > 48)
        panel(at, x, c, H, 4);
    else if (lanes > 32)
        panel(at, x, c, H, 3);
    else if (lanes > 16)
        panel(at, x, c, H, 2);
    else
        panel(at, x, c, H, 1);
}

static void finish(const job *j, int64_t tile, int64_t i, const int32_t *c) {
    const char *blob = j->a->packed;
    int64_t r0 = tile * LANES, col = i * PANEL, left = j->p->n - col, rows = j->a->m - r0;
    i8_finish f = {.c = c,
                   .scale = (const float *)(blob + j->at.scale_at) + col,
                   .zero = (const int32_t *)(blob + j->at.sum_at) + col,
                   .xscale = j->x.scale + r0,
                   .minus = j->minus + r0,
                   .bias = j->a->bias ? j->a->bias + col : NULL,
                   .y = (char *)j->a->y + (size_t)(r0 * j->p->n + col) * tare_type_bytes(j->p->y),
                   .ldy = j->p->n,
                   .type = j->p->y,
                   .relu = (j->p->flags & TARE_RELU) != 0,
                   .rows = rows < LANES ? (int32_t)rows : LANES,
                   .cols = left < PANEL ? (int32_t)left : PANEL};
    i8_finish_vnni(&f);
}

static void work(void *ctx, int part, int parts) {
    const job *j = ctx;
    _Alignas(64) int32_t c[LANES * I8_COLS];
    const uint8_t *data = (const uint8_t *)j->a->packed + j->at.data_at;
    const int64_t *offsets = (const int64_t *)((const char *)j->a->packed + j->at.offsets_at);
    int64_t total = cpu_ceil_div(j->a->m, LANES) * j->at.panels;
    int64_t end = parallel_share(total, part + 1, parts);
    for (int64_t u = parallel_share(total, part, parts); u < end; u++) {
        int64_t tile = u / j->at.panels, i = u % j->at.panels, lanes = tile_lanes(j->a->m, tile);
        const uint8_t *x = j->xt + tile * LANES * j->at.quads * 4;
        if (j->high == HIGH)
            by_lanes(data + offsets[i], x, c, HIGH, lanes);
        else
            by_lanes(data + offsets[i], x, c, 1, lanes);
        finish(j, tile, i, c);
    }
}

static void set_up(const tare_run_args *a, job *j) {
    const tare_problem *p = a->problem;
    char *s = a->scratch;
    *j = (job){.a = a, .p = p, .at = places_of(p), .room = room_of(p, a->m)};
    j->high = strip_rows(&p->w);
    j->xt = (uint8_t *)s;
    j->minus = (int32_t *)(s + j->room.minus_at);
    j->x = (xquant){.x = a->x,
                    .type = p->x,
                    .k = p->k,
                    .m = a->m,
                    .q = s + j->room.q_at,
                    .ldq = j->room.ldq,
                    .scale = (float *)(s + j->room.scale_at),
                    .minus = j->minus, /* sums of x are not used: overwritten */
                    .segment = j->room.ldq,
                    .segments = 1,
                    .factor = 1};
}

static void put_blocks(void *ctx, int64_t from, int64_t to, int part) {
    (void)part;
    for (int64_t b = from; b < to; b++) put_x(ctx, b);
}

static tare_status run(const tare_run_args *a) {
    job j;
    set_up(a, &j);
    parallel_ranges(cpu_ceil_div(a->m, 16), a->threads, put_blocks, &j);
    parallel_pieces(a->threads, work, &j);
    return TARE_OK;
}

const tare_kernel matmul_bsi8_vnni = {
    .name = "matmul_bsi8_vnni",
    .op = TARE_MATMUL,
    .needs = CPU_VNNI,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
