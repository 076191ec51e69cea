/* Dense bf16 weights, AVX-512. */
#include "cpu/rows.h"
#include "cpu/vec_avx512.h"

#define DENSE_TYPE TARE_BF16
#define DENSE_STORED uint16_t
#define DENSE_LOAD vf_from_bf16
#include "cpu/dec_dense.h"

const tare_kernel matmul_bf16_avx512 = {
    .name = "matmul_bf16_avx512",
    .op = TARE_MATMUL,
    .needs = CPU_AVX512,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
