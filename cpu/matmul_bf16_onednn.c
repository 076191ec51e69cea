/* Dense bf16 by oneDNN: x and W in bf16, sums in f32, y in f32 or bf16. */
#include "cpu/onednn.h"
#include "cpu/rows.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    if (!onednn_float_fit(TARE_BF16, p, f)) return 0;
    f->unit = TARE_PROBE_BF16;
    tare_fit_cost(f, rates, 0.8, 0.8);
    return 1;
}

const tare_kernel matmul_bf16_onednn = {
    .name = "matmul_bf16_onednn",
    .op = TARE_MATMUL,
    .needs = CPU_ONEDNN | CPU_ONEDNN_BF16,
    .vendor = "oneDNN",
    .fit = fit,
    .pack = onednn_float_pack,
    .run = onednn_float_run,
    .release = onednn_release,
};
