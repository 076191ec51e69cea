/* The table: ordered, best first within a kind, the reference last. The planner goes by cost; the
 * order breaks ties and is the order of `tare devices` and of reports. */
#include "cpu/rows.h"

const tare_kernel *const cpu_rows[] = {
    &matmul_w8a8_vnni,
    &matmul_w4a8_vnni,
    &matmul_nm24i8_vbmi2,
    &matmul_bitmapi8_vbmi2,
    &matmul_any_ref,
    NULL,
};
