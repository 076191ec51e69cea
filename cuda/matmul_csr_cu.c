/* CSR weights of any value type but i4, float activations: for sparsities at which a bitmap's bit a
 * position is more than the columns. */
#include "cuda/layout/csr_pack.h"
#include "cuda/pack.h"
#include "cuda/rows.h"
#include "cuda/small.h"
#include "cuda/tile_cut.h"
#include "src/format/format.h"
#include "src/takes.h"

#include <string.h>

void cu_x_turned(cu_args a);

enum { FEW = 8, ROWS = 64 };

/* Rows of x as the kernel has them side by side. */
static int64_t padded(int64_t m) {
    return m == 1 ? 1 : m <= 4 ? 4 : m <= FEW ? FEW : (m + ROWS - 1) / ROWS * ROWS;
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_CSR),
                                     .codings = TAKES_FLOATS | TAKES_I8_PLAIN,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (!cu_tile_counts(p, f)) return 0;
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = cu_csr_shape_of(&p->w, p->n, p->k, p->nnz).bytes;
    f->scratch_bytes = (size_t)(padded(p->m) * p->k) * sizeof(float);
    f->bytes = (double)f->packed_bytes + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = 2.0 * (double)p->m * (double)p->nnz;
    f->unit = TARE_PROBE_F32;
    tare_fit_cost(f, r, 0.6, 0.1); /* predicted, not yet measured on a device */
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    cu_csr_shape s = cu_csr_shape_of(&p->w, p->n, p->k, p->nnz);
    char *out = blob;
    (void)used;
    memcpy(out, t->part[TARE_OFFSETS].data, (size_t)(t->n + 1) * sizeof(uint32_t));
    for (int64_t row = 0; p->w.value == TARE_I8 && row < t->n; row++)
        ((float *)(void *)(out + s.scales_at))[row] = format_scale(t, row, 0);
    if (t->nnz == 0) return TARE_OK;
    memcpy(out + s.columns_at, t->part[TARE_INDICES].data, t->part[TARE_INDICES].bytes);
    memcpy(out + s.values_at, t->part[TARE_VALUES].data, t->part[TARE_VALUES].bytes);
    return TARE_OK;
}

static tare_status turn(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    int64_t m_pad = padded(a->m);
    cu_args args = {.x = a->x,
                    .y = a->scratch,
                    .m = (int32_t)a->m,
                    .k = (int32_t)p->k,
                    .m_pad = (int32_t)m_pad,
                    .x_type = (int32_t)p->x};
    cu_grid g = {
        .x = (unsigned)((p->k + 31) / 32), .z = (unsigned)((m_pad + 31) / 32), .threads = 256};
    return cu_launch(a->stream, (const void *)cu_x_turned, &g, &args);
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_csr_shape s = cu_csr_shape_of(&p->w, p->n, p->k, p->nnz);
    int64_t m_pad = padded(a->m);
    cu_tile_kernel k = cu_csr((int)(m_pad <= FEW ? m_pad : ROWS));
    cu_tile_cut cut = {.row_blocks = (p->n + k.tiles - 1) / k.tiles,
                       .m_blocks = m_pad <= FEW ? 1 : m_pad / ROWS,
                       .splits = 1};
    TARE_TRY(turn(a));
    cu_args args = {.w = a->packed,
                    .x = a->scratch,
                    .bias = a->bias,
                    .y = a->y,
                    .at = {[CU_TILE_SCALES] = (int64_t)s.scales_at,
                           [CU_CSR_COLUMNS] = (int64_t)s.columns_at,
                           [CU_CSR_VALUES] = (int64_t)s.values_at},
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .k = (int32_t)p->k,
                    .m_pad = (int32_t)m_pad,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {[CU_TILE_SPLITS] = 1,
                          [CU_TILE_HEADS] = p->w.value == TARE_I8 ? CU_HAS_SCALES : 0,
                          [CU_CSR_WIDE] = TARE_INDEX_BYTES(p->k) == 4,
                          [CU_CSR_VALUE] = (int32_t)p->w.value}};
    return cu_tile_launch(a->stream, &k, &cut, &args);
}

const tare_kernel matmul_csr_cu = {
    .name = "matmul_csr_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = pack,
    .run = run,
    .pack_values = cu_pack_values,
    .unpack_values = cu_unpack_values,
};
