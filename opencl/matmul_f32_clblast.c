/* Dense f32 by CLBlast. */
#include "opencl/clblast.h"
#include "opencl/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return ocl_clblast_fit(r, p, TARE_F32, f);
}

const tare_kernel matmul_f32_clblast = {
    .name = "matmul_f32_clblast",
    .op = TARE_MATMUL,
    .vendor = "CLBlast",
    .fit = fit,
    .pack = ocl_clblast_pack,
    .prepare = ocl_clblast_prepare,
    .run = ocl_clblast_run,
};
