/* y = x W^T by CLBlast, in f32 or f16: gemv for one row of x, gemm for more; bias and ReLU by a
 * kernel after it. CLBlast builds a program a routine and context, and keeps it until the process
 * ends; `prepare` has it built before the first run.
 *
 * Where its tiles do not divide a shape CLBlast works on padded copies of all three matrices. It
 * would allocate them in each run: the scratch is given to it instead, with room for the largest
 * tiles of its tables (SCRATCH_TILE). A device tuned for larger ones costs an allocation a run,
 * nothing worse. */
#include "opencl/clblast.h"
#include "src/takes.h"

#include <clblast_c.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH_TILE = 128, HALF_ONE = 0x3c00 };

static const char library[] = "CLBlast";

void ocl_clblast_version(char *out, size_t size) {
    Dl_info at;
    char *file = NULL;
    snprintf(out, size, "%s", library);
    if (dladdr((void *)&CLBlastSgemm, &at) && at.dli_fname) file = realpath(at.dli_fname, NULL);
    const char *version = file ? strstr(file, ".so.") : NULL;
    if (version) snprintf(out, size, "%s %s", library, version + 4);
    free(file);
}

/* ---- errors ---- */

static const struct {
    int code;
    const char *name;
} names[] = {
    {CLBlastNotImplemented, "not implemented"},
    {CLBlastNoHalfPrecision, "no half precision on this device"},
    {CLBlastInvalidLocalMemUsage, "too little local memory on this device"},
    {CLBlastInsufficientMemoryTemp, "the scratch is too small"},
    {CLBlastDatabaseError, "no parameters for this device"},
    {CLBlastInvalidDimension, "a dimension is zero"},
};

/* Its codes are OpenCL's, and some of its own below -1000. */
static tare_status check(ocl_device *d, const char *call, CLBlastStatusCode code) {
    if (code == CLBlastSuccess) return TARE_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == (int)code)
            TARE_FAIL(TARE_E_DEVICE, "opencl: %s on %s: %s (%d)", call, d->name, names[i].name,
                      (int)code);
    return ocl_check(d, call, (cl_int)code);
}

static CLBlastStatusCode struck(void) {
    cl_int code = 0;
    return ocl_struck(&code) ? (CLBlastStatusCode)code : CLBlastSuccess;
}

/* ---- fit, pack ---- */

static double padded(int64_t size, int64_t tile) {
    return (double)((size + tile - 1) / tile * tile);
}

/* An upper bound in elements: copies of x, W and y, none for gemv. 0 on overflow. */
static int scratch_bytes(const tare_problem *p, size_t element, size_t *out) {
    double m = padded(p->m, SCRATCH_TILE), n = padded(p->n, SCRATCH_TILE),
           k = padded(p->k, SCRATCH_TILE);
    double bytes = (m * k + n * k + m * n) * (double)element;
    *out = p->m == 1 ? 0 : (size_t)bytes;
    return bytes < 0x1p62;
}

int ocl_clblast_fit(const tare_rates *r, const tare_problem *p, tare_type type, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(TARE_DENSE),
                              .codings = tare_codings(type),
                              .x = TAKES(type),
                              .y = TAKES(type),
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    size_t element = tare_type_bytes(type);
    double m = (double)p->m, n = (double)p->n, k = (double)p->k;
    if (!scratch_bytes(p, element, &f->scratch_bytes)) {
        snprintf(f->why, sizeof f->why, "the padded copies overflow");
        return 0;
    }
    f->packed_bytes = (size_t)p->n * (size_t)p->k * element;
    f->bytes = (double)element * (n * k + m * k + m * n);
    f->ops = 2 * m * n * k;
    f->unit = TARE_PROBE_F32;
    /* Its tiles have 32 rows of x at least; the efficiencies are those of PoCL, for whose
     * processors it has no tables. */
    tare_fit whole = *f;
    whole.ops = p->m == 1 ? f->ops : 2 * padded(p->m, 32) * n * k;
    tare_fit_cost(&whole, r, 0.5, p->m == 1 ? 0.5 : 0.08);
    f->cost_ns = whole.cost_ns;
    return 1;
}

tare_status ocl_clblast_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                             size_t *used) {
    (void)p, (void)used;
    memcpy(blob, t->part[TARE_VALUES].data, t->part[TARE_VALUES].bytes);
    return TARE_OK;
}

/* ---- run ---- */

typedef struct product {
    ocl_stream *s;
    cl_mem w, x, y, scratch;
    size_t m, n, k, scratch_bytes;
    tare_type type;
} product;

static CLBlastStatusCode gemv(const product *a, cl_event *e) {
    cl_command_queue q = a->s->queue;
    if (a->type == TARE_F16)
        return CLBlastHgemv(CLBlastLayoutRowMajor, CLBlastTransposeNo, a->n, a->k, HALF_ONE, a->w,
                            0, a->k, a->x, 0, 1, 0, a->y, 0, 1, &q, e);
    return CLBlastSgemv(CLBlastLayoutRowMajor, CLBlastTransposeNo, a->n, a->k, 1, a->w, 0, a->k,
                        a->x, 0, 1, 0, a->y, 0, 1, &q, e);
}

/* Bytes that gemm wants for its copies; 0 where it works in place. */
static CLBlastStatusCode copies(const product *a, size_t *bytes) {
    cl_command_queue q = a->s->queue;
    *bytes = 0;
    if (a->type == TARE_F16)
        return CLBlastHGemmTempBufferSize(CLBlastLayoutRowMajor, CLBlastTransposeNo,
                                          CLBlastTransposeYes, a->m, a->n, a->k, 0, a->k, 0, a->k,
                                          0, a->n, &q, bytes);
    return CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, CLBlastTransposeNo,
                                      CLBlastTransposeYes, a->m, a->n, a->k, 0, a->k, 0, a->k, 0,
                                      a->n, &q, bytes);
}

static CLBlastStatusCode gemm(const product *a, cl_event *e) {
    cl_command_queue q = a->s->queue;
    size_t bytes;
    CLBlastStatusCode code = copies(a, &bytes);
    if (code != CLBlastSuccess) return code;
    cl_mem room = bytes > 0 && bytes <= a->scratch_bytes ? a->scratch : NULL;
    if (a->type == TARE_F16)
        return CLBlastHgemmWithTempBuffer(CLBlastLayoutRowMajor, CLBlastTransposeNo,
                                          CLBlastTransposeYes, a->m, a->n, a->k, HALF_ONE, a->x, 0,
                                          a->k, a->w, 0, a->k, 0, a->y, 0, a->n, &q, e, room);
    return CLBlastSgemmWithTempBuffer(CLBlastLayoutRowMajor, CLBlastTransposeNo,
                                      CLBlastTransposeYes, a->m, a->n, a->k, 1, a->x, 0, a->k, a->w,
                                      0, a->k, 0, a->y, 0, a->n, &q, e, room);
}

/* CLBlast's gemv multiplies what it finds in y by beta, also where beta is 0: NaN would stay. */
static tare_status clear_y(const product *a) {
    const cl_float zero = 0;
    size_t element = tare_type_bytes(a->type);
    cl_event e = NULL;
    TARE_TRY(CL(a->s->device, clEnqueueFillBuffer(a->s->queue, a->y, &zero, element, 0,
                                                  a->n * element, 0, NULL, &e)));
    return ocl_stream_event(a->s, e, OCL_KERNEL);
}

static tare_status multiply(const product *a) {
    int one = a->m == 1;
    cl_event e = NULL;
    if (one) TARE_TRY(clear_y(a));
    CLBlastStatusCode code = struck();
    if (code == CLBlastSuccess) code = one ? gemv(a, &e) : gemm(a, &e);
    if (code != CLBlastSuccess && e) (void)clReleaseEvent(e);
    TARE_TRY(check(a->s->device, one ? "CLBlast's gemv" : "CLBlast's gemm", code));
    return ocl_stream_event(a->s, e, OCL_KERNEL);
}

static tare_status finish_kernel(ocl_stream *s, cl_kernel *k) {
    return ocl_kernel(s, "finish.cl", "finish_rows", "", k);
}

static tare_status bias_relu(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cl_kernel k;
    if (!(p->flags & (TARE_BIAS | TARE_RELU))) return TARE_OK;
    TARE_TRY(finish_kernel(a->stream, &k));
    ocl_arg args[] = {ocl_mem(a->y), ocl_int(p->y), ocl_mem(a->bias ? (const void *)a->bias : a->y),
                      ocl_int(a->m), ocl_int(p->n), ocl_int(p->flags)};
    ocl_grid g = {{(size_t)p->n, (size_t)a->m, 1}, {64, 1, 1}};
    return ocl_launch(a->stream, k, &g, args, sizeof args / sizeof *args);
}

tare_status ocl_clblast_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    ocl_stream *s = a->stream;
    TARE_TRY(ocl_alive(s->device));
    product job = {.s = s,
                   .w = (cl_mem)(uintptr_t)a->packed,
                   .x = (cl_mem)(uintptr_t)a->x,
                   .y = a->y,
                   .scratch = a->scratch,
                   .scratch_bytes = a->scratch_bytes,
                   .m = (size_t)a->m,
                   .n = (size_t)p->n,
                   .k = (size_t)p->k,
                   .type = p->w.value};
    TARE_TRY(multiply(&job));
    return bias_relu(a);
}

static tare_status tiny(ocl_stream *s, tare_type type, cl_mem mem, cl_mem y, int rows) {
    /* x and W lie in one, y behind it: gemm must not write what it reads. */
    product job = {
        .s = s, .w = mem, .x = mem, .y = y, .m = (size_t)rows, .n = 1, .k = 1, .type = type};
    return multiply(&job);
}

tare_status ocl_clblast_prepare(void *state, void *stream, const tare_problem *p) {
    void *mem, *y;
    cl_kernel k;
    if (p->flags & (TARE_BIAS | TARE_RELU)) TARE_TRY(finish_kernel(stream, &k));
    TARE_TRY(ocl_alloc(state, 64, &mem));
    tare_status st = ocl_alloc(state, 64, &y), end = TARE_OK;
    if (st == TARE_OK) {
        st = tiny(stream, p->w.value, mem, y, 1);
        if (st == TARE_OK && p->m > 1) st = tiny(stream, p->w.value, mem, y, 2);
        end = ocl_stream_sync(state, stream);
        ocl_free(state, y);
    }
    ocl_free(state, mem);
    return st != TARE_OK ? st : end;
}
