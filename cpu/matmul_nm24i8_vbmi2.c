/* N:M int8 weights: bitmap panels, which take as much room as columns of two bits do for 2:4. */
#include "cpu/i8bitmap.h"
#include "cpu/rows.h"

static const i8_row row = {
    .name = "matmul_nm24i8_vbmi2",
    .cols = I8_COLS,
    .align = 16,
    .kstep = 4,
    .bits = 8,
    .bitmap = 1,
    .direct_rows = I8_ROWS,
    .quantise = xquant_vnni,
    .direct = i8_bitmap_tile_vbmi2,
    .unpack = i8_bitmap_unpack_vbmi2,
    .tile = i8_tile_vnni,
    .finish = i8_finish_vnni,
    .mem_eff = 0.85,
    .op_eff = 0.75,
    .unpack_rows = 6,
};

#define ROW_LAYOUTS TAKES(TARE_NM)
#define ROW_CODINGS TAKES_I8_PLAIN
#include "cpu/i8row.h"

const tare_kernel matmul_nm24i8_vbmi2 = {
    .name = "matmul_nm24i8_vbmi2",
    .op = TARE_MATMUL,
    .needs = CPU_VBMI2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
