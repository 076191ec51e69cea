/* Block-sparse weights of any value type, float activations, AVX-512. */
#include "cpu/rows.h"
#include "cpu/vec_avx512.h"

#include "cpu/sparse_rows.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    return sparse_fit(TARE_BLOCK, rates, p, f);
}

const tare_kernel matmul_bs_avx512 = {
    .name = "matmul_bs_avx512",
    .op = TARE_MATMUL,
    .needs = CPU_AVX512,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = sparse_pack,
    .run = sparse_run,
};
