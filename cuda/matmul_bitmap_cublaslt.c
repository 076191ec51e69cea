/* Bitmap weights by many rows of 16-bit x: decoded once a run, then cuBLASLt. */
#include "cuda/once.h"
#include "cuda/pack.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_once_fit(&matmul_bitmap_cu, r, p, f);
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    return cu_once_pack(&matmul_bitmap_cu, p, t, blob, used);
}

const tare_kernel matmul_bitmap_cublaslt = {
    .name = "matmul_bitmap_cublaslt",
    .op = TARE_MATMUL,
    .needs = CU_SM80 | CU_CUBLASLT,
    .flags = TARE_ROW_ANY_M,
    .vendor = "cuBLASLt",
    .fit = fit,
    .pack = pack,
    .pack_values = cu_pack_values,
    .unpack_values = cu_unpack_values,
    .run = cu_once_run,
    .prepare = cu_once_prepare,
};
