/* f8 weights, float or f8 activations, AVX-512. */
#include "cpu/rows.h"
#include "cpu/vec_avx512.h"

#include "cpu/dec_f8.h"

const tare_kernel matmul_f8_avx512 = {
    .name = "matmul_f8_avx512",
    .op = TARE_MATMUL,
    .needs = CPU_AVX512,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
