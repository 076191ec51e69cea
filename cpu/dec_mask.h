/* Panels of sparse float weights as bits and packed values. Of each column of a panel the NR
 * neighbouring rows of W have a bit each; the values of the bits that are set follow one another,
 * and an expand puts VL of them where they belong. The bits run across rows of W, not along one, so
 * that a decoded vector is what the GEMM of panel_gemm.h multiplies: no sums across lanes, the same
 * path for every m. N:M fits as well: M bits a group are no more than N column numbers.
 *
 *   blob    uint64_t at[panels + 1]: where a panel's values start, in values
 *           uint8_t bits[panels][k, padded][NR / 8], lowest bit the first row
 *           values, then 64 bytes that may be read
 *
 * Included by matmul_{bitmap,nm}_ISA.c after a vec_*.h with MASK_LAYOUT defined. */
#ifndef TARE_CPU_DEC_MASK_H
#define TARE_CPU_DEC_MASK_H

#include "cpu/cpu.h"
#include "cpu/kept.h"
#include "src/takes.h"

#include <string.h>

#define WSTEP 4
#define W_KINDS 3 /* the type of the values: f32, f16, bf16 */
enum { MASK_BYTES = NR / 8 };

typedef struct wcursor {
    const uint8_t *bits;
    const char *at; /* the next value */
    int kind;
    int step_bytes; /* of values, on average: what is asked for ahead */
} wcursor;

typedef struct mask_parts {
    int64_t k_pad;
    size_t bits, values, end; /* offsets in the blob */
} mask_parts;

static mask_parts parts_of(const tare_problem *p) {
    mask_parts s = {.k_pad = cpu_ceil_div(p->k, WSTEP) * WSTEP};
    size_t panels = (size_t)cpu_ceil_div(p->n, NR);
    s.bits = cpu_round_up((panels + 1) * sizeof(uint64_t), 64);
    s.values = cpu_round_up(s.bits + panels * (size_t)s.k_pad * MASK_BYTES, 64);
    s.end = s.values + (size_t)p->nnz * tare_type_bytes(p->w.value) + 64;
    return s;
}

static void w_open(wcursor *w, const tare_run_args *a, int64_t panel) {
    const tare_problem *p = a->problem;
    const char *blob = a->packed;
    mask_parts s = parts_of(p);
    size_t width = tare_type_bytes(p->w.value);
    w->bits = (const uint8_t *)blob + s.bits + (size_t)(panel * s.k_pad) * MASK_BYTES;
    w->at = blob + s.values + (size_t)((const uint64_t *)a->packed)[panel] * width;
    w->kind = p->w.value == TARE_F32 ? 0 : p->w.value == TARE_F16 ? 1 : 2;
    w->step_bytes =
        (int)((double)p->nnz * (double)width * WSTEP * NR / (double)p->n / (double)p->k);
}

INLINE int w_kind(const wcursor *w) {
    return w->kind;
}
INLINE void w_set_kind(wcursor *w, int kind) {
    w->kind = kind;
}

/* Bits of vector j of the column at `bits`. */
INLINE unsigned mask_of(const uint8_t *bits, int j) {
    if (VL == 16) return bits[2 * j] | (unsigned)bits[2 * j + 1] << 8;
    if (VL == 8) return bits[j];
    return bits[j / 2] >> (j % 2 * 4) & 15u;
}

INLINE vf w_next(wcursor *w, int i, int j) {
    unsigned mask = mask_of(w->bits + i * MASK_BYTES, j);
    const void *at = w->at;
    vf v = w->kind == 0 ? vf_load(at) : w->kind == 1 ? vf_from_f16(at) : vf_from_bf16(at);
    w->at += (unsigned)__builtin_popcount(mask) * (w->kind == 0 ? 4u : 2u);
    return vf_expand(v, mask);
}

INLINE void ahead(const void *at, int bytes);
INLINE void w_step(wcursor *w) {
    ahead(w->at, w->step_bytes);
    w->bits += WSTEP * MASK_BYTES;
}

static const float *w_scales(const tare_run_args *a, int64_t panel) {
    (void)a, (void)panel;
    return NULL;
}

#include "cpu/panel_gemm.h"

static int fit(const tare_rates *rates, const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(MASK_LAYOUT),
                                     .codings = TAKES_FLOATS,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    f->packed_bytes = parts_of(p).end;
    panel_fit(rates, p, f);
    return 1;
}

/* One panel, column by column; returns how many values it holds so far. */
static uint64_t pack_panel(const tare_tensor *t, int64_t n0, uint8_t *bits, char *values,
                           uint64_t at) {
    size_t width = tare_type_bytes(t->format.value);
    const char *in = t->part[TARE_VALUES].data;
    kept row[NR];
    for (int r = 0; r < NR; r++) kept_open(&row[r], t, n0 + r);
    for (int64_t j = 0; j < t->k; j++, bits += MASK_BYTES)
        for (int r = 0; r < NR; r++) {
            if (row[r].col != j) continue;
            bits[r / 8] |= (uint8_t)(1u << (r % 8));
            memcpy(values + at++ * width, in + (size_t)row[r].at * width, width);
            kept_next(&row[r]);
        }
    return at;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    mask_parts s = parts_of(p);
    uint64_t *at = blob, values = 0;
    int64_t panels = cpu_ceil_div(p->n, NR);
    for (int64_t i = 0; i < panels; i++) {
        at[i] = values;
        uint8_t *bits = (uint8_t *)blob + s.bits + (size_t)(i * s.k_pad) * MASK_BYTES;
        values = pack_panel(t, i * NR, bits, (char *)blob + s.values, values);
    }
    at[panels] = values;
    *used = s.values + (size_t)values * tare_type_bytes(p->w.value) + 64;
    return TARE_OK;
}

#endif
