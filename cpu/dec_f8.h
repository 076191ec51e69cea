/* Panels of f8 weights for float activations, and for f8 ones, which are quantised and decoded to
 * floats before the product (cpu/x_f8.h): f8 values are exact as floats.
 *
 *   panel   float 256 * scale[NR], uint8_t [k_pad][NR] codes; they decode to 1/256 of their value
 */
#ifndef TARE_CPU_DEC_F8_H
#define TARE_CPU_DEC_F8_H

#include "cpu/cpu.h"
#include "src/format/format.h"
#include "src/takes.h"

#define WSTEP 8
enum { HEAD = NR * (int)sizeof(float) };

typedef struct wcursor {
    const uint8_t *at;
} wcursor;

static size_t panel_bytes(const tare_problem *p) {
    return (size_t)(HEAD + cpu_ceil_div(p->k, WSTEP) * WSTEP * NR);
}

static const float *w_scales(const tare_run_args *a, int64_t panel) {
    const char *blob = a->packed;
    return (const float *)(const void *)(blob + (size_t)panel * panel_bytes(a->problem));
}

static void w_open(wcursor *w, const tare_run_args *a, int64_t panel) {
    w->at = (const uint8_t *)a->packed + (size_t)panel * panel_bytes(a->problem) + HEAD;
}

INLINE vf w_next(wcursor *w, int i, int j) {
    return vf_from_f8(w->at + i * NR + j * VL);
}

INLINE void ahead(const void *at, int bytes);
INLINE void w_step(wcursor *w) {
    ahead(w->at, WSTEP * NR);
    w->at += WSTEP * NR;
}

#include "cpu/panel_gemm.h"
#include "cpu/x_f8.h"

/* What is left where x was quantised and decoded: a product of floats. */
static tare_problem decoded(const tare_problem *p) {
    tare_problem q = *p;
    if (p->flags & TARE_X_F8) q.x = TARE_F32;
    q.flags &= ~(uint32_t)(TARE_X_F8 | TARE_SUM_F8);
    return q;
}

static size_t decoded_bytes(const tare_problem *p, int64_t m) {
    return p->flags & TARE_X_F8 ? cpu_round_up((size_t)(m * p->k) * sizeof(float), 64) : 0;
}

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                                     .codings = TAKES_F8,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT | TAKES_X_F8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    tare_problem q = decoded(p);
    f->packed_bytes = (size_t)cpu_ceil_div(p->n, NR) * panel_bytes(p);
    panel_fit(rates, p, f);
    f->scratch_bytes = decoded_bytes(p, p->m) + scratch_of(&q);
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    const uint8_t *q = t->part[TARE_VALUES].data;
    (void)used;
    for (int64_t n0 = 0; n0 < p->n; n0 += NR) {
        uint8_t *out = (uint8_t *)blob + (size_t)(n0 / NR) * panel_bytes(p);
        for (int j = 0; j < NR && n0 + j < p->n; j++) {
            ((float *)(void *)out)[j] = 256 * format_scale(t, n0 + j, 0);
            for (int64_t k = 0; k < p->k; k++) out[HEAD + k * NR + j] = q[(n0 + j) * p->k + k];
        }
    }
    return TARE_OK;
}

static void round_rows(void *ctx, int64_t from, int64_t to, int part) {
    const tare_run_args *a = ctx;
    int64_t k = a->problem->k;
    float *x = a->scratch;
    (void)part;
    for (int64_t r = from; r < to; r++) {
        read_floats(a, r, 0, k, x + r * k);
        x_f8_round(x + r * k, k);
    }
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    if (!(p->flags & TARE_X_F8)) return panel_run(a);
    tare_problem q = decoded(p);
    tare_run_args b = *a;
    float *x = a->scratch;
    parallel_ranges(a->m, a->threads, round_rows, (void *)(uintptr_t)a);
    b.problem = &q;
    b.x = x;
    b.scratch = (char *)a->scratch + decoded_bytes(p, a->m);
    b.scratch_bytes -= decoded_bytes(p, a->m);
    return panel_run(&b);
}

#endif
