/* Dense f16 weights, portable C. */
#include "cpu/rows.h"
#include "cpu/vec_c.h"

#define DENSE_TYPE TARE_F16
#define DENSE_STORED uint16_t
#define DENSE_LOAD vf_from_f16
#include "cpu/dec_dense.h"

const tare_kernel matmul_f16_c = {
    .name = "matmul_f16_c",
    .op = TARE_MATMUL,
    .needs = 0,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
