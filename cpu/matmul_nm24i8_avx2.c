/* N:M int8 weights with AVX2: bitmap panels, unpacked by pdep. */
#include "cpu/i8avx2.h"
#include "cpu/i8bitmap.h"
#include "cpu/rows.h"

static const i8_row row = {
    .name = "matmul_nm24i8_avx2",
    .cols = I8_AVX2_COLS,
    .align = I8_AVX2_COLS,
    .kstep = 2,
    .bits = 8,
    .wide = 1,
    .bitmap = 1,
    .quantise = xquant_avx2,
    .unpack = i8_bitmap_unpack_avx2,
    .tile = i8_tile_avx2,
    .finish = i8_finish_avx2,
    .mem_eff = 0.8,
    .op_eff = 0.55,
    .unpack_rows = 8,
    .plain = 1,
};

#define ROW_LAYOUTS TAKES(TARE_NM)
#define ROW_CODINGS TAKES_I8_PLAIN
#include "cpu/i8row.h"

const tare_kernel matmul_nm24i8_avx2 = {
    .name = "matmul_nm24i8_avx2",
    .op = TARE_MATMUL,
    .needs = CPU_AVX2,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
