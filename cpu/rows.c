/* The table: ordered, best first within a kind, the reference last. The planner goes by cost; the
 * order breaks ties and is the order of `tare devices` and of reports. */
#include "cpu/rows.h"

/* One row a line, so that a new kernel is a new line. */
/* clang-format off */
const tare_kernel *const cpu_rows[] = {
    &matmul_f32_avx512,
    &matmul_f32_avx2,
    &matmul_f32_c,
#ifdef TARE_HAVE_OPENBLAS
    &matmul_f32_openblas,
#endif
#ifdef TARE_HAVE_ONEDNN
    &matmul_f32_onednn,
    &matmul_bf16_onednn,
    &matmul_w8a8_onednn,
#endif
    &matmul_f16_avx512,
    &matmul_f16_avx2,
    &matmul_f16_c,
    &matmul_bf16_avx512,
    &matmul_bf16_avx2,
    &matmul_bf16_c,
    &matmul_w8a8_vnni,
    &matmul_w8a8_avx2,
    &matmul_w8a8_c,
    &matmul_w4a8_vnni,
    &matmul_w4a8_avx2,
    &matmul_w4a8_c,
    &matmul_w8_avx512,
    &matmul_w8_avx2,
    &matmul_w8_c,
    &matmul_w4_avx512,
    &matmul_w4_avx2,
    &matmul_w4_c,
    &matmul_f8_avx512,
    &matmul_f8_avx2,
    &matmul_f8_c,
    &matmul_nm24i8_vbmi2,
    &matmul_nm24i8_avx2,
    &matmul_nm24i8_c,
    &matmul_bsi8_vnni,
    &matmul_bitmapi8_vbmi2,
    &matmul_bitmapi8_avx2,
    &matmul_bitmapi8_c,
    &matmul_csr_avx512,
    &matmul_csr_avx2,
    &matmul_csr_c,
    &matmul_bs_avx512,
    &matmul_bs_avx2,
    &matmul_bs_c,
    &matmul_bitmap_avx512,
    &matmul_bitmap_avx2,
    &matmul_bitmap_c,
    &matmul_nm_avx512,
    &matmul_nm_avx2,
    &matmul_nm_c,
    &matmul_any_ref,
    NULL,
};
/* clang-format on */
