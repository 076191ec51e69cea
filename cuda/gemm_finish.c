/* Float products by cuBLASLt as specs, and the pass after a library's product. */
#include "cuda/gemm_finish.h"

#include "cuda/layout/gemm_finish.h"
#include "cuda/small.h"
#include "cuda/tile_cut.h"

void cu_gemm_finish(cu_args a);

static cudaDataType_t cuda_type(tare_type t) {
    return t == TARE_F32 ? CUDA_R_32F : t == TARE_F16 ? CUDA_R_16F : CUDA_R_16BF;
}

int cu_gemm_writes_y(const tare_problem *p) {
    int exact = p->y == TARE_F32 || (p->y == p->x && !(p->flags & TARE_BIAS));
    return exact && (size_t)p->n * tare_type_bytes(p->y) % 16 == 0;
}

cu_gemm_spec cu_gemm_spec_of(const tare_problem *p, int64_t m, cu_gemm_sums sums, int direct) {
    int64_t k = cu_up(p->k, CU_GEMM_PIECE);
    cu_gemm_spec s = {.m = m,
                      .n = p->n,
                      .k = k,
                      .ldw = k,
                      .ldx = k,
                      .ldy = cu_up(p->n, 4),
                      .in = cuda_type(p->x),
                      .out = CUDA_R_32F,
                      .sums = sums};
    if (!direct) return s;
    s.ldy = p->n;
    s.out = cuda_type(p->y);
    s.bias = (p->flags & TARE_BIAS) != 0;
    s.relu = (p->flags & TARE_RELU) != 0;
    return s;
}

int cu_gemm_counts(const tare_problem *p, tare_fit *f) {
    if (p->n <= INT32_MAX - 16) return cu_tile_counts(p, f); /* padded it must be an int32 */
    return cu_refuse(f, "counts in 31 bits: n is too large");
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
