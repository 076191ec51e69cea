/* CSR weights of any value type, float activations, AVX2. */
#include "cpu/rows.h"
#include "cpu/vec_avx2.h"

#include "cpu/sparse_rows.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    return sparse_fit(TARE_CSR, rates, p, f);
}

const tare_kernel matmul_csr_avx2 = {
    .name = "matmul_csr_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = sparse_pack,
    .run = sparse_run,
};
