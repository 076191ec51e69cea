/* 2:4 int8 weights by row or tensor, int8 activations: sparse integer tensor cores. */
#include "cuda/nm24.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_nm24_fit(1, r, p, f);
}

const tare_kernel matmul_nm24i8_cu = {
    .name = "matmul_nm24i8_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_nm24_pack_row,
    .run = cu_nm24_run,
};
