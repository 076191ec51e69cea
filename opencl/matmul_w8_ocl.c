/* Int8 weights, float activations: scales by tensor, row or group, zero points or none. */
#include "opencl/pack.h"
#include "opencl/panel.h"
#include "opencl/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return ocl_panel_fit(TARE_I8, r, p, f);
}

const tare_kernel matmul_w8_ocl = {
    .name = "matmul_w8_ocl",
    .op = TARE_MATMUL,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = ocl_panel_pack,
    .pack_values = ocl_panel_pack_values,
    .unpack_values = ocl_panel_unpack_values,
    .prepare = ocl_panel_prepare,
    .run = ocl_panel_run,
};
