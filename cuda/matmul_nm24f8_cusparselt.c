/* 2:4 weights in f8, x quantised to f8 a row: sparse tensor cores, by NVIDIA's cuSPARSELt, whose
 * list of types has e4m3 for sm_90 and newer. */
#include "cuda/rows.h"
#include "cuda/splt.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_splt_fit(TARE_F8, r, p, f);
}

const tare_kernel matmul_nm24f8_cusparselt = {
    .name = "matmul_nm24f8_cusparselt",
    .op = TARE_MATMUL,
    .needs = CU_SM90 | CU_FP8 | CU_CUSPARSELT,
    .vendor = cu_splt_vendor,
    .fit = fit,
    .pack = cu_splt_pack,
    .run = cu_splt_run,
    .settle = cu_splt_settle,
    .release = cu_splt_release,
};
