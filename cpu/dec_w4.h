/* Panels of int4 weights for float activations. A 32-bit lane holds the nibbles of eight
 * neighbouring columns of one row of W, so that decoding is a shift and a look-up (vec_avx512.h).
 * One stream: per group first scales and zero points, then its values.
 *
 *   group   uint16_t f16 scale[NR], uint8_t zero[NR] (where there are zero points),
 *           uint32_t [steps][NR] */
#ifndef TARE_CPU_DEC_W4_H
#define TARE_CPU_DEC_W4_H

#include "cpu/cpu.h"
#include "src/format/format.h"
#include "src/takes.h"

#define WSTEP 8
#define W_SEGMENTS
#define W_KINDS 2 /* 1: there are zero points */

typedef struct wcursor {
    const uint8_t *at;
    int zeros;
    int64_t steps, left; /* steps of a group, and until the next one */
    vf scale[NV], zero[NV];
} wcursor;

static size_t head_bytes(const tare_problem *p) {
    return (size_t)NR * (p->w.zero_points ? 3 : 2);
}

static size_t panel_bytes(const tare_problem *p) {
    size_t values = (size_t)cpu_ceil_div(p->k, WSTEP) * NR * sizeof(uint32_t);
    return values + (size_t)format_groups(&p->w, p->k) * head_bytes(p);
}

INLINE void read_head(wcursor *w) {
    const uint16_t *s = (const uint16_t *)(const void *)w->at;
    for (int j = 0; j < NV; j++) {
        w->scale[j] = vf_from_f16(s + j * VL);
        w->zero[j] = w->zeros ? vf_from_u8(w->at + 2 * NR + j * VL) : vf_set(TARE_I4_ZERO);
    }
    w->at += w->zeros ? 3 * NR : 2 * NR;
}

static void w_open(wcursor *w, const tare_run_args *a, int64_t panel) {
    const tare_problem *p = a->problem;
    w->at = (const uint8_t *)a->packed + (size_t)panel * panel_bytes(p);
    w->zeros = p->w.zero_points;
    w->steps = p->w.group / WSTEP;
    w->left = 0;
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
    return vf_mul(v, w->scale[j]);
}

INLINE vf w_next(wcursor *w, int i, int j) {
    vi raw = vi_load((const uint32_t *)(const void *)w->at + j * VL);
    return w->zeros ? vf_nibble(raw, i, w->zero[j]) : vf_nibble8(raw, i);
}

INLINE void ahead(const void *at, int bytes);
INLINE void w_step(wcursor *w) {
    ahead(w->at, NR * (int)sizeof(uint32_t));
    w->at += NR * sizeof(uint32_t);
}

static const float *w_scales(const tare_run_args *a, int64_t panel) {
    (void)a, (void)panel;
    return NULL;
}

#include "cpu/panel_gemm.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                                     .codings = TAKES_I4,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    f->packed_bytes = (size_t)cpu_ceil_div(p->n, NR) * panel_bytes(p);
    panel_fit(rates, p, f);
    return 1;
}

/* Nibbles of columns k..k+7 of a row; past the end the zero, which decodes to 0. */
static uint32_t eight(const tare_tensor *t, int64_t row, int64_t k) {
    const uint8_t *in = (const uint8_t *)t->part[TARE_VALUES].data + row * TARE_I4_ROW_BYTES(t->k);
    uint32_t v = 0;
    for (int64_t i = k; i < k + WSTEP; i++) {
        unsigned q = i < t->k ? TARE_I4_GET(in[i / 2], i)
                              : (unsigned)format_zero(t, row, k / t->format.group);
        v |= (uint32_t)q << (4 * (i - k));
    }
    return v;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    int64_t group = p->w.group;
    (void)used;
    for (int64_t n0 = 0; n0 < p->n; n0 += NR) {
        uint8_t *out = (uint8_t *)blob + (size_t)(n0 / NR) * panel_bytes(p);
        int cols = p->n - n0 < NR ? (int)(p->n - n0) : NR;
        for (int64_t k0 = 0; k0 < p->k; k0 += group) {
            uint16_t *scale = (uint16_t *)(void *)out;
            for (int j = 0; j < cols; j++) {
                scale[j] = tare_f32_to_f16(format_scale(t, n0 + j, k0 / group));
                if (p->w.zero_points) out[2 * NR + j] = (uint8_t)format_zero(t, n0 + j, k0 / group);
            }
            out += head_bytes(p);
            for (int64_t k = k0; k < k0 + group && k < p->k; k += WSTEP) {
                for (int j = 0; j < cols; j++) ((uint32_t *)(void *)out)[j] = eight(t, n0 + j, k);
                out += NR * sizeof(uint32_t);
            }
        }
    }
    return TARE_OK;
}

#endif
