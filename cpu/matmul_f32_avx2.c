/* Dense f32 weights, AVX2. */
#include "cpu/rows.h"
#include "cpu/vec_avx2.h"

#define DENSE_TYPE TARE_F32
#define DENSE_STORED float
#define DENSE_LOAD vf_load
#include "cpu/dec_dense.h"

const tare_kernel matmul_f32_avx2 = {
    .name = "matmul_f32_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
