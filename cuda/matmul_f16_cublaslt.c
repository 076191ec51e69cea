/* Dense f16 by cuBLASLt: x in f16, sums in f32, also where they might be in f16. */
#include "cuda/gemm_float.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_gemm_float_fit(TARE_F16, CU_GEMM_F32, r, p, f);
}

static tare_status prepare(void *state, void *stream, const tare_problem *p) {
    (void)state;
    return cu_gemm_float_prepare(CU_GEMM_F32, stream, p);
}

static tare_status run(const tare_run_args *a) {
    return cu_gemm_float_run(CU_GEMM_F32, a);
}

const tare_kernel matmul_f16_cublaslt = {
    .name = "matmul_f16_cublaslt",
    .op = TARE_MATMUL,
    .needs = CU_SM80 | CU_CUBLASLT,
    .flags = TARE_ROW_ANY_M,
    .vendor = "cuBLASLt",
    .fit = fit,
    .pack = cu_gemm_float_pack,
    .run = run,
    .prepare = prepare,
};
