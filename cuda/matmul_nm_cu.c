/* N:M weights, float activations, as a bitmap. For 2:4 of 16 bits the sparse tensor cores are
 * better (matmul_nm24_cu). */
#include "cuda/bitmap.h"
#include "cuda/pack.h"
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
    .pack_values = cu_pack_values,
    .unpack_values = cu_unpack_values,
};
