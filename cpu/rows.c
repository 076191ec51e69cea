/* The table: ordered, best first within a kind, the reference last. The planner goes by cost; the
 * order breaks ties and is the order of `tare devices` and of reports. */
#include "cpu/rows.h"

/* Rows of x86's instructions are in the table, and in the build, of x86 alone. */
#ifdef __x86_64__
#define X86(row) &row,
#else
#define X86(row)
#endif

/* One row a line, so that a new kernel is a new line. */
/* clang-format off */
const tare_kernel *const cpu_rows[] = {
    X86(matmul_f32_avx512)
    X86(matmul_f32_avx2)
    &matmul_f32_c,
    &matmul_f32_openblas,
    &matmul_f32_onednn,
    &matmul_bf16_onednn,
    &matmul_w8a8_onednn,
    X86(matmul_f16_avx512)
    X86(matmul_f16_avx2)
    &matmul_f16_c,
    X86(matmul_bf16_avx512)
    X86(matmul_bf16_avx2)
    &matmul_bf16_c,
    X86(matmul_w8a8_vnni)
    X86(matmul_w8a8_avx2)
    &matmul_w8a8_c,
    X86(matmul_w4a8_vnni)
    X86(matmul_w4a8_avx2)
    &matmul_w4a8_c,
    X86(matmul_w8_avx512)
    X86(matmul_w8_avx2)
    &matmul_w8_c,
    X86(matmul_w4_avx512)
    X86(matmul_w4_avx2)
    &matmul_w4_c,
    X86(matmul_f8_avx512)
    X86(matmul_f8_avx2)
    &matmul_f8_c,
    X86(matmul_nm24i8_vbmi2)
    X86(matmul_nm24i8_avx2)
    &matmul_nm24i8_c,
    X86(matmul_bsi8_vnni)
    X86(matmul_bitmapi8_vbmi2)
    X86(matmul_bitmapi8_avx2)
    &matmul_bitmapi8_c,
    X86(matmul_csr_avx512)
    X86(matmul_csr_avx2)
    &matmul_csr_c,
    X86(matmul_bs_avx512)
    X86(matmul_bs_avx2)
    &matmul_bs_c,
    X86(matmul_bitmap_avx512)
    X86(matmul_bitmap_avx2)
    &matmul_bitmap_c,
    X86(matmul_nm_avx512)
    X86(matmul_nm_avx2)
    &matmul_nm_c,
    &matmul_any_ref,
    NULL,
};
/* clang-format on */
