/* Activations quantised a row. */
#include "cuda/x_codes.h"

#include "cuda/layout/x_f8.h"
#include "cuda/layout/x_int8.h"
#include "cuda/small.h"

void cu_x_int8(cu_args a);
void cu_x_f8(cu_args a);

cu_x_codes cu_x_codes_of(int64_t m, int64_t columns) {
    cu_x_codes c = {.stride = columns, .scales_at = cu_up256((size_t)(m * columns))};
    c.bytes = c.scales_at + cu_up256((size_t)m * sizeof(float));
    return c;
}

tare_status cu_x_quantise(const tare_run_args *a, cu_x_as as, int64_t stride, void *codes,
                          void *scales) {
    int f8 = as == CU_X_AS_F8 || as == CU_X_AS_HALVES;
    cu_args args = {.x = a->x,
                    .y = codes,
                    .extra = scales,
                    .m = (int32_t)a->m,
                    .k = (int32_t)a->problem->k,
                    .x_type = (int32_t)a->problem->x};
    cu_grid g = {.x = (unsigned)a->m, .threads = f8 ? CU_XF8_THREADS : CU_X8_THREADS};
    if (f8) {
        args.i[CU_XF8_STRIDE] = (int32_t)stride;
        args.i[CU_XF8_HALVES] = as == CU_X_AS_HALVES;
    } else {
        args.i[CU_X8_STRIDE] = (int32_t)stride;
        args.i[CU_X8_ORDER] = as == CU_X_AS_INT8;
    }
    return cu_launch(a->stream, f8 ? (const void *)cu_x_f8 : (const void *)cu_x_int8, &g, &args);
}

tare_status cu_x_codes_make(const tare_run_args *a, const cu_x_codes *c) {
    return cu_x_quantise(a, CU_X_AS_TILES, c->stride, a->scratch,
                         (char *)a->scratch + c->scales_at);
}
