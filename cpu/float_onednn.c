/* What the float rows over oneDNN share: problems to cases. */
#include "cpu/onednn.h"
#include "src/takes.h"

static onednn_case case_of(const tare_problem *p, int64_t m, int threads) {
    return (onednn_case){.m = m,
                         .n = p->n,
                         .k = p->k,
                         .x = p->x,
                         .w = p->w.value,
                         .y = p->y,
                         .bias = (p->flags & TARE_BIAS) != 0,
                         .relu = (p->flags & TARE_RELU) != 0,
                         .threads = threads};
}

int onednn_float_fit(tare_type t, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                              .codings = tare_codings(t),
                              .x = TAKES(t),
                              .y = TAKES(TARE_F32) | TAKES(t),
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    onednn_case c = case_of(p, p->m, tare_threads());
    if (!onednn_fit(&c, &f->packed_bytes, &f->scratch_bytes, f->why)) return 0;
    double m = (double)p->m, n = (double)p->n, k = (double)p->k;
    f->bytes = (double)f->packed_bytes + m * k * (double)tare_type_bytes(p->x) +
               m * n * (double)tare_type_bytes(p->y);
    f->ops = 2 * m * n * k;
    return 1;
}

tare_status onednn_float_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                              size_t *used) {
    onednn_case c = case_of(p, p->m, tare_threads());
    return onednn_pack(&c, t->part[TARE_VALUES].data, blob, used);
}

tare_status onednn_float_run(const tare_run_args *a) {
    onednn_run r = {.c = case_of(a->problem, a->m, a->threads),
                    .blob = a->packed,
                    .x = a->x,
                    .bias = a->bias,
                    .y = a->y,
                    .scratch = a->scratch,
                    .scratch_bytes = a->scratch_bytes};
    return onednn_execute(&r);
}
