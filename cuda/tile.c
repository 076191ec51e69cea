/* Dense weights and float x: the host's side. */
#include "cuda/tile.h"

#include "cuda/layout/tile_pack.h"
#include "cuda/tile_kernels.h"
#include "cuda/x_rows.h"

#include <stdio.h>

void cu_tile_sum(cu_args a);

/* A device is full with about two blocks on each of some 130 multiprocessors. The number is a
 * constant, not the device's: scratch is sized where the device is not known, and sums come out the
 * same on every device. Not yet measured on one. */
enum { FULL = 264, MOST_SPLITS = 16, STREAM_ROWS = 32, BLOCK_UNITS = 4, STREAM_WARPS = 8 };

/* Blocks along z are counted in 16 bits, of 8 rows at least; columns in 31; elements of x and y by
 * blocks of 256 in 31. */
static const int64_t MOST_M = 65535 * 8, MOST_K = 1 << 30, MOST_X = (int64_t)1 << 38;

static int on_tensor_cores(const tare_problem *p) {
    tare_type w = p->w.value;
    return p->x != TARE_F32 && w != TARE_F32 && (w == TARE_I8 || w == TARE_I4 || w == p->x);
}

/* Of a run with m rows. */
typedef struct choice {
    cu_tile_kernel kernel;
    int64_t row_blocks, m_blocks, splits;
} choice;

static choice choose(const tare_problem *p, int64_t m) {
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    int bf16 = p->x == TARE_BF16, grouped = s.flush != 0;
    int64_t units = (s.chunks + 1) / 2, parts = (units + STREAM_WARPS - 1) / STREAM_WARPS;
    choice c;
    if (!on_tensor_cores(p)) {
        c.kernel = cu_tile_fma((int)p->w.value, grouped, m == 1 ? 1 : m <= 4 ? 4 : 8);
    } else if (m <= STREAM_ROWS) {
        c.kernel = cu_tile_stream(s.bits, bf16, grouped, m <= 8 ? 1 : m <= 16 ? 2 : 4);
    } else {
        c.kernel = cu_tile_block(s.bits, bf16, grouped);
        parts = units / BLOCK_UNITS;
    }
    c.row_blocks = (s.tiles + c.kernel.tiles - 1) / c.kernel.tiles;
    c.m_blocks = (m + c.kernel.rows - 1) / c.kernel.rows;
    c.splits = (FULL + c.row_blocks * c.m_blocks - 1) / (c.row_blocks * c.m_blocks);
    if (c.splits > parts) c.splits = parts;
    if (c.splits > MOST_SPLITS) c.splits = MOST_SPLITS;
    if (c.splits < 1) c.splits = 1;
    return c;
}

static size_t split_bytes(const tare_problem *p, int64_t m) {
    choice c = choose(p, m);
    return c.splits > 1 ? (size_t)(c.splits * m * p->n) * sizeof(float) : 0;
}

/* The most that a run with 1..p->m rows needs. It grows with m until another kernel or one more
 * block along m takes over, so the last m before each such step tells; past FULL blocks nothing is
 * split. */
static size_t most_split_bytes(const tare_problem *p) {
    size_t most = split_bytes(p, p->m), b;
    for (int64_t m = 1; m < p->m && m <= 64 * FULL; m = m < 64 ? m + 1 : m + 64)
        if ((b = split_bytes(p, m)) > most) most = b;
    return most;
}

static tare_type x_wanted(const tare_problem *p) {
    return on_tensor_cores(p) ? p->x : TARE_F32;
}

int cu_tile_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    if (p->w.layout != TARE_DENSE || p->w.value != value || (p->flags & TARE_X_I8)) {
        snprintf(f->why, sizeof f->why, "takes dense %s weights and float activations",
                 tare_type_name(value));
        return 0;
    }
    if (p->m > MOST_M || p->k > MOST_K || p->m * (p->k + p->n) > MOST_X) {
        snprintf(f->why, sizeof f->why, "counts in 31 bits: m, k or m (k + n) is too large");
        return 0;
    }
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.bytes;
    f->scratch_bytes = cu_x_rows_bytes(p, x_wanted(p)) + most_split_bytes(p);
    f->bytes =
        (double)s.bytes + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    f->unit = on_tensor_cores(p) ? TARE_PROBE_BF16 : TARE_PROBE_F32;
    tare_fit_cost(f, r, 0.8, 0.6); /* predicted, not yet measured on a device */
    return 1;
}

tare_status cu_tile_pack_row(const tare_problem *p, const tare_tensor *t, void *blob,
                             size_t *used) {
    (void)p;
    (void)used;
    cu_tile_pack(t, blob);
    return TARE_OK;
}

static tare_status add_splits(const tare_run_args *a, const cu_args *args) {
    cu_grid g = {.x = (unsigned)((a->m * a->problem->n + 255) / 256), .threads = 256};
    return cu_launch(a->stream, (const void *)cu_tile_sum, &g, args);
}

tare_status cu_tile_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    choice c = choose(p, a->m);
    const void *x;
    int32_t ld;
    TARE_TRY(cu_x_rows_of(a, x_wanted(p), &x, &ld));
    cu_args args = {
        .w = a->packed,
        .x = x,
        .bias = a->bias,
        .y = a->y,
        .extra = (char *)a->scratch + cu_x_rows_bytes(p, x_wanted(p)),
        .at = {[CU_TILE_SCALES] = (int64_t)s.scales_at, [CU_TILE_ZEROS] = (int64_t)s.zeros_at},
        .m = (int32_t)a->m,
        .n = (int32_t)p->n,
        .k = (int32_t)p->k,
        .x_type = (int32_t)p->x,
        .y_type = (int32_t)p->y,
        .flags = (int32_t)p->flags,
        .i = {[CU_TILE_CHUNKS] = (int32_t)s.chunks,
              [CU_TILE_GROUPS] = (int32_t)s.groups,
              [CU_TILE_FLUSH] = s.flush,
              [CU_TILE_SPLITS] = (int32_t)c.splits,
              [CU_TILE_LDX] = ld,
              [CU_TILE_HEADS] = s.heads}};
    cu_grid g = {.x = (unsigned)c.row_blocks,
                 .y = (unsigned)c.splits,
                 .z = (unsigned)c.m_blocks,
                 .threads = (unsigned)c.kernel.threads,
                 .shared = c.kernel.shared};
    TARE_TRY(cu_launch(a->stream, c.kernel.address, &g, &args));
    return c.splits > 1 ? add_splits(a, &args) : TARE_OK;
}
