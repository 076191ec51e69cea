/* int8 weights, float activations, AVX-512. */
#include "cpu/rows.h"
#include "cpu/vec_avx512.h"

#include "cpu/dec_w8.h"

const tare_kernel matmul_w8_avx512 = {
    .name = "matmul_w8_avx512",
    .op = TARE_MATMUL,
    .needs = CPU_AVX512,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
