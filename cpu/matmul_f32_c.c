/* Dense f32 weights, portable C. */
#include "cpu/rows.h"
#include "cpu/vec_c.h"

#define DENSE_TYPE TARE_F32
#define DENSE_STORED float
#define DENSE_LOAD vf_load
#include "cpu/dec_dense.h"

const tare_kernel matmul_f32_c = {
    .name = "matmul_f32_c",
    .op = TARE_MATMUL,
    .needs = 0,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
