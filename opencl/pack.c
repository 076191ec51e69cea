/* Packing on the device: the host's side of pack.cl. */
#include "opencl/pack.h"

#include "opencl/bs.h"
#include "opencl/panel.h"
#include "opencl/sparse.h"
#include "src/format/format.h"

#include <stdio.h>
#include <string.h>

/* What one packing works with; all of it is given back by close_job. */
typedef struct job {
    ocl_device *d;
    ocl_stream *s;
    const tare_problem *p;
    const void *w;
    void *blob, *bad, *extremes, *counts;
    void *heads; /* where scales go: the blob, or memory of their own */
    cl_int is_bad;
    int32_t *rows; /* on the host: values (blocks) of each row, then offsets */
} job;

static tare_status close_job(job *j, tare_status s) {
    /* What was queued before something failed may still read from the host's memory, or write to
     * it. */
    if (s != TARE_OK) (void)clFinish(j->s->queue);
    ocl_free(j->d, j->bad);
    ocl_free(j->d, j->extremes);
    ocl_free(j->d, j->counts);
    if (j->heads != j->blob) ocl_free(j->d, j->heads);
    tare_free(j->rows);
    return s;
}

static tare_status kernel_of(const job *j, const char *name, cl_kernel *k) {
    uint64_t fast = OCL_FP64 | OCL_DENORM;
    char options[40];
    snprintf(options, sizeof options, "-DLANES=%d%s", j->d->class == OCL_CPU ? 1 : 32,
             (j->d->features & fast) == fast ? " -DFP64" : "");
    return ocl_kernel(j->s, "pack.cl", name, options, k);
}

/* Zeroes, so that padding is what the host's packer leaves. */
static tare_status clear(const job *j, void *mem, size_t bytes) {
    static const cl_uint zero = 0;
    cl_event e = NULL;
    TARE_TRY(CL(j->d, clEnqueueFillBuffer(j->s->queue, mem, &zero, sizeof zero, 0,
                                          (bytes + 3) / 4 * 4, 0, NULL, &e)));
    return ocl_stream_event(j->s, e, OCL_KERNEL);
}

static tare_status open_job(job *j, size_t blob_bytes) {
    TARE_TRY(ocl_alive(j->d));
    TARE_TRY(ocl_alloc(j->d, sizeof(cl_int), &j->bad));
    TARE_TRY(clear(j, j->bad, sizeof(cl_int)));
    return clear(j, j->blob, blob_bytes);
}

/* ---- scales ---- */

/* Where scales and zeros go: words from the blob's start, bytes from it, rows of W side by side. */
typedef struct head_place {
    size_t scales_at, zeros_at;
    int64_t panel;
} head_place;

static tare_status find_extremes(job *j, int64_t groups, int64_t width) {
    const tare_problem *p = j->p;
    size_t lanes = j->d->class == OCL_CPU ? 1 : 32, count = (size_t)(p->n * groups);
    cl_kernel k;
    TARE_TRY(ocl_alloc(j->d, count * sizeof(cl_uint2), &j->extremes));
    TARE_TRY(kernel_of(j, "extremes", &k));
    ocl_arg args[] = {ocl_mem(j->w), ocl_mem(j->extremes), ocl_mem(j->bad),
                      ocl_int(p->k), ocl_int(groups),      ocl_int(width)};
    ocl_grid g = {{count * lanes, 1, 1}, {lanes, 1, 1}};
    TARE_TRY(ocl_launch(j->s, k, &g, args, 6));
    if (p->w.scaling != TARE_SCALE_TENSOR) return TARE_OK;
    TARE_TRY(kernel_of(j, "extremes_of_all", &k));
    ocl_arg all[] = {ocl_mem(j->extremes), ocl_int(p->n)};
    ocl_grid one = {{1, 1, 1}, {1, 1, 1}};
    return ocl_launch(j->s, k, &one, all, 2);
}

static tare_status put_heads(job *j, const head_place *at) {
    const tare_problem *p = j->p;
    int64_t groups = format_groups(&p->w, p->k);
    cl_kernel k;
    if (!p->w.scaling) return TARE_OK;
    TARE_TRY(find_extremes(j, groups, p->w.scaling == TARE_SCALE_GROUP ? p->w.group : p->k));
    TARE_TRY(kernel_of(j, "heads", &k));
    ocl_arg args[] = {ocl_mem(j->extremes),
                      ocl_mem(j->heads),
                      ocl_ulong(at->scales_at),
                      ocl_mem(j->heads),
                      ocl_ulong(at->zeros_at),
                      ocl_mem(j->bad),
                      ocl_int(p->w.value),
                      ocl_int(p->w.zero_points),
                      ocl_int(p->n),
                      ocl_int(groups),
                      ocl_int(at->panel),
                      ocl_int(p->w.scaling == TARE_SCALE_TENSOR),
                      ocl_int(p->w.scaling == TARE_SCALE_GROUP)};
    ocl_grid g = {{(size_t)groups, (size_t)p->n, 1}, {1, 16, 1}};
    return ocl_launch(j->s, k, &g, args, 13);
}

/* ---- when a value does not fit ---- */

/* What tare_encode says of these weights, for its words. */
static tare_status ask_host(const job *j) {
    const tare_problem *p = j->p;
    size_t bytes = (size_t)(p->n * p->k) * sizeof(float);
    tare_tensor t;
    float *w = tare_alloc(bytes);
    if (!w) TARE_FAIL(TARE_E_VALUE, "weights: a value is not finite or too large");
    tare_status s = ocl_read(j->d, j->s, j->w, 0, w, bytes);
    if (s == TARE_OK) s = ocl_stream_sync(j->d, j->s);
    if (s == TARE_OK)
        s = tare_encode(&p->w, p->n, p->k, w, &t);
    else
        (void)clFinish(j->s->queue);
    tare_free(w);
    if (s == TARE_OK) tare_tensor_clear(&t);
    return s;
}

static tare_status verdict(job *j) {
    TARE_TRY(ocl_read(j->d, j->s, j->bad, 0, &j->is_bad, sizeof j->is_bad));
    TARE_TRY(ocl_stream_sync(j->d, j->s));
    if (!j->is_bad) return TARE_OK;
    TARE_TRY(ask_host(j));
    TARE_FAIL(TARE_E_DEVICE, "opencl: %s calls weights bad that are not", j->d->name);
}

/* ---- dense ---- */

static tare_status pack_panel(job *j) {
    const tare_problem *p = j->p;
    ocl_panel_shape q = ocl_panel_shape_of(p);
    head_place at = {q.scales_at / sizeof(float), q.zeros_at, 16};
    cl_kernel k;
    TARE_TRY(open_job(j, q.bytes));
    TARE_TRY(put_heads(j, &at));
    TARE_TRY(kernel_of(j, "panel_words", &k));
    ocl_arg args[] = {
        ocl_mem(j->w),   ocl_mem(j->blob),    ocl_ulong(at.scales_at),   ocl_ulong(at.zeros_at),
        ocl_mem(j->bad), ocl_int(p->w.value), ocl_int(p->w.zero_points), ocl_int(p->n),
        ocl_int(p->k),   ocl_int(q.words),    ocl_int(q.groups),         ocl_int(q.group_words)};
    /* Sixteen rows of a word are a cache line of the blob. */
    ocl_grid g = {{(size_t)q.words, (size_t)p->n, 1}, {j->d->max_group >= 256 ? 16 : 4, 16, 1}};
    TARE_TRY(ocl_launch(j->s, k, &g, args, 12));
    return verdict(j);
}

tare_status ocl_panel_pack_values(const tare_problem *p, void *state, void *stream, const void *w,
                                  void *blob) {
    job j = {.d = state, .s = stream, .p = p, .w = w, .blob = blob, .heads = blob};
    return close_job(&j, pack_panel(&j));
}

/* ---- sparse ---- */

static tare_status pack_nm(job *j, const ocl_sparse_shape *q) {
    const tare_problem *p = j->p;
    int64_t bits = TARE_NM_BITS(p->w.nm_m), per = 32 / bits;
    int64_t groups = (p->k + p->w.nm_m - 1) / p->w.nm_m, units = (groups + per - 1) / per;
    cl_kernel k;
    TARE_TRY(kernel_of(j, "nm_words", &k));
    ocl_arg args[] = {
        ocl_mem(j->w),           ocl_mem(j->blob), ocl_ulong(q->scales_at / sizeof(float)),
        ocl_ulong(q->values_at), ocl_mem(j->bad),  ocl_int(p->w.value),
        ocl_int(p->n),           ocl_int(p->k),    ocl_int(p->w.nm_n),
        ocl_int(p->w.nm_m),      ocl_int(bits),    ocl_int(q->row_words)};
    ocl_grid g = {{(size_t)units, (size_t)p->n, 1}, {16, 4, 1}};
    return ocl_launch(j->s, k, &g, args, 12);
}

/* Counts on the device (each of `rows` gives one number), adds up on the host. */
static tare_status put_offsets(job *j, cl_kernel count, const ocl_arg *shape, int shape_args,
                               int64_t rows, int64_t expected, const char *what) {
    size_t bytes = (size_t)rows * sizeof(cl_int);
    int64_t sum = 0;
    ocl_arg args[6] = {ocl_mem(j->w)};
    j->rows = tare_alloc(bytes + sizeof(cl_int));
    if (!j->rows) TARE_FAIL(TARE_E_NOMEM, "pack_values: no memory for %zu bytes", bytes);
    TARE_TRY(ocl_alloc(j->d, bytes, &j->counts));
    args[1] = ocl_mem(j->counts);
    for (int i = 0; i < shape_args; i++) args[2 + i] = shape[i];
    ocl_grid g = {{(size_t)rows, 1, 1}, {16, 1, 1}};
    TARE_TRY(ocl_launch(j->s, count, &g, args, 2 + shape_args));
    TARE_TRY(ocl_read(j->d, j->s, j->counts, 0, j->rows, bytes));
    TARE_TRY(ocl_stream_sync(j->d, j->s));
    for (int64_t i = 0; i <= rows; i++) {
        int32_t here = i < rows ? j->rows[i] : 0;
        j->rows[i] = (int32_t)(uint32_t)sum;
        sum += here;
    }
    if (sum != expected) TARE_TRY(ask_host(j)); /* NaN counts as well */
    if (sum != expected)
        TARE_FAIL(TARE_E_ARG, "pack_values: W has %lld %s that are not 0, the plan is for %lld",
                  (long long)sum, what, (long long)expected);
    return ocl_write(j->d, j->s, j->blob, 0, j->rows, bytes + sizeof(cl_int));
}

static tare_status pack_rows(job *j, const ocl_sparse_shape *q) {
    const tare_problem *p = j->p;
    ocl_arg counted[] = {ocl_int(p->n), ocl_int(p->k)};
    cl_kernel k;
    TARE_TRY(kernel_of(j, "row_counts", &k));
    TARE_TRY(put_offsets(j, k, counted, 2, p->n, p->nnz, "values"));
    TARE_TRY(kernel_of(j, "row_values", &k));
    ocl_arg args[] = {ocl_mem(j->w),
                      ocl_mem(j->blob),
                      ocl_ulong(q->index_at / sizeof(uint32_t)),
                      ocl_ulong(q->scales_at / sizeof(float)),
                      ocl_ulong(q->values_at),
                      ocl_mem(j->bad),
                      ocl_int(p->w.value),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(p->w.layout == TARE_CSR ? TARE_INDEX_BYTES(p->k) : 0)};
    ocl_grid g = {{(size_t)p->n, 1, 1}, {16, 1, 1}};
    return ocl_launch(j->s, k, &g, args, 10);
}

static tare_status pack_sparse(job *j) {
    ocl_sparse_shape q = ocl_sparse_shape_of(j->p);
    head_place at = {q.scales_at / sizeof(float), 0, 1};
    TARE_TRY(open_job(j, q.bytes));
    TARE_TRY(put_heads(j, &at));
    TARE_TRY(j->p->w.layout == TARE_NM ? pack_nm(j, &q) : pack_rows(j, &q));
    return verdict(j);
}

tare_status ocl_sparse_pack_values(const tare_problem *p, void *state, void *stream, const void *w,
                                   void *blob) {
    job j = {.d = state, .s = stream, .p = p, .w = w, .blob = blob, .heads = blob};
    return close_job(&j, pack_sparse(&j));
}

/* ---- blocks ---- */

static tare_status pack_blocks(job *j) {
    const tare_problem *p = j->p;
    ocl_bs_shape q = ocl_bs_shape_of(p);
    head_place at = {0, 0, 1};
    ocl_arg counted[] = {ocl_int(p->n), ocl_int(p->k), ocl_int(q.r), ocl_int(q.c)};
    cl_kernel k;
    j->heads = NULL;
    TARE_TRY(open_job(j, q.bytes));
    TARE_TRY(ocl_alloc(j->d, (size_t)p->n * sizeof(float), &j->heads));
    TARE_TRY(put_heads(j, &at));
    TARE_TRY(kernel_of(j, "block_counts", &k));
    TARE_TRY(put_offsets(j, k, counted, 4, q.block_rows, q.blocks, "blocks"));
    TARE_TRY(kernel_of(j, "block_values", &k));
    ocl_arg args[] = {ocl_mem(j->w),
                      ocl_mem(j->blob),
                      ocl_mem(j->heads),
                      ocl_ulong(q.index_at / sizeof(uint32_t)),
                      ocl_ulong(q.values_at / sizeof(float)),
                      ocl_mem(j->bad),
                      ocl_int(p->w.value),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(q.r),
                      ocl_int(q.c),
                      ocl_int(q.r_pad)};
    ocl_grid g = {{(size_t)q.block_rows, 1, 1}, {16, 1, 1}};
    TARE_TRY(ocl_launch(j->s, k, &g, args, 12));
    return verdict(j);
}

tare_status ocl_bs_pack_values(const tare_problem *p, void *state, void *stream, const void *w,
                               void *blob) {
    job j = {.d = state, .s = stream, .p = p, .w = w, .blob = blob, .heads = blob};
    if (p->w.scaling == TARE_SCALE_GROUP || p->w.zero_points)
        TARE_FAIL(TARE_E_UNSUPPORTED,
                  "opencl: blocks are packed there with scales by row or tensor only");
    return close_job(&j, pack_blocks(&j));
}
