/* f8 weights and activations by cuBLASLt. */
#include "cuda/gemm_codes.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_gemm_codes_fit(TARE_F8, r, p, f);
}

const tare_kernel matmul_f8_cublaslt = {
    .name = "matmul_f8_cublaslt",
    .op = TARE_MATMUL,
    .needs = CU_FP8 | CU_CUBLASLT,
    .flags = TARE_ROW_ANY_M,
    .vendor = "cuBLASLt",
    .fit = fit,
    .pack = cu_gemm_codes_pack,
    .run = cu_gemm_codes_run,
    .prepare = cu_gemm_codes_prepare,
};
