/* f8 weights, float or f8 activations, AVX2. */
#include "cpu/rows.h"
#include "cpu/vec_avx2.h"

#include "cpu/dec_f8.h"

const tare_kernel matmul_f8_avx2 = {
    .name = "matmul_f8_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
