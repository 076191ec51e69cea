/* Block-sparse: r x c blocks with any non-zero, block row by block row; offsets count blocks,
 * indices are block columns, values are row-major within a block. Blocks over the edge are padded
 * with 0. */
#include "src/format/format.h"

#include <string.h>

static int64_t up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static tare_status size(const tare_tensor *t, size_t bytes[TARE_PARTS]) {
    int64_t r = t->format.block_r, c = t->format.block_c, rows = up(t->n, r), cols = up(t->k, c);
    if (t->nnz < 0 || t->nnz % (r * c) || t->nnz / (r * c) > rows * cols ||
        t->nnz / (r * c) > UINT32_MAX)
        TARE_FAIL(TARE_E_FORMAT, "tensor: nnz %lld is no number of %lldx%lld blocks",
                  (long long)t->nnz, (long long)r, (long long)c);
    bytes[TARE_INDICES] = (size_t)(t->nnz / (r * c)) * TARE_INDEX_BYTES(cols);
    bytes[TARE_OFFSETS] = (size_t)(rows + 1) * sizeof(uint32_t);
    return TARE_OK;
}

static int any(const tare_format *f, int64_t n, int64_t k, const float *w, int64_t i, int64_t j) {
    for (int64_t a = i; a < i + f->block_r && a < n; a++)
        for (int64_t b = j; b < j + f->block_c && b < k; b++)
            if (w[a * k + b] != 0) return 1;
    return 0;
}

typedef struct matrix {
    const tare_format *f;
    int64_t n, k;
    const float *w;
} matrix;

/* Blocks with a value in block rows from..to-1. */
static int64_t blocks_in(void *ctx, int64_t from, int64_t to) {
    const matrix *m = ctx;
    int64_t kept = 0;
    for (int64_t i = from * m->f->block_r; i < to * m->f->block_r; i += m->f->block_r)
        for (int64_t j = 0; j < m->k; j += m->f->block_c) kept += any(m->f, m->n, m->k, m->w, i, j);
    return kept;
}

static int64_t count(const tare_format *f, int64_t n, int64_t k, const float *w) {
    matrix m = {f, n, k, w};
    int64_t rows = (n + f->block_r - 1) / f->block_r;
    return format_sum(rows, format_threads(n, k), blocks_in, &m) * f->block_r * f->block_c;
}

/* Rows past n have no scale of their own; their zeros need none. */
static tare_status put_block(tare_tensor *t, const coding *c, const float *w, int64_t i, int64_t j,
                             int64_t at) {
    const tare_format *f = &t->format;
    float line[256];
    for (int64_t a = 0; a < f->block_r; a++) {
        int64_t row = i + a < t->n ? i + a : t->n - 1;
        memset(line, 0, sizeof line);
        for (int64_t b = 0; i + a < t->n && b < f->block_c && j + b < t->k; b++)
            line[b] = w[(i + a) * t->k + j + b];
        TARE_TRY(c->put(t, row, 0, line, f->block_c, at + a * f->block_c));
    }
    return TARE_OK;
}

/* Block rows first say how many blocks they have. */
static tare_status count_row(void *job, int64_t br, int part) {
    const format_job *j = job;
    const tare_tensor *t = j->t;
    uint32_t blocks = 0;
    (void)part;
    for (int64_t x = 0; x < t->k; x += t->format.block_c)
        blocks += (uint32_t)any(&t->format, t->n, t->k, j->w, br * t->format.block_r, x);
    ((uint32_t *)t->part[TARE_OFFSETS].data)[br + 1] = blocks;
    return TARE_OK;
}

static tare_status encode_row(void *job, int64_t br, int part) {
    const format_job *j = job;
    tare_tensor *t = j->t;
    const tare_format *f = &t->format;
    int64_t i = br * f->block_r, at = ((const uint32_t *)t->part[TARE_OFFSETS].data)[br];
    (void)part;
    for (int64_t x = 0; x < t->k; x += f->block_c) {
        if (!any(f, t->n, t->k, j->w, i, x)) continue;
        format_put_index(t, up(t->k, f->block_c), at, x / f->block_c);
        TARE_TRY(put_block(t, j->c, j->w, i, x, at * f->block_r * f->block_c));
        at++;
    }
    return TARE_OK;
}

static tare_status encode(tare_tensor *t, const coding *c, const float *w) {
    format_job j = {t, c, w, NULL};
    int64_t rows = up(t->n, t->format.block_r);
    int threads = format_threads(rows, t->k * t->format.block_r);
    uint32_t *offsets = t->part[TARE_OFFSETS].data;
    TARE_TRY(format_rows(rows, threads, count_row, &j));
    for (int64_t i = 0; i < rows; i++) offsets[i + 1] += offsets[i];
    return format_rows(rows, threads, encode_row, &j);
}

static void decode_row(const tare_tensor *t, const coding *c, int64_t row, double *out) {
    const tare_format *f = &t->format;
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    int64_t br = row / f->block_r, in = row % f->block_r, cols = up(t->k, f->block_c);
    for (int64_t b = offsets[br]; b < offsets[br + 1]; b++) {
        int64_t col = (int64_t)format_index(t, cols, b) * f->block_c;
        int64_t width = t->k - col < f->block_c ? t->k - col : f->block_c;
        c->get(t, row, 0, width, (b * f->block_r + in) * f->block_c, out + col);
    }
}

/* What lies over the edge must be 0: some kernels multiply it. */
static tare_status check_padding(const tare_tensor *t, int64_t br, int64_t b, int64_t col) {
    const tare_format *f = &t->format;
    double v;
    for (int64_t a = 0; a < f->block_r; a++)
        for (int64_t x = 0; x < f->block_c; x++) {
            int64_t row = br * f->block_r + a;
            if (row < t->n && col + x < t->k) continue;
            format_coding(f)->get(t, row < t->n ? row : t->n - 1, 0, 1,
                                  (b * f->block_r + a) * f->block_c + x, &v);
            if (v != 0)
                TARE_FAIL(TARE_E_FORMAT, "tensor: block %lld has values past the edge",
                          (long long)b);
        }
    return TARE_OK;
}

static tare_status validate(const tare_tensor *t) {
    const tare_format *f = &t->format;
    const uint32_t *offsets = t->part[TARE_OFFSETS].data;
    int64_t rows = up(t->n, f->block_r), cols = up(t->k, f->block_c);
    int64_t blocks = t->nnz / ((int64_t)f->block_r * f->block_c);
    if (offsets[0] != 0 || offsets[rows] != blocks)
        TARE_FAIL(TARE_E_FORMAT, "tensor: block offsets do not run from 0 to the block count");
    for (int64_t i = 0; i < rows; i++) {
        if (offsets[i + 1] < offsets[i] || offsets[i + 1] > blocks)
            TARE_FAIL(TARE_E_FORMAT, "tensor: block offset %lld is out of order", (long long)i + 1);
        int64_t last = -1;
        for (int64_t b = offsets[i]; b < offsets[i + 1]; b++) {
            int64_t col = format_index(t, cols, b);
            if (col <= last || col >= cols)
                TARE_FAIL(TARE_E_FORMAT,
                          "tensor: block row %lld: column %lld is out of order or range",
                          (long long)i, (long long)col);
            if (i == rows - 1 || col == cols - 1)
                TARE_TRY(check_padding(t, i, b, col * f->block_c));
            last = col;
        }
    }
    return TARE_OK;
}

const layout layout_block = {TARE_BLOCK, size, count, encode, decode_row, validate};
