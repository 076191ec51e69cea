/* The host side of xprep.cl. */
#include "opencl/xprep.h"

static const char file[] = "xprep.cl";

static size_t padded(size_t bytes) {
    return (bytes + 255) / 256 * 256;
}

size_t ocl_x_rows_bytes(const tare_problem *p) {
    return p->x == TARE_F32 ? 0 : padded((size_t)(p->m * p->k) * sizeof(float));
}

tare_status ocl_x_rows_prepare(ocl_stream *s, const tare_problem *p) {
    cl_kernel k;
    return p->x == TARE_F32 ? TARE_OK : ocl_kernel(s, file, "x_rows", "", &k);
}

tare_status ocl_x_rows(const tare_run_args *a, size_t at, const void **mem, uint64_t *first) {
    const tare_problem *p = a->problem;
    ocl_stream *s = a->stream;
    *mem = p->x == TARE_F32 ? a->x : a->scratch;
    *first = p->x == TARE_F32 ? 0 : at / sizeof(float);
    if (p->x == TARE_F32) return TARE_OK;
    cl_kernel k;
    TARE_TRY(ocl_kernel(s, file, "x_rows", "", &k));
    uint64_t count = (uint64_t)(a->m * p->k);
    ocl_arg args[] = {ocl_mem(a->x), ocl_int(p->x), ocl_mem(a->scratch), ocl_ulong(*first),
                      ocl_ulong(count)};
    ocl_grid g = {{count, 1, 1}, {64, 1, 1}};
    return ocl_launch(s, k, &g, args, 5);
}

/* The last chunk of rows is read in whole vectors, up to 64 rows from a start below m_pad: in the
 * last column of W that passes the end. */
size_t ocl_x_turned_bytes(const tare_problem *p) {
    enum { PAST = 64 };
    return padded((size_t)(ocl_m_pad(p->m) * p->k + PAST) * sizeof(float));
}

tare_status ocl_x_turned_prepare(ocl_stream *s) {
    cl_kernel k;
    return ocl_kernel(s, file, "x_turned", "", &k);
}

tare_status ocl_x_turned(const tare_run_args *a, size_t at) {
    const tare_problem *p = a->problem;
    ocl_stream *s = a->stream;
    cl_kernel k;
    TARE_TRY(ocl_kernel(s, file, "x_turned", "", &k));
    ocl_arg args[] = {ocl_mem(a->x),       ocl_int(p->x),
                      ocl_mem(a->scratch), ocl_ulong(at / sizeof(float)),
                      ocl_int(a->m),       ocl_int(ocl_m_pad(a->m)),
                      ocl_int(p->k)};
    ocl_grid g = {{(size_t)p->k, (size_t)ocl_m_pad(a->m) / 16, 1}, {64, 1, 1}};
    return ocl_launch(s, k, &g, args, 7);
}

tare_status ocl_x_blocks_prepare(ocl_stream *s) {
    cl_kernel k;
    return ocl_kernel(s, file, "x_blocks", "", &k);
}

tare_status ocl_x_blocks(const tare_run_args *a, size_t at) {
    const tare_problem *p = a->problem;
    ocl_stream *s = a->stream;
    cl_kernel k;
    TARE_TRY(ocl_kernel(s, file, "x_blocks", "", &k));
    ocl_arg args[] = {ocl_mem(a->x),       ocl_int(p->x),
                      ocl_mem(a->scratch), ocl_ulong(at / sizeof(float)),
                      ocl_int(a->m),       ocl_int(p->k)};
    ocl_grid g = {{(size_t)p->k, (size_t)ocl_m_pad(a->m) / 16, 1}, {64, 1, 1}};
    return ocl_launch(s, k, &g, args, 6);
}
