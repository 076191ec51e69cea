/* Block-sparse weights of any value type, float activations, portable C. */
#include "cpu/rows.h"
#include "cpu/vec_c.h"

#include "cpu/sparse_rows.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    return sparse_fit(TARE_BLOCK, rates, p, f);
}

const tare_kernel matmul_bs_c = {
    .name = "matmul_bs_c",
    .op = TARE_MATMUL,
    .needs = 0,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = sparse_pack,
    .run = sparse_run,
};
