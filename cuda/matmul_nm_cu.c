/* N:M weights, float activations: few rows of x, no padding of them. For many the sparse tensor
 * cores are better, which the vendor's library drives. */
#include "cuda/bitmap.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_bitmap_fit(TARE_NM, r, p, f);
}

const tare_kernel matmul_nm_cu = {
    .name = "matmul_nm_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_bitmap_pack_row,
    .run = cu_bitmap_run,
};
