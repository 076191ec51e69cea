/* N:M weights of any value type but i4, float activations. */
#include "opencl/pack.h"
#include "opencl/rows.h"
#include "opencl/sparse.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return ocl_sparse_fit(TARE_NM, r, p, f);
}

const tare_kernel matmul_nm_ocl = {
    .name = "matmul_nm_ocl",
    .op = TARE_MATMUL,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = ocl_sparse_pack,
    .pack_values = ocl_sparse_pack_values,
    .unpack_values = ocl_sparse_unpack_values,
    .prepare = ocl_sparse_prepare,
    .run = ocl_sparse_run,
};
