/* Panels of int8 weights for float activations: per panel first the columns' row scales and zero
 * points, then [k_pad][NR] values; with scales a group, each group is led by its own scales and
 * zero points instead. Integers are exact as floats, so (q - zero) is exact and the scale rounds
 * once.
 *
 *   panel   float scale[NR], float zero[NR], then per group:
 *           (float scale[NR], float zero[NR])?, values */
#ifndef TARE_CPU_DEC_W8_H
#define TARE_CPU_DEC_W8_H

#include "cpu/cpu.h"
#include "src/format/format.h"
#include "src/takes.h"

#define WSTEP 8
#define W_SEGMENTS
#define W_KINDS 2 /* 1: there are zero points */
enum { HEAD = 2 * NR * (int)sizeof(float) };

typedef struct wcursor {
    const int8_t *at;
    int grouped, zeros;
    int64_t steps, left; /* steps of a group, and until the next one */
    vf scale[NV], zero[NV];
} wcursor;

static int64_t k_padded(const tare_problem *p) {
    return cpu_ceil_div(p->k, WSTEP) * WSTEP;
}

static size_t panel_bytes(const tare_problem *p) {
    int64_t heads = p->w.scaling == TARE_SCALE_GROUP ? format_groups(&p->w, p->k) : 0;
    return (size_t)(HEAD * (1 + heads) + k_padded(p) * NR);
}

INLINE void read_head(wcursor *w) {
    const float *h = (const float *)(const void *)w->at;
    for (int j = 0; j < NV; j++) {
        w->scale[j] = vf_load(h + j * VL);
        w->zero[j] = vf_load(h + NR + j * VL);
    }
    w->at += HEAD;
}

static void w_open(wcursor *w, const tare_run_args *a, int64_t panel) {
    const tare_problem *p = a->problem;
    w->at = (const int8_t *)a->packed + (size_t)panel * panel_bytes(p);
    w->grouped = p->w.scaling == TARE_SCALE_GROUP;
    w->zeros = p->w.zero_points;
    w->steps = w->grouped ? p->w.group / WSTEP : INT64_MAX;
    w->left = w->grouped ? 0 : INT64_MAX;
    read_head(w);
}

INLINE int w_kind(const wcursor *w) {
    return w->zeros;
}
INLINE void w_set_kind(wcursor *w, int kind) {
    w->zeros = kind;
}

INLINE int64_t w_segment(wcursor *w, int64_t steps) {
    if (w->left == 0) {
        read_head(w);
        w->left = w->steps;
    }
    if (steps > w->left) steps = w->left;
    w->left -= steps;
    return steps;
}

INLINE vf w_fold(const wcursor *w, int j, vf v) {
    return w->grouped ? vf_mul(v, w->scale[j]) : v;
}

INLINE vf w_next(wcursor *w, int i, int j) {
    vf v = vf_from_i8(w->at + i * NR + j * VL);
    return w->zeros ? vf_sub(v, w->zero[j]) : v;
}

INLINE void ahead(const void *at, int bytes);
INLINE void w_step(wcursor *w) {
    ahead(w->at, WSTEP * NR);
    w->at += WSTEP * NR;
}

static const float *w_scales(const tare_run_args *a, int64_t panel) {
    if (a->problem->w.scaling == TARE_SCALE_GROUP) return NULL;
    return (const float *)(const void *)((const char *)a->packed +
                                         (size_t)panel * panel_bytes(a->problem));
}

#include "cpu/panel_gemm.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                                     .codings = TAKES_I8,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    f->packed_bytes = (size_t)cpu_ceil_div(p->n, NR) * panel_bytes(p);
    panel_fit(rates, p, f);
    return 1;
}

static void pack_head(const tare_tensor *t, int64_t n0, int64_t g, float *h) {
    for (int j = 0; j < NR; j++) {
        h[j] = n0 + j < t->n ? format_scale(t, n0 + j, g) : 0;
        h[NR + j] = n0 + j < t->n ? (float)format_zero(t, n0 + j, g) : 0;
    }
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    const int8_t *q = t->part[TARE_VALUES].data;
    int grouped = p->w.scaling == TARE_SCALE_GROUP;
    int64_t width = grouped ? p->w.group : p->k;
    (void)used;
    for (int64_t n0 = 0; n0 < p->n; n0 += NR) {
        char *out = (char *)blob + (size_t)(n0 / NR) * panel_bytes(p);
        pack_head(t, n0, 0, (float *)(void *)out);
        out += HEAD;
        for (int64_t k0 = 0; k0 < p->k; k0 += width) {
            if (grouped) {
                pack_head(t, n0, k0 / width, (float *)(void *)out);
                out += HEAD;
            }
            int64_t end = k0 + width < p->k ? k0 + width : p->k;
            for (int j = 0; j < NR && n0 + j < p->n; j++)
                for (int64_t k = k0; k < end; k++) out[(k - k0) * NR + j] = q[(n0 + j) * p->k + k];
            out += (end - k0) * NR; /* groups are multiples of WSTEP; only the last may be ragged */
        }
    }
    return TARE_OK;
}

#endif
