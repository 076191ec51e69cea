/* x as panel_gemm.h reads it: rows of floats where few, else MR rows interleaved. Included by
 * panel_gemm.h, after a vec_*.h. */
#ifndef TARE_CPU_PANEL_X_H
#define TARE_CPU_PANEL_X_H

#include "cpu/cpu.h"

#include <string.h>

/* Values j.. of row r as floats: what the row still has, then zeros up to `count`. */
static void read_floats(const tare_run_args *a, int64_t r, int64_t j, int64_t count, float *out) {
    const tare_problem *p = a->problem;
    int64_t have = r >= a->m || p->k <= j ? 0 : p->k - j < count ? p->k - j : count, c = 0;
    if (p->x == TARE_F32) {
        const float *x = (const float *)a->x + r * p->k + j;
        for (; c < have; c++) out[c] = x[c];
    } else {
        const uint16_t *x = (const uint16_t *)a->x + r * p->k + j;
        if (p->x == TARE_BF16)
            for (; c + VL <= have; c += VL) vf_store(out + c, vf_from_bf16(x + c));
        else
            for (; c + VL <= have; c += VL) vf_store(out + c, vf_from_f16(x + c));
        for (; c < have; c++) out[c] = tare_load(p->x, x, (size_t)c);
    }
    for (; c < count; c++) out[c] = 0;
}

typedef float quad __attribute__((vector_size(16)));

static inline quad quad_load(const float *p) {
    quad v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* A square of 4 rows and 4 columns: in[r * ld + c] to out[c * MR + r]. */
static inline void turn(const float *in, int64_t ld, float *out) {
    quad a = quad_load(in), b = quad_load(in + ld), c = quad_load(in + 2 * ld),
         d = quad_load(in + 3 * ld);
    quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5),
         AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5),
         CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    quad column[4] = {
        __builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
        __builtin_shufflevector(AB, CD, 0, 1, 4, 5), __builtin_shufflevector(AB, CD, 2, 3, 6, 7)};
    for (int i = 0; i < 4; i++) memcpy(out + i * MR, &column[i], sizeof column[i]);
}

/* Rows r..r+MR-1 interleaved: the MR values that one step broadcasts lie side by side. */
static void pack_rows(const tare_run_args *a, int64_t r, int64_t k_pad, float *out) {
    enum { BLOCK = 64 };
    float line[MR * BLOCK];
    for (int64_t j = 0; j < k_pad; j += BLOCK, out += BLOCK * MR) {
        int64_t count = j + BLOCK < k_pad ? BLOCK : k_pad - j;
        for (int i = 0; i < MR; i++) read_floats(a, r + i, j, count, line + i * BLOCK);
        for (int64_t c = 0; c < count; c += 4) /* k_pad is a multiple of 4 */
            for (int i = 0; i + 4 <= MR; i += 4)
                turn(line + i * BLOCK + c, BLOCK, out + c * MR + i);
        for (int i = MR / 4 * 4; i < MR; i++)
            for (int64_t c = 0; c < count; c++) out[c * MR + i] = line[i * BLOCK + c];
    }
}

#endif
