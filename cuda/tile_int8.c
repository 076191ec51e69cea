/* Dense int8 and int4 weights, int8 activations: the host's side. */
#include "cuda/tile_int8.h"

#include "cuda/layout/tile_pack.h"
#include "cuda/layout/x_int8.h"
#include "cuda/small.h"
#include "cuda/tile_cut.h"
#include "src/takes.h"

#include <stdio.h>

void cu_x_int8(cu_args a);
void cu_tile_int8_sum(cu_args a);

enum { BLOCK_UNITS = 4 }; /* pairs of chunks that a split has at least */

static cu_tile_kernel choose(const tare_problem *p, int64_t m, cu_tile_cut *cut) {
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    int grouped = s.flush != 0, zeros = p->w.zero_points != 0;
    int64_t units = (s.chunks + 1) / 2, parts;
    cu_tile_kernel k;
    if (m <= CU_TILE_STREAM_ROWS) {
        k = cu_tile_int8_stream(s.bits, grouped, zeros, m <= 8 ? 1 : m <= 16 ? 2 : 4);
        parts = (units + k.warps_k - 1) / k.warps_k;
    } else {
        k = cu_tile_int8_block(s.bits, grouped);
        parts = units / BLOCK_UNITS;
    }
    *cut = cu_tile_cut_of(&k, s.tiles, parts, m);
    return k;
}

/* Scratch: codes of x, their scales, their sums where weights have zero points, sums of splits. */
typedef struct place {
    int64_t stride, sums;
    size_t scales_at, sums_at, splits_at;
} place;

static place place_of(const tare_problem *p, int64_t m) {
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    place at = {.stride = s.chunks * CU_X8_CHUNK};
    at.sums = p->w.zero_points ? s.groups : 0;
    at.scales_at = cu_up256((size_t)(m * at.stride));
    at.sums_at = at.scales_at + cu_up256((size_t)m * sizeof(float));
    at.splits_at = at.sums_at + cu_up256((size_t)(m * at.sums) * sizeof(int32_t));
    return at;
}

static size_t split_bytes(const tare_problem *p, int64_t m) {
    cu_tile_cut c;
    (void)choose(p, m, &c);
    return c.splits > 1 ? (size_t)(c.splits * m * p->n) * sizeof(float) : 0;
}

int cu_tile_int8_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                              .codings = tare_codings(value),
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
    if (!cu_tile_counts(p, f)) return 0;
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.bytes;
    f->scratch_bytes = place_of(p, p->m).splits_at + cu_tile_most(p, split_bytes);
    f->bytes =
        (double)s.bytes + mk * (double)tare_type_bytes(p->x) + mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    f->unit = TARE_PROBE_I8;
    tare_fit_cost(f, r, 0.8, 0.6); /* predicted, not yet measured on a device */
    return 1;
}

static tare_status quantise(const tare_run_args *a, const place *at) {
    const tare_problem *p = a->problem;
    int grouped = p->w.scaling == TARE_SCALE_GROUP;
    cu_args args = {.x = a->x,
                    .y = a->scratch,
                    .extra = (char *)a->scratch + at->scales_at,
                    .at = {(int64_t)(at->sums_at - at->scales_at)},
                    .m = (int32_t)a->m,
                    .k = (int32_t)p->k,
                    .x_type = (int32_t)p->x,
                    .i = {[CU_X8_STRIDE] = (int32_t)at->stride,
                          [CU_X8_GROUPS] = (int32_t)at->sums,
                          [CU_X8_WIDTH] = grouped ? p->w.group : (int32_t)p->k,
                          [CU_X8_NIBBLES] = p->w.value == TARE_I4}};
    cu_grid g = {.x = (unsigned)a->m, .threads = CU_X8_THREADS};
    return cu_launch(a->stream, (const void *)cu_x_int8, &g, &args);
}

tare_status cu_tile_int8_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_tile_shape s = cu_tile_shape_of(&p->w, p->n, p->k);
    place at = place_of(p, a->m);
    cu_tile_cut cut;
    cu_tile_kernel k = choose(p, a->m, &cut);
    char *scratch = a->scratch;
    TARE_TRY(quantise(a, &at));
    cu_args args = {.w = a->packed,
                    .x = scratch,
                    .bias = a->bias,
                    .y = a->y,
                    .extra = scratch + at.splits_at,
                    .aux = scratch + at.scales_at,
                    .at = {[CU_TILE_SCALES] = (int64_t)s.scales_at,
                           [CU_TILE_ZEROS] = (int64_t)s.zeros_at,
                           [CU_TILE_X_SUMS] = (int64_t)(at.sums_at - at.scales_at)},
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .k = (int32_t)p->k,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {[CU_TILE_CHUNKS] = (int32_t)s.chunks,
                          [CU_TILE_GROUPS] = (int32_t)s.groups,
                          [CU_TILE_FLUSH] = s.flush,
                          [CU_TILE_SPLITS] = (int32_t)cut.splits,
                          [CU_TILE_LDX] = (int32_t)at.stride,
                          [CU_TILE_HEADS] = s.heads}};
    TARE_TRY(cu_tile_launch(a->stream, &k, &cut, &args));
    /* Of few rows of x the last block adds up the splits itself. */
    int apart = cut.splits > 1 && !k.warps_k;
    return apart ? cu_tile_launch_sum(a->stream, (const void *)cu_tile_int8_sum, &args) : TARE_OK;
}
