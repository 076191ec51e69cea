/* 2:4 weights and x in bf16 on sparse tensor cores, by NVIDIA's cuSPARSELt. */
#include "cuda/rows.h"
#include "cuda/splt.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_splt_fit(TARE_BF16, r, p, f);
}

const tare_kernel matmul_nm24bf16_cusparselt = {
    .name = "matmul_nm24bf16_cusparselt",
    .op = TARE_MATMUL,
    .needs = CU_SM80 | CU_CUSPARSELT,
    .vendor = cu_splt_vendor,
    .fit = fit,
    .pack = cu_splt_pack,
    .run = cu_splt_run,
    .settle = cu_splt_settle,
    .release = cu_splt_release,
};
