/* int4 weights, float activations, portable C. */
#include "cpu/rows.h"
#include "cpu/vec_c.h"

#include "cpu/dec_w4.h"

const tare_kernel matmul_w4_c = {
    .name = "matmul_w4_c",
    .op = TARE_MATMUL,
    .needs = 0,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
