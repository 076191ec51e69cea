/* CSR weights of any value type, float activations, portable C. */
#include "cpu/rows.h"
#include "cpu/vec_c.h"

#include "cpu/sparse_rows.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    if (p->w.layout != TARE_CSR || (p->flags & TARE_X_QUANTISED)) {
        snprintf(f->why, sizeof f->why, "takes CSR weights and float activations");
        return 0;
    }
    sparse_fit(rates, p, f);
    return 1;
}

const tare_kernel matmul_csr_c = {
    .name = "matmul_csr_c",
    .op = TARE_MATMUL,
    .needs = 0,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = sparse_pack,
    .run = sparse_run,
};
