/* Int4 weights by many rows of 16-bit x: decoded once a run, then cuBLASLt. */
#include "cuda/once.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_once_fit(&matmul_w4_cu, r, p, f);
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    return cu_once_pack(&matmul_w4_cu, p, t, blob, used);
}

const tare_kernel matmul_w4_cublaslt = {
    .name = "matmul_w4_cublaslt",
    .op = TARE_MATMUL,
    .needs = CU_SM80 | CU_CUBLASLT,
    .flags = TARE_ROW_ANY_M,
    .vendor = "cuBLASLt",
    .fit = fit,
    .pack = pack,
    .run = cu_once_run,
    .prepare = cu_once_prepare,
};
