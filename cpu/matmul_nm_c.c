/* Float weights of which N in M are kept (any N and M), as bits, portable C. */
#include "cpu/rows.h"
#include "cpu/vec_c.h"

#define MASK_LAYOUT TARE_NM
#include "cpu/dec_mask.h"

const tare_kernel matmul_nm_c = {
    .name = "matmul_nm_c",
    .op = TARE_MATMUL,
    .needs = 0,
    .flags = TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = panel_run,
};
