/* Dense f16 weights, float activations: tensor cores where those are f16. */
#include "cuda/pack.h"
#include "cuda/rows.h"
#include "cuda/tile.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_tile_fit(TARE_F16, r, p, f);
}

const tare_kernel matmul_f16_cu = {
    .name = "matmul_f16_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_tile_pack_row,
    .run = cu_tile_run,
    .pack_values = cu_pack_values,
    .unpack_values = cu_unpack_values,
};
