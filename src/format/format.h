/* Formats from within: a *layout* says which positions are stored and keeps the index parts, a
 * *coding* says how a value and its scale become bits. The two meet in runs: neighbouring values of
 * one row of W that lie next to each other in the values part. Adding one is a file and a row of
 * format.c's tables. */
#ifndef TARE_FORMAT_H
#define TARE_FORMAT_H

#include "src/internal.h"

#include <tare/bits.h>

typedef struct coding {
    tare_type value;
    /* Bytes of the values part. 0 on overflow. */
    int (*value_bytes)(const tare_tensor *t, size_t *bytes);
    /* Computes every scale and zero point from dense w[n*k]. Null: there are none. */
    tare_status (*scale)(tare_tensor *t, const float *w);
    /* Stores `count` values of `row`, the first at column `col` (which picks the group), as values
     * at, at+1, ...; fails where a value does not fit its type. */
    tare_status (*put)(tare_tensor *t, int64_t row, int64_t col, const float *v, int64_t count,
                       int64_t at);
    void (*get)(const tare_tensor *t, int64_t row, int64_t col, int64_t count, int64_t at,
                double *out);
    /* Rules of the values, scales and zeros parts, whose sizes are right already. */
    tare_status (*validate)(const tare_tensor *t);
} coding;

typedef struct layout {
    tare_layout layout;
    /* Bytes of indices and offsets for t's n, k, nnz; an error where nnz is impossible. */
    tare_status (*size)(const tare_tensor *t, size_t bytes[TARE_PARTS]);
    /* Stored values that encoding w will give. */
    int64_t (*count)(const tare_format *f, int64_t n, int64_t k, const float *w);
    /* Fills indices, offsets and, through the coding, values. */
    tare_status (*encode)(tare_tensor *t, const coding *c, const float *w);
    /* Adds the row's stored values into out[k], which is zero on entry. */
    void (*decode_row)(const tare_tensor *t, const coding *c, int64_t row, double *out);
    /* Rules of the index parts. Called after the sizes are checked, before any value is read. */
    tare_status (*validate)(const tare_tensor *t);
} layout;

extern const coding coding_f32, coding_f16, coding_bf16, coding_i8, coding_i4, coding_f8;
extern const layout layout_dense, layout_nm, layout_csr, layout_block, layout_bitmap;

const coding *format_coding(const tare_format *f);
const layout *format_layout(const tare_format *f);

/* ---- rows.c ---- */

/* Threads for work on n x k values. */
int format_threads(int64_t n, int64_t k);
/* The sum of what `in` gives for shares of 0..total-1. */
int64_t format_sum(int64_t total, int threads, int64_t (*in)(void *ctx, int64_t from, int64_t to),
                   void *ctx);
/* Calls `one` for rows 0..rows-1, `part` in 0..threads-1 being the caller's own; where rows fail,
 * the error is that of the first. */
typedef tare_status (*format_row)(void *ctx, int64_t row, int part);
tare_status format_rows(int64_t rows, int threads, format_row one, void *ctx);

/* What an encoding of rows needs to know of. */
typedef struct format_job {
    tare_tensor *t;
    const coding *c;
    const float *w;
    float *scratch; /* k floats a thread; null: none are needed */
} format_job;

/* Rows of which what is not zero is kept, with offsets of a value each (csr.c). */
tare_status format_encode_kept(tare_tensor *t, const coding *c, const float *w, format_row one);

/* ---- readers that packers share ---- */

/* Scale groups of a row: 1 unless scaled by group. */
static inline int64_t format_groups(const tare_format *f, int64_t k) {
    return f->scaling == TARE_SCALE_GROUP ? (k + f->group - 1) / f->group : 1;
}

/* Which scale (and zero) belongs to group g of a row. */
static inline int64_t format_scale_index(const tare_tensor *t, int64_t row, int64_t g) {
    if (t->format.scaling == TARE_SCALE_TENSOR) return 0;
    return t->format.scaling == TARE_SCALE_ROW ? row : row * format_groups(&t->format, t->k) + g;
}

static inline float format_scale(const tare_tensor *t, int64_t row, int64_t g) {
    const void *s = t->part[TARE_SCALES].data;
    int64_t i = format_scale_index(t, row, g);
    if (!s) return 1;
    return t->format.scaling == TARE_SCALE_GROUP ? tare_f16_to_f32(((const uint16_t *)s)[i])
                                                 : ((const float *)s)[i];
}

/* The zero point in the units of the stored integer: i8 as signed, i4 as 0..15. */
static inline int format_zero(const tare_tensor *t, int64_t row, int64_t g) {
    const void *z = t->part[TARE_ZEROS].data;
    int64_t i = format_scale_index(t, row, g);
    if (t->format.value == TARE_I4) return z ? ((const uint8_t *)z)[i] : TARE_I4_ZERO;
    return z ? ((const int8_t *)z)[i] : 0;
}

/* Entry i of an index part whose entries count `columns` possibilities. */
static inline uint32_t format_index(const tare_tensor *t, int64_t columns, int64_t i) {
    const void *p = t->part[TARE_INDICES].data;
    return TARE_INDEX_BYTES(columns) == 2 ? ((const uint16_t *)p)[i] : ((const uint32_t *)p)[i];
}

static inline void format_put_index(tare_tensor *t, int64_t columns, int64_t i, int64_t v) {
    void *p = t->part[TARE_INDICES].data;
    if (TARE_INDEX_BYTES(columns) == 2)
        ((uint16_t *)p)[i] = (uint16_t)v;
    else
        ((uint32_t *)p)[i] = (uint32_t)v;
}

/* Bytes of one row of N:M columns, and values of one row. */
static inline int64_t format_nm_values(const tare_format *f, int64_t k) {
    return (k + f->nm_m - 1) / f->nm_m * f->nm_n;
}
static inline int64_t format_nm_bytes(const tare_format *f, int64_t k) {
    int64_t per = TARE_NM_PER_BYTE(f->nm_m);
    return (format_nm_values(f, k) + per - 1) / per;
}
/* The column in W of stored value i of a row; may be >= k in a ragged last group. */
static inline int64_t format_nm_column(const tare_tensor *t, int64_t row, int64_t i) {
    const uint8_t *b = t->part[TARE_INDICES].data;
    b += row * format_nm_bytes(&t->format, t->k);
    return i / t->format.nm_n * t->format.nm_m + (int64_t)TARE_NM_GET(b, i, t->format.nm_m);
}

#endif
