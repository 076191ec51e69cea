/* Float weights under a bitmap, portable C. */
#include "cpu/rows.h"
#include "cpu/vec_c.h"

#define MASK_LAYOUT TARE_BITMAP
#include "cpu/dec_mask.h"

const tare_kernel matmul_bitmap_c = {
    .name = "matmul_bitmap_c",
    .op = TARE_MATMUL,
    .needs = 0,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
