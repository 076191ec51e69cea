/* Dense weights and float activations: the host's side. */
#include "cuda/tile.h"

#include "cuda/layout/tile_pack.h"
#include "cuda/tile_cut.h"
#include "cuda/x_rows.h"
#include "src/takes.h"

void cu_tile_sum(cu_args a);

enum { BLOCK_UNITS = 4, FMA_WARPS = 8 }; /* pairs of chunks that a split has at least */

static int on_tensor_cores(const tare_problem *p) {
    tare_type w = p->w.value;
    return p->x != TARE_F32 && w != TARE_F32 && (p->w.scaling != TARE_SCALE_NONE || w == p->x);
}

/* Of a run with m rows. */
static cu_tile_kernel choose(const tare_problem *p, int64_t m, cu_tile_cut *cut) {
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    int bf16 = p->x == TARE_BF16, grouped = s.flush != 0, zeros = p->w.zero_points != 0;
    int bits = p->w.value == TARE_F8 ? CU_TILE_F8 : s.bits;
    int64_t units = (s.chunks + 1) / 2, parts;
    cu_tile_kernel k;
    if (!on_tensor_cores(p)) {
        k = cu_tile_fma((int)p->w.value, grouped, m == 1 ? 1 : m <= 4 ? 4 : 8);
        parts = (units + FMA_WARPS - 1) / FMA_WARPS;
    } else if (m <= CU_TILE_STREAM_ROWS) {
        k = cu_tile_stream(bits, bf16, grouped, zeros, m <= 8 ? 1 : m <= 16 ? 2 : 4);
        parts = (units + k.warps_k - 1) / k.warps_k;
    } else {
        k = cu_tile_block(bits, bf16, grouped, zeros);
        parts = units / BLOCK_UNITS;
    }
    *cut = cu_tile_cut_of(&k, s.tiles, parts, m);
    return k;
}

static size_t split_bytes(const tare_problem *p, int64_t m) {
    cu_tile_cut c;
    (void)choose(p, m, &c);
    return c.splits > 1 ? (size_t)(c.splits * m * p->n) * sizeof(float) : 0;
}

size_t cu_tile_splits_bytes(const tare_problem *p) {
    return cu_tile_most(p, split_bytes);
}

static tare_type x_wanted(const tare_problem *p) {
    return on_tensor_cores(p) ? p->x : TARE_F32;
}

int cu_tile_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                              .codings = tare_codings(value),
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (!cu_tile_counts(p, f)) return 0;
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.bytes;
    f->scratch_bytes = cu_x_rows_bytes(p, x_wanted(p)) + cu_tile_splits_bytes(p);
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

tare_status cu_tile_product(const tare_run_args *a, const tare_problem *p, const cu_tile_x *x,
                            void *splits) {
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    cu_tile_cut cut;
    cu_tile_kernel k = choose(p, a->m, &cut);
    cu_args args = {
        .w = a->packed,
        .x = x->rows,
        .bias = a->bias,
        .y = a->y,
        .extra = splits,
        .aux = x->scales,
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
              [CU_TILE_SPLITS] = (int32_t)cut.splits,
              [CU_TILE_LDX] = x->ld,
              [CU_TILE_HEADS] = s.heads}};
    TARE_TRY(cu_tile_launch(a->stream, &k, &cut, &args));
    /* On the tensor cores the last block adds up the splits itself. */
    int apart = cut.splits > 1 && !k.warps_k;
    return apart ? cu_tile_launch_sum(a->stream, (const void *)cu_tile_sum, &args) : TARE_OK;
}

tare_status cu_tile_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_tile_x x = {.scales = NULL};
    TARE_TRY(cu_x_rows_of(a, x_wanted(p), &x.rows, &x.ld));
    return cu_tile_product(a, p, &x, (char *)a->scratch + cu_x_rows_bytes(p, x_wanted(p)));
}
