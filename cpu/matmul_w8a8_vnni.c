/* W8A8 by vpdpbusd: dense panels of int8 codes, 8 x 48 tiles (cpu/i8tile_vnni.c). */
#include "cpu/i8gemm.h"
#include "cpu/rows.h"

static const i8_row row = {
    .name = "matmul_w8a8_vnni",
    .cols = I8_COLS,
    .align = 16,
    .kstep = 4,
    .bits = 8,
    .direct_rows = I8_ROWS,
    .quantise = xquant_vnni,
    .direct = i8_tile_vnni,
    .tile = i8_tile_vnni,
    .finish = i8_finish_vnni,
    .mem_eff = 0.9,
    .op_eff = 0.85,
};

#define ROW_LAYOUTS TAKES(TARE_DENSE)
#define ROW_CODINGS TAKES_I8
#include "cpu/i8row.h"

const tare_kernel matmul_w8a8_vnni = {
    .name = "matmul_w8a8_vnni",
    .op = TARE_MATMUL,
    .needs = CPU_VNNI,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
