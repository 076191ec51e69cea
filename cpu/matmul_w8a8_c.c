/* W8A8 in portable C (cpu/i8c.h). */
#include "cpu/i8c.h"
#include "cpu/rows.h"

static const i8_row row = {
    .name = "matmul_w8a8_c",
    .cols = I8_C_COLS,
    .align = I8_C_COLS,
    .kstep = I8_C_STEP,
    .bits = 8,
    .wide = 1,
    .quantise = xquant_c,
    .unpack = i8_codes_unpack_c,
    .tile = i8_tile_c,
    .finish = i8_finish_c,
    .mem_eff = 0.4,
    .op_eff = 0.2,
    .unpack_rows = 2,
    .plain = 1,
};

#define ROW_LAYOUTS TAKES(TARE_DENSE)
#define ROW_CODINGS TAKES_I8
#include "cpu/i8row.h"

const tare_kernel matmul_w8a8_c = {
    .name = "matmul_w8a8_c",
    .op = TARE_MATMUL,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
