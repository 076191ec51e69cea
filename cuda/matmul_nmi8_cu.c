/* N:M int8 weights by row or tensor, int8 activations: as a bitmap, on integer tensor cores. For
 * 2:4 the sparse ones are better (matmul_nm24i8_cu). */
#include "cuda/bitmap.h"
#include "cuda/bitmap_int8.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_bitmap_int8_fit(TARE_NM, r, p, f);
}

const tare_kernel matmul_nmi8_cu = {
    .name = "matmul_nmi8_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_bitmap_pack_row,
    .run = cu_bitmap_int8_run,
};
