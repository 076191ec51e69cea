/* Activations to int8, row by row, as TARE_X_I8 defines it (include/tare/tare.h): every variant
 * gives the bits of the reference. Beside the codes a row gets its scale and, a segment of k (a
 * scale group of the weights, or all of k), the negated sum of its codes: what turns
 * sum(q * (u - zero)) into sum(q * u) + zero * sum for weights stored unsigned. */
#ifndef TARE_CPU_XQUANT_H
#define TARE_CPU_XQUANT_H

#include "cpu/cpu.h"

#include <math.h>
#include <string.h>

typedef struct xquant {
    const void *x; /* [m][k] of type */
    tare_type type;
    int64_t k, m;
    int32_t wide;    /* codes as int16 (for multiply-add of 16-bit pairs) instead of int8 */
    void *q;         /* [m][ldq], zero from k to ldq */
    int64_t ldq;     /* a multiple of 64, at least k */
    float *scale;    /* [m] */
    int32_t *minus;  /* [m][segments]: -factor * sum of the segment's codes */
    int64_t segment; /* a multiple of 32 */
    int64_t segments;
    int32_t factor;
} xquant;

/* Rows from..to-1. */
typedef void xquant_rows(const xquant *j, int64_t from, int64_t to);
xquant_rows xquant_c, xquant_avx2, xquant_vnni;

/* Elements between rows of codes: padded to whole vectors, and off a multiple of 4 KiB, where the
 * rows of a tile would fight for the same cache sets. */
static inline int64_t xquant_stride(int64_t k) {
    int64_t s = (k + 63) / 64 * 64;
    return s % 1024 == 0 ? s + 64 : s;
}

/* s = a / 127 and 127 / a, or zeros, from the bits of a = max|x|: as integers they order finite
 * numbers, infinity and NaN, where a comparison of floats would lose the NaN. A row that is not
 * finite has NaN for its scale, so that all of its y is NaN, whatever the codes. */
static inline void xquant_scale(uint32_t most, float *scale, float *inverse) {
    float a;
    memcpy(&a, &most, sizeof a);
    *scale = a < 0x1p-100f ? 0 : a / 127.0f;
    *inverse = a < 0x1p-100f ? 0 : 127.0f / a;
    if (most < 0x7f800000u) return;
    *scale = NAN;
    *inverse = 0;
}

#endif
