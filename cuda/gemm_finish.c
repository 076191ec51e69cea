/* The pass after a library's product. */
#include "cuda/gemm_finish.h"

#include "cuda/layout/gemm_finish.h"
#include "cuda/tile_cut.h"

#include <stdio.h>

void cu_gemm_finish(cu_args a);

int cu_gemm_counts(const tare_problem *p, tare_fit *f) {
    if (p->n <= INT32_MAX - 16) return cu_tile_counts(p, f); /* padded it must be an int32 */
    snprintf(f->why, sizeof f->why, "counts in 31 bits: n is too large");
    return 0;
}

tare_status cu_gemm_finish_of(const tare_run_args *a, const cu_gemm_sums_at *at) {
    const tare_problem *p = a->problem;
    cu_args args = {.w = at->w_scale,
                    .x = at->sums,
                    .bias = a->bias,
                    .y = a->y,
                    .aux = at->x_scale,
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {[CU_GEMM_FINISH_LD] = (int32_t)at->ld, [CU_GEMM_FINISH_INTS] = at->ints}};
    cu_grid g = {.x = (unsigned)((p->n + CU_GEMM_FINISH_COLUMNS - 1) / CU_GEMM_FINISH_COLUMNS),
                 .y = (unsigned)(a->m < CU_GEMM_FINISH_ROWS ? a->m : CU_GEMM_FINISH_ROWS),
                 .threads = 256};
    return cu_launch(a->stream, (const void *)cu_gemm_finish, &g, &args);
}

void cu_gemm_finish_cost(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    double sums = 4.0 * (double)p->m * (double)p->n;
    f->cost_ns += r->launch_ns + 2 * sums / (0.8 * r->read_gbs); /* predicted: out, and in again */
}
