/* What stands between a row of cpu/i8gemm.h and its tare_kernel: fit, pack and run. The file that
 * includes this defines `row` and, before,
 *   ROW_TAKES  an expression over the problem p: these weights are mine
 *   ROW_WANTS  the reason of a refusal otherwise
 */
#include <stdio.h>

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    if (ROW_TAKES) return i8_fit(&row, rates, p, f);
    snprintf(f->why, sizeof f->why, "%s", ROW_WANTS);
    return 0;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    return i8_pack(&row, p, t, blob, used);
}

static tare_status run(const tare_run_args *a) {
    return i8_run(&row, a);
}
