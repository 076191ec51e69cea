/* Integer matmul shared by every row that multiplies int8 activations: the loops, not the
 * instructions.
 *
 * Weights are codes u in 0..255 with w = scale * (u - zero); int8 weights are stored as u = q +
 * 128, int4 as their nibble. A panel is `cols` columns of y (rows of W) over all of k:
 * [k/kstep][cols][kstep] codes, so that one vector meets kstep values of x broadcast to its lanes.
 * What a panel holds is its row's business: the codes themselves ("dense"), nibbles, a bitmap with
 * packed values. `direct` multiplies such a panel by a few rows of x while it streams past, once;
 * for more rows `unpack` writes a slice as dense codes into a buffer in the first cache level and
 * `tile` runs over it for each tile of x.
 *
 * Every product and every sum of a scale group is exact in i32:
 *   sum q (u - zero) = sum q u + zero * minus,  minus = -sum q.
 * Sums wrap modulo 2^32 on the way; the end fits because i8_fit refuses longer k. */
#ifndef TARE_CPU_I8GEMM_H
#define TARE_CPU_I8GEMM_H

#include "cpu/xquant.h"

enum {
    I8_COLS = 48,    /* widest panel */
    I8_ROWS = 8,     /* tallest tile */
    I8_CHUNK = 128,  /* rows of x that share an unpacked slice */
    I8_SLICE = 256,  /* columns of a slice: 12 KiB of codes; a multiple of every group */
    I8_AHEAD = 8192, /* bytes of a streaming panel to prefetch */
    I8_PAD = 16,     /* k is padded to this with codes that meet x = 0 */
};

/* A tile: rows x cols sums over k columns. Rows of x, minus and c up to the next power of two exist
 * and may be worked on. */
typedef struct i8_tile {
    const uint8_t *w; /* first code of the slice */
    const uint8_t
        *side;      /* first group's scales (f16[cols]) and zeros (u8[cols]); null: row scales */
    int64_t w_step; /* bytes from group to group */
    int64_t side_step;
    int64_t ahead;        /* bytes: how far before use to prefetch w; 0 where it is in cache */
    const void *x;        /* codes of x, at the slice's first column */
    int64_t ldx;          /* bytes from row to row */
    const int32_t *minus; /* groups: of the first group, times the zero where it is constant */
    int64_t ldm;
    void *c;       /* [rows][I8_COLS]: i32 sums of q u, or with groups f32 sums of scaled groups */
    int64_t k;     /* a multiple of I8_PAD */
    int64_t group; /* columns of a group */
    int32_t rows, cols;
    int32_t first; /* 1: c is written, 0: added to */
    int32_t zero_points;
} i8_tile;
typedef void i8_tile_fn(const i8_tile *t);

/* Sums to y: rows x cols elements. */
typedef struct i8_finish {
    const void *c;
    const float *scale; /* row scales: c is i32; null: c is f32 */
    const int32_t *zero;
    const float *xscale;
    const int32_t *minus; /* one a row of x, used with row scales */
    const float *bias;    /* null: none */
    void *y;
    int64_t ldy; /* elements */
    tare_type type;
    int32_t relu, rows, cols;
} i8_finish;
typedef void i8_finish_fn(const i8_finish *f);

/* One slice of a panel to dense codes; returns where the next slice of the panel starts. */
typedef struct i8_unpack {
    const uint8_t *from;
    uint8_t *to;
    int64_t k, group;
    int32_t cols, side_bytes;
} i8_unpack;
typedef const uint8_t *i8_unpack_fn(const i8_unpack *u);

/* What a row's file says of itself. */
typedef struct i8_row {
    const char *name;
    int32_t cols, align; /* panel width, and what the last, narrower one is a multiple of */
    int32_t kstep;
    int32_t bits;        /* of a stored code: 8, or 4 (columns k and k + kstep share a byte) */
    int32_t bitmap;      /* 1: panels are slices of masks and packed codes, see below */
    int32_t wide;        /* x as int16 */
    int32_t direct_rows; /* up to this many rows of x go through `direct` */
    xquant_rows *quantise;
    i8_tile_fn *direct;
    i8_unpack_fn *unpack; /* null: panels are dense codes, and `tile` reads them in place */
    i8_tile_fn *tile;
    i8_finish_fn *finish;
    double mem_eff, op_eff; /* shares of the ceilings that it reaches */
    double unpack_rows;     /* what unpacking costs, in rows of x that it could multiply by */
    int32_t plain; /* 1: no 8-bit dot products; op_eff is of f32 multiply-adds where those are the
                    * lower ceiling */
} i8_row;

/* Where things lie in a blob; from the problem alone. */
typedef struct i8_layout {
    int64_t k_pad, panels, groups;
    int64_t side_bytes;  /* of a full panel's group */
    int64_t panel_bytes; /* of a full panel; 0: they differ, offsets[panels + 1] tells where */
    int64_t scale_at, zero_at, offsets_at, panels_at, total;
} i8_layout;

void i8_layout_of(const i8_row *r, const tare_problem *p, i8_layout *out);
int i8_fit(const i8_row *r, const tare_rates *rates, const tare_problem *p, tare_fit *f);
tare_status i8_pack(const i8_row *r, const tare_problem *p, const tare_tensor *t, void *blob,
                    size_t *used);
tare_status i8_run(const i8_row *r, const tare_run_args *a);

/* A slice of a bitmap panel: k * cols / 64 masks of 64 neighbouring codes in panel order, then the
 * codes of their set bits, padded to 8 bytes. What has no bit is I8_BIAS: zero. */
#define I8_BIAS 128

/* Width of panel i, padded; and of its columns that exist. */
static inline int32_t i8_panel_cols(const i8_row *r, int64_t n, int64_t i) {
    int64_t left = n - i * r->cols;
    return left >= r->cols ? r->cols : (int32_t)((left + r->align - 1) / r->align * r->align);
}

/* Bytes of a group's scales and zeros in a panel, so that codes start on a cache line. */
static inline int64_t i8_side_bytes(const tare_format *w, int64_t cols) {
    if (w->scaling != TARE_SCALE_GROUP) return 0;
    return (cols * (w->zero_points ? 3 : 2) + 63) / 64 * 64;
}

i8_tile_fn i8_tile_vnni, i8_tile_avx2, i8_tile_c;
i8_finish_fn i8_finish_vnni, i8_finish_avx2, i8_finish_c;

#endif
