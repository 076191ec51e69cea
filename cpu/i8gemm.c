/* The loops of cpu/i8gemm.h: what fits, where things lie, and a run.
 *
 * A run is one parallel region. x is quantised first, by the calling thread where that takes less
 * than a barrier. Work is split over panels, and over chunks of rows of x where panels are too few;
 * a thread's share is a contiguous range of both, so at m = 1 it reads one stream of memory. */
#include "cpu/i8gemm.h"

#include <tare/bits.h>

#include <stdio.h>
#include <string.h>

enum {
    K_SYMMETRIC = 131072,  /* * 127 * 128 < 2^31 */
    K_ZEROS = 65536,       /* * 127 * 255 < 2^31 */
    SERIAL_CODES = 16384,  /* x smaller than this is quantised by one thread */
    X_BYTES = 1 << 20,     /* of codes of x that a second cache level holds beside panels */
    WORTH_A_THREAD = 65536 /* multiply-adds that pay for waking a thread */
};

void i8_layout_of(const i8_row *r, const tare_problem *p, i8_layout *l) {
    int grouped = p->w.scaling == TARE_SCALE_GROUP;
    int64_t n_pad = cpu_ceil_div(p->n, 16) * 16;
    *l = (i8_layout){.k_pad = cpu_ceil_div(p->k, I8_PAD) * I8_PAD,
                     .panels = cpu_ceil_div(p->n, r->cols),
                     .groups = grouped ? cpu_ceil_div(p->k, p->w.group) : 1};
    l->side_bytes = i8_side_bytes(&p->w, r->cols);
    if (!r->bitmap) l->panel_bytes = l->groups * l->side_bytes + l->k_pad * r->cols * r->bits / 8;
    l->scale_at = 0;
    l->zero_at = n_pad * 4;
    l->offsets_at = (int64_t)cpu_round_up((size_t)n_pad * 8, 64);
    l->panels_at = l->offsets_at;
    if (r->bitmap)
        l->panels_at += (int64_t)cpu_round_up((size_t)(l->panels + 1) * sizeof(int64_t), 64);
    /* The last panel is narrower; counting it whole wastes at most 47 columns of an upper bound. */
    l->total = l->panels_at + l->panels * l->panel_bytes;
    if (r->bitmap) /* masks, codes, ends of slices and panels, and what a vector reads past them */
        l->total +=
            l->panels * (l->k_pad * r->cols / 8 + cpu_ceil_div(l->k_pad, I8_SLICE) * 8 + 64) +
            p->nnz + 64;
}

/* ---- fit ---- */

typedef struct i8_scratch {
    int64_t ldq, q_at, scale_at, minus_at, total;
} i8_scratch;

static i8_scratch scratch_of(const i8_row *r, const tare_problem *p, int64_t m) {
    i8_scratch s = {.ldq = xquant_stride(p->k)};
    int64_t rows = cpu_ceil_div(m, I8_ROWS) * I8_ROWS;
    int64_t groups = p->w.scaling == TARE_SCALE_GROUP ? cpu_ceil_div(p->k, p->w.group) : 1;
    s.scale_at = rows * s.ldq * (r->wide ? 2 : 1);
    s.minus_at = s.scale_at + (int64_t)cpu_round_up((size_t)rows * 4, 64);
    s.total = s.minus_at + rows * groups * 4;
    return s;
}

static int refuse(tare_fit *f, const char *text) {
    snprintf(f->why, sizeof f->why, "%s", text);
    return 0;
}

int i8_fit(const i8_row *r, const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    int64_t most = p->w.zero_points ? K_ZEROS : K_SYMMETRIC;
    if (p->w.scaling != TARE_SCALE_GROUP && p->k > most) {
        snprintf(f->why, sizeof f->why, "i32 sums hold k up to %lld here, k is %lld",
                 (long long)most, (long long)p->k);
        return 0;
    }
    if (p->w.scaling == TARE_SCALE_GROUP && I8_SLICE % p->w.group != 0)
        return refuse(f, "needs a group that divides a slice of k");
    i8_layout l;
    i8_layout_of(r, p, &l);
    f->packed_bytes = (size_t)l.total;
    f->scratch_bytes = (size_t)scratch_of(r, p, p->m).total;
    double m = (double)p->m, n = (double)p->n, k = (double)p->k;
    f->bytes = (double)l.total + m * k * (double)tare_type_bytes(p->x) +
               m * n * (double)tare_type_bytes(p->y);
    f->ops = 2 * (m + r->unpack_rows) * n * k;
    f->unit = TARE_PROBE_I8;
    double op_eff = r->op_eff;
    if (r->plain && rates->i8_gops > rates->f32_gflops)
        op_eff *= rates->f32_gflops / rates->i8_gops;
    tare_fit_cost(f, rates, r->mem_eff, op_eff);
    f->ops = 2 * m * n * k;
    return 1;
}

/* ---- run ---- */

typedef struct i8_job {
    const i8_row *row;
    const tare_run_args *a;
    const tare_problem *p;
    i8_layout layout;
    xquant x;
    int64_t group; /* columns of a scale group, k_pad without groups */
    int64_t chunk; /* rows of x a unit of work */
} i8_job;

/* A unit of work: rows r0.. of x times one panel. */
typedef struct i8_unit {
    int64_t r0, col;
    int32_t rows, cols; /* cols: padded */
    const uint8_t *panel;
} i8_unit;

static void one_tile(const i8_job *j, const i8_unit *u, i8_tile_fn *fn, i8_tile *t, int64_t k0,
                     int32_t *c, int32_t row, int32_t rows) {
    int64_t unit = j->row->wide ? 2 : 1, r = u->r0 + row;
    t->x = (const char *)j->x.q + (r * j->x.ldq + k0) * unit;
    t->minus = j->x.minus + r * j->x.segments + k0 / j->group;
    t->c = c + row * I8_COLS;
    t->rows = rows;
    fn(t);
}

/* All of k at once: the panel streams past a few rows of x. */
static void run_direct(const i8_job *j, const i8_unit *u, i8_tile *t, int32_t *c) {
    int64_t side = i8_side_bytes(&j->p->w, u->cols);
    t->k = j->layout.k_pad;
    t->first = 1;
    t->ahead = I8_AHEAD;
    t->w_step = t->side_step = side + j->group * u->cols * j->row->bits / 8;
    t->side = side ? u->panel : NULL;
    t->w = u->panel + side;
    one_tile(j, u, j->row->direct, t, 0, c, 0, u->rows);
}

static void fetch_x(const i8_job *j, const i8_unit *u, int32_t row, int64_t k0, int64_t k) {
    int64_t unit = j->row->wide ? 2 : 1;
    for (int32_t r = row; r < row + I8_ROWS && r < u->rows; r++) {
        const char *x = (const char *)j->x.q + ((u->r0 + r) * j->x.ldq + k0) * unit;
        for (int64_t b = 0; b < k * unit; b += 64) __builtin_prefetch(x + b, 0, 3);
    }
}

/* Slice by slice: a slice's codes stay in the first cache level for all tiles of the chunk. */
static void run_slices(const i8_job *j, const i8_unit *u, i8_tile *t, int32_t *c, uint8_t *codes) {
    const i8_row *r = j->row;
    int64_t side = i8_side_bytes(&j->p->w, u->cols);
    const uint8_t *from = u->panel;
    int64_t stored = side + j->group * u->cols * r->bits / 8;
    t->side_step = stored;
    t->ahead = 0;
    t->w_step = r->unpack ? j->group * u->cols : stored;
    /* Dense codes need no room of their own: longer slices, fewer visits to c. */
    const int64_t slice = !r->unpack && u->rows > 4 * I8_ROWS ? 2 * I8_SLICE : I8_SLICE;
    for (int64_t k0 = 0; k0 < j->layout.k_pad; k0 += slice) {
        t->k = j->layout.k_pad - k0 < slice ? j->layout.k_pad - k0 : slice;
        t->first = k0 == 0;
        const uint8_t *before = from;
        t->side = side ? from : NULL;
        t->w = from + side;
        if (r->unpack) {
            i8_unpack up = {.from = from,
                            .to = codes,
                            .k = t->k,
                            .group = j->group,
                            .cols = u->cols,
                            .side_bytes = (int32_t)side};
            t->w = codes;
            from = r->unpack(&up);
        } else {
            from += side ? cpu_ceil_div(t->k, j->group) * stored : t->k * u->cols;
        }
        int64_t ahead = k0 + t->k < j->layout.k_pad ? (from - before) : 0, fetched = 0;
        for (int32_t row = 0; row < u->rows; row += I8_ROWS) {
            int64_t share = ahead * (row + I8_ROWS) / u->rows;
            for (; fetched < share && fetched < ahead; fetched += 64)
                __builtin_prefetch(from + fetched, 0, 2);
            fetch_x(j, u, row + I8_ROWS, k0, t->k);
            one_tile(j, u, r->tile, t, k0, c, row,
                     u->rows - row < I8_ROWS ? u->rows - row : I8_ROWS);
        }
    }
}

static void finish(const i8_job *j, const i8_unit *u, const int32_t *c) {
    const tare_problem *p = j->p;
    const char *blob = j->a->packed;
    int64_t left = p->n - u->col;
    int grouped = p->w.scaling == TARE_SCALE_GROUP;
    i8_finish f = {.c = c,
                   .scale = grouped ? NULL : (const float *)(blob + j->layout.scale_at) + u->col,
                   .zero = (const int32_t *)(blob + j->layout.zero_at) + u->col,
                   .xscale = j->x.scale + u->r0,
                   .minus = j->x.minus + u->r0,
                   .bias = j->a->bias ? j->a->bias + u->col : NULL,
                   .y = (char *)j->a->y + (size_t)(u->r0 * p->n + u->col) * tare_type_bytes(p->y),
                   .ldy = p->n,
                   .type = p->y,
                   .relu = (p->flags & TARE_RELU) != 0,
                   .rows = u->rows,
                   .cols = left < u->cols ? (int32_t)left : u->cols};
    j->row->finish(&f);
}

static const uint8_t *panel_of(const i8_job *j, int64_t i) {
    const char *blob = j->a->packed;
    const int64_t *offsets = (const int64_t *)(blob + j->layout.offsets_at);
    return (const uint8_t *)blob + j->layout.panels_at +
           (j->row->bitmap ? offsets[i] : i * j->layout.panel_bytes);
}

static void work(void *ctx, int part, int parts) {
    const i8_job *j = ctx;
    _Alignas(64) int32_t c[I8_CHUNK * I8_COLS];
    _Alignas(64) uint8_t codes[I8_SLICE * I8_COLS];
    int64_t panels = j->layout.panels, total = cpu_ceil_div(j->a->m, j->chunk) * panels;
    int64_t end = parallel_share(total, part + 1, parts);
    i8_tile t = {.ldx = j->x.ldq * (j->row->wide ? 2 : 1),
                 .ldm = j->x.segments,
                 .group = j->group,
                 .zero_points = j->p->w.zero_points};
    for (int64_t i = parallel_share(total, part, parts); i < end; i++) {
        int64_t panel = i % panels;
        i8_unit u = {.r0 = i / panels * j->chunk, .col = panel * j->row->cols};
        int64_t rows = j->a->m - u.r0;
        u.rows = (int32_t)(rows < j->chunk ? rows : j->chunk);
        u.cols = i8_panel_cols(j->row, j->p->n, panel);
        u.panel = panel_of(j, panel);
        t.cols = u.cols;
        if (u.rows <= j->row->direct_rows)
            run_direct(j, &u, &t, c);
        else
            run_slices(j, &u, &t, c, codes);
        finish(j, &u, c);
    }
}

/* A chunk's codes of x stay in the second cache level while the panels stream past it; smaller
 * ones until every thread has work to balance. */
static int64_t choose_chunk(int64_t m, int64_t row_bytes, int64_t panels, int threads) {
    int64_t chunk = I8_CHUNK;
    while (chunk > 4 * I8_ROWS && chunk * row_bytes > X_BYTES) chunk /= 2;
    while (chunk > I8_ROWS && panels * cpu_ceil_div(m, chunk) < 4 * (int64_t)threads) chunk /= 2;
    return chunk;
}

static int choose_threads(const tare_run_args *a) {
    double worth = (double)a->m * (double)a->problem->n * (double)a->problem->k / WORTH_A_THREAD;
    return worth < (double)a->threads ? worth < 1 ? 1 : (int)worth : a->threads;
}

static void set_up(const i8_row *r, const tare_run_args *a, int threads, i8_job *j) {
    const tare_problem *p = a->problem;
    *j = (i8_job){.row = r, .a = a, .p = p};
    i8_layout_of(r, p, &j->layout);
    i8_scratch s = scratch_of(r, p, a->m);
    int grouped = p->w.scaling == TARE_SCALE_GROUP;
    j->group = grouped ? p->w.group : j->layout.k_pad;
    j->chunk = choose_chunk(a->m, s.ldq * (r->wide ? 2 : 1), j->layout.panels, threads);
    j->x = (xquant){.x = a->x,
                    .type = p->x,
                    .k = p->k,
                    .m = a->m,
                    .wide = r->wide,
                    .q = a->scratch,
                    .ldq = s.ldq,
                    .scale = (float *)((char *)a->scratch + s.scale_at),
                    .minus = (int32_t *)((char *)a->scratch + s.minus_at),
                    .segment = grouped ? p->w.group : s.ldq,
                    .segments = j->layout.groups,
                    .factor = 1};
    if (grouped && !p->w.zero_points) j->x.factor = p->w.value == TARE_I4 ? TARE_I4_ZERO : I8_BIAS;
}

static void quantise(void *ctx, int64_t from, int64_t to, int part) {
    const i8_job *j = ctx;
    (void)part;
    j->row->quantise(&j->x, from, to);
}

tare_status i8_run(const i8_row *r, const tare_run_args *a) {
    i8_job job;
    int threads = choose_threads(a);
    set_up(r, a, threads, &job);
    int serial = a->m * a->problem->k <= SERIAL_CODES;
    parallel_ranges(a->m, serial ? 1 : threads, quantise, &job);
    parallel_pieces(threads, work, &job);
    return TARE_OK;
}
