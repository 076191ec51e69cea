/* Panels of dense float weights: [k_pad][NR] values of DENSE_TYPE, zeros past k. Included by
 * matmul_{f32,f16,bf16}_ISA.c after a vec_*.h, with DENSE_TYPE, DENSE_STORED (its C type) and
 * DENSE_LOAD defined. */
#ifndef TARE_CPU_DEC_DENSE_H
#define TARE_CPU_DEC_DENSE_H

#include "cpu/cpu.h"
#include "src/takes.h"

#define WSTEP 4

typedef struct wcursor {
    const DENSE_STORED *at;
} wcursor;

static void w_open(wcursor *w, const tare_run_args *a, int64_t panel) {
    w->at =
        (const DENSE_STORED *)a->packed + panel * cpu_ceil_div(a->problem->k, WSTEP) * WSTEP * NR;
}

INLINE vf w_next(wcursor *w, int i, int j) {
    return DENSE_LOAD(w->at + i * NR + j * VL);
}

INLINE void ahead(const void *at, int bytes);
INLINE void w_step(wcursor *w) {
    ahead(w->at, WSTEP * NR * (int)sizeof *w->at);
    w->at += WSTEP * NR;
}

static const float *w_scales(const tare_run_args *a, int64_t panel) {
    (void)a, (void)panel;
    return NULL;
}

#include "cpu/panel_gemm.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                              .codings = tare_codings(DENSE_TYPE),
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    f->packed_bytes = (size_t)(cpu_ceil_div(p->n, NR) * NR * cpu_ceil_div(p->k, WSTEP) * WSTEP) *
                      sizeof(DENSE_STORED);
    panel_fit(rates, p, f);
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    const DENSE_STORED *w = t->part[TARE_VALUES].data;
    int64_t k_pad = cpu_ceil_div(p->k, WSTEP) * WSTEP;
    (void)used;
    for (int64_t n = 0; n < p->n; n++) {
        DENSE_STORED *out = (DENSE_STORED *)blob + n / NR * k_pad * NR + n % NR;
        for (int64_t j = 0; j < p->k; j++) out[j * NR] = w[n * p->k + j];
    }
    return TARE_OK;
}

#endif
