/* f8 weights, float or f8 activations, portable C. */
#include "cpu/rows.h"
#include "cpu/vec_c.h"

#include "cpu/dec_f8.h"

const tare_kernel matmul_f8_c = {
    .name = "matmul_f8_c",
    .op = TARE_MATMUL,
    .needs = 0,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
