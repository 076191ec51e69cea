/* The ordered table: best first. There is no reference here: what no row takes, another device
 * does. */
#include "cuda/rows.h"

/* clang-format off */
const tare_kernel *const cu_rows[] = {
    &matmul_f32_cu,
    &matmul_f16_cu,
    &matmul_bf16_cu,
    &matmul_w8_cu,
    &matmul_w4_cu,
    &matmul_w8a8_cu,
    &matmul_w4a8_cu,
    &matmul_bitmap_cu,
    &matmul_bitmapi8_cu,
    &matmul_nm24_cu,
    &matmul_nm24i8_cu,
    &matmul_nm_cu,
    &matmul_nmi8_cu,
    &matmul_csr_cu,
    &matmul_bs_cu,
    &matmul_bsi8_cu,
    NULL,
};
