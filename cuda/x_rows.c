/* Copies of x, where a kernel can't read it as it lies. */
#include "cuda/x_rows.h"

void cu_x_rows(cu_args a);

enum { PIECE = 8, THREADS = 256, LD = 0, AS = 1 };

static int64_t padded(const tare_problem *p) {
    return (p->k + PIECE - 1) / PIECE * PIECE;
}

static int lies_right(const tare_problem *p, tare_type want) {
    return p->x == want && p->k % PIECE == 0;
}

size_t cu_x_rows_bytes(const tare_problem *p, tare_type want) {
    size_t bytes = (size_t)(p->m * padded(p)) * tare_type_bytes(want);
    return lies_right(p, want) ? 0 : (bytes + 255) / 256 * 256;
}

tare_status cu_x_rows_to(const tare_run_args *a, int64_t ld, tare_type want, void *to) {
    const tare_problem *p = a->problem;
    cu_args args = {.x = a->x,
                    .y = to,
                    .m = (int32_t)a->m,
                    .k = (int32_t)p->k,
                    .x_type = (int32_t)p->x,
                    .i = {[LD] = (int32_t)ld, [AS] = (int32_t)want}};
    cu_grid g = {.x = (unsigned)((a->m * ld + THREADS - 1) / THREADS), .threads = THREADS};
    return cu_launch(a->stream, (const void *)cu_x_rows, &g, &args);
}

tare_status cu_x_rows_of(const tare_run_args *a, tare_type want, const void **x, int32_t *ld) {
    const tare_problem *p = a->problem;
    *ld = (int32_t)padded(p);
    *x = lies_right(p, want) ? a->x : a->scratch;
    return *x == a->x ? TARE_OK : cu_x_rows_to(a, *ld, want, a->scratch);
}
