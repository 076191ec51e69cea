/* What stands between a row of cpu/i8gemm.h and its tare_kernel: fit, pack and run. The file that
 * includes this defines `row` and, before,
 *   ROW_LAYOUTS, ROW_CODINGS  which weights it multiplies (src/takes.h)
 */
#include "src/takes.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = ROW_LAYOUTS,
                                     .codings = ROW_CODINGS,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_I8,
                                     .wants = TARE_X_I8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    return i8_fit(&row, rates, p, f);
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    return i8_pack(&row, p, t, blob, used);
}

static tare_status run(const tare_run_args *a) {
    return i8_run(&row, a);
}
