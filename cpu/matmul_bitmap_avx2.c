/* Float weights under a bitmap, AVX2. */
#include "cpu/rows.h"
#include "cpu/vec_avx2.h"

#define MASK_LAYOUT TARE_BITMAP
#include "cpu/dec_mask.h"

const tare_kernel matmul_bitmap_avx2 = {
    .name = "matmul_bitmap_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
