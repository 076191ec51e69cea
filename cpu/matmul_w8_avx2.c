/* int8 weights, float activations, AVX2. */
#include "cpu/rows.h"
#include "cpu/vec_avx2.h"

#include "cpu/dec_w8.h"

const tare_kernel matmul_w8_avx2 = {
    .name = "matmul_w8_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
