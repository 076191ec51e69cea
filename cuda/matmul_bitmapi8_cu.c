/* Bitmap int8 weights by row or tensor, int8 activations: integer tensor cores. */
#include "cuda/bitmap.h"
#include "cuda/bitmap_int8.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_bitmap_int8_fit(TARE_BITMAP, r, p, f);
}

const tare_kernel matmul_bitmapi8_cu = {
    .name = "matmul_bitmapi8_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_bitmap_pack_row,
    .run = cu_bitmap_int8_run,
};
