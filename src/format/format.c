/* The tables of codings and layouts, and the public calls over them. */
#include "src/format/format.h"
#include "src/fpenv.h"

#include <math.h>
#include <string.h>

static const coding *const codings[] = {&coding_f32, &coding_f16, &coding_bf16,
                                        &coding_i8,  &coding_i4,  &coding_f8};
static const layout *const layouts[] = {&layout_dense, &layout_nm, &layout_csr, &layout_block,
                                        &layout_bitmap};

const coding *format_coding(const tare_format *f) {
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (codings[i]->value == f->value) return codings[i];
    return NULL;
}

const layout *format_layout(const tare_format *f) {
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i]->layout == f->layout) return layouts[i];
    return NULL;
}

const char *tare_part_name(int part) {
    static const char *const names[] = {"values", "scales", "zeros", "indices", "offsets"};
    return part >= 0 && part < TARE_PARTS ? names[part] : "?";
}

static tare_status check_shape(int64_t n, int64_t k) {
    if (n < 1 || k < 1 || n > INT32_MAX || k > INT32_MAX || n * k >= (int64_t)1 << 40)
        TARE_FAIL(TARE_E_SHAPE,
                  "weights: n %lld, k %lld: each must lie in 1..2^31-1, together below 2^40",
                  (long long)n, (long long)k);
    return TARE_OK;
}

static int64_t scale_count(const tare_tensor *t) {
    switch (t->format.scaling) {
    case TARE_SCALE_NONE:
        return 0;
    case TARE_SCALE_TENSOR:
        return 1;
    case TARE_SCALE_ROW:
        return t->n;
    case TARE_SCALE_GROUP:
        return t->n * format_groups(&t->format, t->k);
    }
    return 0;
}

/* Sizes of t's parts from its format, n, k and nnz. */
static tare_status sizes(const tare_tensor *t, size_t bytes[TARE_PARTS]) {
    memset(bytes, 0, TARE_PARTS * sizeof *bytes);
    TARE_TRY(tare_format_check(&t->format));
    TARE_TRY(check_shape(t->n, t->k));
    TARE_TRY(format_layout(&t->format)->size(t, bytes));
    if (!format_coding(&t->format)->value_bytes(t, &bytes[TARE_VALUES]))
        TARE_FAIL(TARE_E_SHAPE, "weights: the size of the values overflows");
    size_t scales = (size_t)scale_count(t);
    bytes[TARE_SCALES] = scales * (t->format.scaling == TARE_SCALE_GROUP ? 2 : 4);
    bytes[TARE_ZEROS] = t->format.zero_points ? scales : 0;
    return TARE_OK;
}

tare_status tare_tensor_size(const tare_format *f, int64_t n, int64_t k, int64_t nnz,
                             size_t bytes[TARE_PARTS]) {
    if (!f || !bytes) TARE_FAIL(TARE_E_ARG, "tensor_size: null argument");
    memset(bytes, 0, TARE_PARTS * sizeof *bytes);
    tare_tensor t = {.format = *f, .n = n, .k = k, .nnz = nnz};
    /* Where n and k decide, nnz is theirs; the products below are safe in a checked shape only. */
    TARE_TRY(tare_format_check(f));
    TARE_TRY(check_shape(n, k));
    if (f->layout == TARE_DENSE) t.nnz = n * k;
    if (f->layout == TARE_NM) t.nnz = n * format_nm_values(f, k);
    return sizes(&t, bytes);
}

typedef struct matrix {
    const float *w;
    int64_t k;
} matrix;

static tare_status check_finite(void *weights, int64_t i, int part) {
    const matrix *m = weights;
    const float *w = m->w + i * m->k;
    /* A sum of |w| * 0 is 0 or NaN: one branch a row. */
    float bad = 0;
    (void)part;
    for (int64_t j = 0; j < m->k; j++) bad += w[j] * 0.0f;
    if (bad == 0) return TARE_OK;
    for (int64_t j = 0; j < m->k; j++)
        if (!isfinite(w[j]))
            TARE_FAIL(TARE_E_VALUE, "weights[%lld,%lld] is %s", (long long)i, (long long)j,
                      isnan(w[j]) ? "NaN" : "infinite");
    return TARE_OK;
}

static tare_status alloc_parts(tare_tensor *t) {
    size_t bytes[TARE_PARTS];
    TARE_TRY(sizes(t, bytes));
    for (int i = 0; i < TARE_PARTS; i++) {
        if (bytes[i] == 0) continue;
        t->part[i].data = tare_alloc_zeroed(bytes[i]);
        if (!t->part[i].data)
            TARE_FAIL(TARE_E_NOMEM, "encode: no memory for %zu bytes of %s", bytes[i],
                      tare_part_name(i));
        t->part[i].bytes = bytes[i];
    }
    return TARE_OK;
}

static tare_status fill(tare_tensor *t, const float *w) {
    const coding *c = format_coding(&t->format);
    TARE_TRY(c->scale ? c->scale(t, w) : TARE_OK);
    return format_layout(&t->format)->encode(t, c, w);
}

tare_status tare_encode(const tare_format *f, int64_t n, int64_t k, const float *w,
                        tare_tensor *out) {
    TARE_FP_DEFAULT;
    if (!f || !w || !out) TARE_FAIL(TARE_E_ARG, "encode: null argument");
    memset(out, 0, sizeof *out);
    TARE_TRY(tare_format_check(f));
    TARE_TRY(check_shape(n, k));
    matrix m = {w, k};
    TARE_TRY(format_rows(n, format_threads(n, k), check_finite, &m));
    tare_tensor t = {.format = *f, .n = n, .k = k};
    t.nnz = format_layout(f)->count(f, n, k, w);
    tare_status s = alloc_parts(&t);
    if (s == TARE_OK) s = fill(&t, w);
    if (s != TARE_OK) {
        tare_tensor_clear(&t);
        return s;
    }
    *out = t;
    return TARE_OK;
}

tare_status tare_decode_row_f64(const tare_tensor *t, int64_t row, double *out) {
    TARE_FP_DEFAULT;
    if (!t || !out || row < 0 || row >= t->n)
        TARE_FAIL(TARE_E_ARG, "decode_row: null argument, or a row outside 0..n-1");
    for (int64_t j = 0; j < t->k; j++) out[j] = 0;
    format_layout(&t->format)->decode_row(t, format_coding(&t->format), row, out);
    return TARE_OK;
}

tare_status tare_decode_row(const tare_tensor *t, int64_t row, float *out) {
    TARE_FP_DEFAULT;
    if (!t || !out) TARE_FAIL(TARE_E_ARG, "decode_row: null argument");
    double *wide = tare_alloc((size_t)t->k * sizeof *wide);
    if (!wide) TARE_FAIL(TARE_E_NOMEM, "decode_row: out of memory");
    tare_status s = tare_decode_row_f64(t, row, wide);
    if (s == TARE_OK)
        for (int64_t j = 0; j < t->k; j++) out[j] = (float)wide[j];
    tare_free(wide);
    return s;
}

tare_status tare_validate(const tare_tensor *t) {
    TARE_FP_DEFAULT;
    size_t bytes[TARE_PARTS];
    if (!t) TARE_FAIL(TARE_E_ARG, "validate: null tensor");
    TARE_TRY(sizes(t, bytes));
    for (int i = 0; i < TARE_PARTS; i++) {
        if (t->part[i].bytes != bytes[i])
            TARE_FAIL(TARE_E_FORMAT, "tensor: %s has %zu bytes, its shape needs %zu",
                      tare_part_name(i), t->part[i].bytes, bytes[i]);
        if (bytes[i] && !t->part[i].data)
            TARE_FAIL(TARE_E_FORMAT, "tensor: %s is missing", tare_part_name(i));
        /* Parts are read as arrays of up to 8-byte elements. */
        if ((uintptr_t)t->part[i].data % 8)
            TARE_FAIL(TARE_E_ARG, "tensor: %s is not aligned to 8 bytes", tare_part_name(i));
    }
    TARE_TRY(format_layout(&t->format)->validate(t));
    return format_coding(&t->format)->validate(t);
}

void tare_tensor_clear(tare_tensor *t) {
    if (!t) return;
    for (int i = 0; i < TARE_PARTS; i++) tare_free(t->part[i].data);
    memset(t, 0, sizeof *t);
}
