/* Float weights under a bitmap, AVX-512. */
#include "cpu/rows.h"
#include "cpu/vec_avx512.h"

#define MASK_LAYOUT TARE_BITMAP
#include "cpu/dec_mask.h"

const tare_kernel matmul_bitmap_avx512 = {
    .name = "matmul_bitmap_avx512",
    .op = TARE_MATMUL,
    .needs = CPU_AVX512,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
