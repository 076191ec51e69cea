/* Activations as int8 codes. */
#include "cuda/x_codes.h"

#include "cuda/layout/x_int8.h"

void cu_x_int8(cu_args a);

static size_t up256(size_t v) {
    return (v + 255) / 256 * 256;
}

cu_x_codes cu_x_codes_of(int64_t m, int64_t columns) {
    cu_x_codes c = {.stride = columns, .scales_at = up256((size_t)(m * columns))};
    c.bytes = c.scales_at + up256((size_t)m * sizeof(float));
    return c;
}

tare_status cu_x_codes_make(const tare_run_args *a, const cu_x_codes *c) {
    cu_args args = {.x = a->x,
                    .y = a->scratch,
                    .extra = (char *)a->scratch + c->scales_at,
                    .m = (int32_t)a->m,
                    .k = (int32_t)a->problem->k,
                    .x_type = (int32_t)a->problem->x,
                    .i = {[CU_X8_STRIDE] = (int32_t)c->stride}};
    cu_grid g = {.x = (unsigned)a->m, .threads = 256};
    return cu_launch(a->stream, (const void *)cu_x_int8, &g, &args);
}
