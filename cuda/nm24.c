/* 2:4 weights on the sparse tensor cores: the host's side. */
#include "cuda/nm24.h"

#include "cuda/layout/nm24_pack.h"
#include "cuda/small.h"
#include "cuda/tile_cut.h"
#include "cuda/x_codes.h"
#include "cuda/x_rows.h"
#include "src/takes.h"

void cu_tile_sum(cu_args a);
void cu_tile_int8_sum(cu_args a);

enum { BLOCK_UNITS = 2, STREAM_WARPS = 8 }; /* units that a split has at least */

/* 2 x 131072 columns, of which half are kept, still sum up in i32. */
static const int64_t MOST_K = 262144;

static cu_tile_kernel choose(const tare_problem *p, int64_t m, cu_tile_cut *cut) {
    cu_nm24_shape s = cu_nm24_shape_of(&p->w, p->n, p->k);
    int64_t parts = (s.units + STREAM_WARPS - 1) / STREAM_WARPS;
    cu_tile_kernel k;
    if (m <= CU_TILE_STREAM_ROWS) {
        k = cu_nm24_stream((int)p->w.value, m <= 8 ? 1 : m <= 16 ? 2 : 4);
    } else {
        k = cu_nm24_block((int)p->w.value);
        parts = s.units / BLOCK_UNITS;
    }
    *cut = cu_tile_cut_of(&k, s.tiles, parts, m);
    return k;
}

static size_t split_bytes(const tare_problem *p, int64_t m) {
    cu_tile_cut c;
    (void)choose(p, m, &c);
    return c.splits > 1 ? (size_t)(c.splits * m * p->n) * sizeof(float) : 0;
}

static cu_x_codes codes_of(const tare_problem *p, int64_t m) {
    return cu_x_codes_of(m, cu_nm24_shape_of(&p->w, p->n, p->k).units * CU_NM24_UNIT);
}

static size_t x_bytes(const tare_problem *p, int64_t m) {
    return p->w.value == TARE_I8 ? codes_of(p, m).bytes : cu_x_rows_bytes(p, p->x);
}

int cu_nm24_fit(int integers, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    const tare_format *w = &p->w;
    if (w->layout != TARE_NM || w->nm_n != 2 || w->nm_m != 4)
        return cu_refuse(f, "takes 2:4 weights");
    static const tare_takes floats = {.layouts = TAKES(TARE_NM),
                                      .codings = TAKES_F16 | TAKES_BF16,
                                      .x = TAKES(TARE_F16) | TAKES(TARE_BF16),
                                      .y = TAKES_FLOAT_TYPES,
                                      .flags = TAKES_X_FLOAT};
    static const tare_takes codes = {.layouts = TAKES(TARE_NM),
                                     .codings = TAKES_I8_PLAIN,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_I8,
                                     .wants = TARE_X_I8};
    if (integers && p->k > MOST_K) return cu_refuse(f, "sums in i32: k up to 262144");
    if (!tare_takes_problem(integers ? &codes : &floats, p, f->why)) return 0;
    if (!integers && p->x != w->value) return cu_refuse(f, "takes activations of the values' type");
    if (!cu_tile_counts(p, f)) return 0;
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = cu_nm24_shape_of(w, p->n, p->k).bytes;
    f->scratch_bytes = x_bytes(p, p->m) + cu_tile_most(p, split_bytes);
    f->bytes = (double)f->packed_bytes + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = mn * (double)p->k; /* half of them are left out, and the units skip them as fast */
    f->unit = integers ? TARE_PROBE_I8 : TARE_PROBE_BF16;
    tare_fit_cost(f, r, 0.8, 0.4); /* predicted, not yet measured on a device */
    return 1;
}

tare_status cu_nm24_pack_row(const tare_problem *p, const tare_tensor *t, void *blob,
                             size_t *used) {
    (void)p;
    (void)used;
    cu_nm24_pack(t, blob);
    return TARE_OK;
}

/* Codes and their scales, or rows as they are. */
static tare_status prepare_x(const tare_run_args *a, cu_args *args) {
    const tare_problem *p = a->problem;
    char *scratch = a->scratch;
    if (p->w.value != TARE_I8) return cu_x_rows_of(a, p->x, &args->x, &args->i[CU_TILE_LDX]);
    cu_x_codes c = codes_of(p, a->m);
    args->x = scratch;
    args->aux = scratch + c.scales_at;
    args->i[CU_TILE_LDX] = (int32_t)c.stride;
    return cu_x_codes_make(a, &c);
}

tare_status cu_nm24_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_nm24_shape s = cu_nm24_shape_of(&p->w, p->n, p->k);
    cu_tile_cut cut;
    cu_tile_kernel k = choose(p, a->m, &cut);
    cu_args args = {.w = a->packed,
                    .bias = a->bias,
                    .y = a->y,
                    .extra = (char *)a->scratch + x_bytes(p, a->m),
                    .at = {[CU_TILE_SCALES] = (int64_t)s.scales_at},
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .k = (int32_t)p->k,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {[CU_NM24_UNITS] = (int32_t)s.units,
                          [CU_TILE_GROUPS] = 1,
                          [CU_TILE_SPLITS] = (int32_t)cut.splits,
                          [CU_TILE_HEADS] = p->w.value == TARE_I8 ? CU_HAS_SCALES : 0}};
    TARE_TRY(prepare_x(a, &args));
    TARE_TRY(cu_tile_launch(a->stream, &k, &cut, &args));
    if (cut.splits == 1) return TARE_OK;
    const void *sum =
        p->w.value == TARE_I8 ? (const void *)cu_tile_int8_sum : (const void *)cu_tile_sum;
    return cu_tile_launch_sum(a->stream, sum, &args);
}
