/* Dense f32 by oneDNN, bias and ReLU fused by the library. */
#include "cpu/onednn.h"
#include "cpu/rows.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    if (!onednn_float_fit(TARE_F32, p, f)) return 0;
    f->unit = TARE_PROBE_F32;
    tare_fit_cost(f, rates, 0.8, 0.8);
    return 1;
}

const tare_kernel matmul_f32_onednn = {
    .name = "matmul_f32_onednn",
    .op = TARE_MATMUL,
    .needs = CPU_ONEDNN,
    .vendor = "oneDNN",
    .fit = fit,
    .pack = onednn_float_pack,
    .run = onednn_float_run,
    .release = onednn_release,
};
