/* The reference as a row: any valid problem, in fp64, slowly. It is why the CPU never answers
 * "unsupported". The blob is a deep copy of the canonical tensor. */
#include "cpu/rows.h"
#include "src/takes.h"

#include <string.h>

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_DENSE) | TAKES(TARE_NM) |
                                                TAKES(TARE_CSR) | TAKES(TARE_BLOCK) |
                                                TAKES(TARE_BITMAP),
                                     .codings = TAKES_FLOATS | TAKES_I8 | TAKES_I4 | TAKES_F8,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT | TAKES_X_I8 | TAKES_X_F8};
    size_t bytes[TARE_PARTS], total = sizeof(tare_tensor);
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (tare_tensor_size(&p->w, p->n, p->k, p->nnz, bytes) != TARE_OK) {
        memcpy(f->why, "its size overflows", 19);
        return 0;
    }
    for (int i = 0; i < TARE_PARTS; i++) total += cpu_round_up(bytes[i], 64);
    f->packed_bytes = cpu_round_up(total, 64);
    f->bytes = (double)f->packed_bytes;
    f->ops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    f->unit = TARE_PROBE_F32;
    tare_fit_cost(f, rates, 0.01, 0.01);
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    tare_tensor *copy = blob;
    char *at = (char *)blob + cpu_round_up(sizeof *copy, 64);
    (void)p, (void)used;
    *copy = *t;
    for (int i = 0; i < TARE_PARTS; i++) {
        if (t->part[i].bytes == 0) continue;
        memcpy(at, t->part[i].data, t->part[i].bytes);
        copy->part[i].data = at;
        at += cpu_round_up(t->part[i].bytes, 64);
    }
    return TARE_OK;
}

/* The one row that allocates during a run: its scratch would be larger than its weights. */
static tare_status run(const tare_run_args *a) {
    tare_problem p = *a->problem;
    p.m = a->m;
    double *y = tare_alloc((size_t)(p.m * p.n) * sizeof *y);
    if (!y) TARE_FAIL(TARE_E_NOMEM, "matmul_any_ref: out of memory");
    tare_status s = tare_reference(&p, a->packed, a->x, a->bias, y, NULL);
    if (s == TARE_OK)
        for (int64_t i = 0; i < p.m * p.n; i++) tare_store(p.y, a->y, (size_t)i, (float)y[i]);
    tare_free(y);
    return s;
}

const tare_kernel matmul_any_ref = {
    .name = "matmul_any_ref",
    .op = TARE_MATMUL,
    .flags = TARE_ROW_REFERENCE | TARE_ROW_REPEATABLE,
    .fit = fit,
    .pack = pack,
    .run = run,
};
