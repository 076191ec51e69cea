/* Dense f32 by cuBLASLt on tensor cores: factors cut to tf32, sums in f32. */
#include "cuda/gemm_float.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_gemm_float_fit(TARE_F32, CU_GEMM_TF32, r, p, f);
}

static tare_status prepare(void *state, void *stream, const tare_problem *p) {
    (void)state;
    return cu_gemm_float_prepare(CU_GEMM_TF32, stream, p);
}

static tare_status run(const tare_run_args *a) {
    return cu_gemm_float_run(CU_GEMM_TF32, a);
}

const tare_kernel matmul_tf32_cublaslt = {
    .name = "matmul_tf32_cublaslt",
    .op = TARE_MATMUL,
    .needs = CU_SM80 | CU_CUBLASLT,
    .flags = TARE_ROW_ANY_M,
    .vendor = "cuBLASLt",
    .fit = fit,
    .pack = cu_gemm_float_pack,
    .run = run,
    .prepare = prepare,
};
