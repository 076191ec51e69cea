/* Back from packed weights to floats, on the device: the host's side of unpack.cl. */
#include "opencl/bs.h"
#include "opencl/pack.h"
#include "opencl/panel.h"
#include "opencl/sparse.h"
#include "src/format/format.h"

static const char file[] = "unpack.cl";

/* What a sparse layout does not store is 0. */
static tare_status clear(ocl_stream *s, const tare_problem *p, void *out) {
    static const cl_float zero = 0;
    cl_event e = NULL;
    TARE_TRY(CL(s->device, clEnqueueFillBuffer(s->queue, out, &zero, sizeof zero, 0,
                                               (size_t)(p->n * p->k) * sizeof zero, 0, NULL, &e)));
    return ocl_stream_event(s, e, OCL_KERNEL);
}

tare_status ocl_panel_unpack_values(const tare_problem *p, void *state, void *stream,
                                    const void *blob, void *out) {
    ocl_panel_shape q = ocl_panel_shape_of(p);
    cl_kernel k;
    (void)state;
    TARE_TRY(ocl_kernel(stream, file, "panel_floats", "", &k));
    ocl_arg args[] = {
        ocl_mem(blob),         ocl_mem(out),          ocl_ulong(q.scales_at / sizeof(float)),
        ocl_ulong(q.zeros_at), ocl_int(p->w.value),   ocl_int(p->w.zero_points),
        ocl_int(p->n),         ocl_int(p->k),         ocl_int(q.words),
        ocl_int(q.groups),     ocl_int(q.group_words)};
    ocl_grid g = {{(size_t)q.words, (size_t)p->n, 1}, {16, 4, 1}};
    return ocl_launch(stream, k, &g, args, 11);
}

static tare_status unpack_nm(ocl_stream *s, const tare_problem *p, const ocl_sparse_shape *q,
                             const void *blob, void *out) {
    cl_kernel k;
    TARE_TRY(ocl_kernel(s, file, "nm_floats", "", &k));
    ocl_arg args[] = {ocl_mem(blob),
                      ocl_mem(out),
                      ocl_ulong(q->scales_at / sizeof(float)),
                      ocl_ulong(q->values_at),
                      ocl_int(p->w.value),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(p->w.nm_n),
                      ocl_int(p->w.nm_m),
                      ocl_int(TARE_NM_BITS(p->w.nm_m)),
                      ocl_int(q->row_words)};
    size_t groups = (size_t)((p->k + p->w.nm_m - 1) / p->w.nm_m);
    ocl_grid g = {{groups, (size_t)p->n, 1}, {16, 4, 1}};
    return ocl_launch(s, k, &g, args, 11);
}

static tare_status unpack_rows(ocl_stream *s, const tare_problem *p, const ocl_sparse_shape *q,
                               const void *blob, void *out) {
    cl_kernel k;
    TARE_TRY(ocl_kernel(s, file, "row_floats", "", &k));
    ocl_arg args[] = {ocl_mem(blob),
                      ocl_mem(out),
                      ocl_ulong(q->index_at / sizeof(uint32_t)),
                      ocl_ulong(q->scales_at / sizeof(float)),
                      ocl_ulong(q->values_at),
                      ocl_int(p->w.value),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(p->w.layout == TARE_CSR ? TARE_INDEX_BYTES(p->k) : 0)};
    ocl_grid g = {{(size_t)p->n, 1, 1}, {16, 1, 1}};
    return ocl_launch(s, k, &g, args, 9);
}

tare_status ocl_sparse_unpack_values(const tare_problem *p, void *state, void *stream,
                                     const void *blob, void *out) {
    ocl_sparse_shape q = ocl_sparse_shape_of(p);
    (void)state;
    TARE_TRY(clear(stream, p, out));
    return p->w.layout == TARE_NM ? unpack_nm(stream, p, &q, blob, out)
                                  : unpack_rows(stream, p, &q, blob, out);
}

tare_status ocl_bs_unpack_values(const tare_problem *p, void *state, void *stream, const void *blob,
                                 void *out) {
    ocl_bs_shape q = ocl_bs_shape_of(p);
    cl_kernel k;
    (void)state;
    TARE_TRY(clear(stream, p, out));
    TARE_TRY(ocl_kernel(stream, file, "block_floats", "", &k));
    ocl_arg args[] = {ocl_mem(blob),
                      ocl_mem(out),
                      ocl_ulong(q.index_at / sizeof(uint32_t)),
                      ocl_ulong(q.values_at / sizeof(float)),
                      ocl_int(p->n),
                      ocl_int(p->k),
                      ocl_int(q.r),
                      ocl_int(q.c),
                      ocl_int(q.r_pad)};
    ocl_grid g = {{(size_t)q.block_rows, 1, 1}, {16, 1, 1}};
    return ocl_launch(stream, k, &g, args, 9);
}
