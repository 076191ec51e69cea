/* Dense bf16 weights, widened to f32 in registers. */
#include "opencl/pack.h"
#include "opencl/panel.h"
#include "opencl/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return ocl_panel_fit(TARE_BF16, r, p, f);
}

const tare_kernel matmul_bf16_ocl = {
    .name = "matmul_bf16_ocl",
    .op = TARE_MATMUL,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = ocl_panel_pack,
    .pack_values = ocl_panel_pack_values,
    .unpack_values = ocl_panel_unpack_values,
    .prepare = ocl_panel_prepare,
    .run = ocl_panel_run,
};
