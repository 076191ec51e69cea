/* f8 weights by row or tensor, float activations: 16-bit ones on tensor cores. */
#include "cuda/rows.h"
#include "cuda/tile.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_tile_fit(TARE_F8, r, p, f);
}

const tare_kernel matmul_f8_cu = {
    .name = "matmul_f8_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_tile_pack_row,
    .run = cu_tile_run,
};
