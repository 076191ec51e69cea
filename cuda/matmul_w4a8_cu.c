/* Int4 by group weights, int8 activations: integer tensor cores. */
#include "cuda/pack.h"
#include "cuda/rows.h"
#include "cuda/tile.h"
#include "cuda/tile_int8.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_tile_int8_fit(TARE_I4, r, p, f);
}

const tare_kernel matmul_w4a8_cu = {
    .name = "matmul_w4a8_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_tile_pack_row,
    .run = cu_tile_int8_run,
    .pack_values = cu_pack_values,
    .unpack_values = cu_unpack_values,
};
