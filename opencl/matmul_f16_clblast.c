/* Dense f16 by CLBlast, on devices that calculate in half. It also sums in half, so it is for
 * problems that allow that: it cannot hold the bound of the others. */
#include "opencl/clblast.h"
#include "opencl/rows.h"

#include <stdio.h>

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    if (!ocl_clblast_fit(r, p, TARE_F16, f)) return 0;
    if (p->flags & TARE_SUM_F16) return 1;
    snprintf(f->why, sizeof f->why, "sums in f16, which the problem does not allow");
    return 0;
}

const tare_kernel matmul_f16_clblast = {
    .name = "matmul_f16_clblast",
    .op = TARE_MATMUL,
    .needs = OCL_FP16,
    .vendor = "CLBlast",
    .fit = fit,
    .pack = ocl_clblast_pack,
    .prepare = ocl_clblast_prepare,
    .run = ocl_clblast_run,
};
