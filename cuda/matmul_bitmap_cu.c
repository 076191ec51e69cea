/* Bitmap weights, float activations. */
#include "cuda/bitmap.h"
#include "cuda/pack.h"
#include "cuda/rows.h"

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    return cu_bitmap_fit(TARE_BITMAP, r, p, f);
}

const tare_kernel matmul_bitmap_cu = {
    .name = "matmul_bitmap_cu",
    .op = TARE_MATMUL,
    .needs = CU_SM80,
    .flags = TARE_ROW_REPEATABLE | TARE_ROW_ANY_M,
    .fit = fit,
    .pack = cu_bitmap_pack_row,
    .run = cu_bitmap_run,
    .pack_values = cu_pack_values,
    .unpack_values = cu_unpack_values,
};
