/* Dense bf16 weights, AVX2. */
#include "cpu/rows.h"
#include "cpu/vec_avx2.h"

#define DENSE_TYPE TARE_BF16
#define DENSE_STORED uint16_t
#define DENSE_LOAD vf_from_bf16
#include "cpu/dec_dense.h"

const tare_kernel matmul_bf16_avx2 = {
    .name = "matmul_bf16_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
