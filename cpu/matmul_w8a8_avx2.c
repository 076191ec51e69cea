/* W8A8 with AVX2: dense panels of int8 codes, 4 x 16 tiles of vpmaddwd (cpu/i8tile_avx2.c). */
#include "cpu/i8avx2.h"
#include "cpu/rows.h"

static const i8_row row = {
    .name = "matmul_w8a8_avx2",
    .cols = I8_AVX2_COLS,
    .align = I8_AVX2_COLS,
    .kstep = 2,
    .bits = 8,
    .wide = 1,
    .direct_rows = I8_ROWS,
    .quantise = xquant_avx2,
    .direct = i8_tile_avx2,
    .tile = i8_tile_avx2,
    .finish = i8_finish_avx2,
    .mem_eff = 0.8,
    .op_eff = 0.55,
    .plain = 1,
};

#define ROW_LAYOUTS TAKES(TARE_DENSE)
#define ROW_CODINGS TAKES_I8
#include "cpu/i8row.h"

const tare_kernel matmul_w8a8_avx2 = {
    .name = "matmul_w8a8_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
