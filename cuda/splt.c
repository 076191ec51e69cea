/* 2:4 weights by cuSPARSELt: what is taken, packing, a run. */
#include "cuda/splt.h"

#include "cuda/gemm_finish.h"
#include "cuda/layout/splt.h"
#include "cuda/lib/cusparselt.h"
#include "cuda/objects.h"
#include "cuda/small.h"
#include "cuda/x_codes.h"
#include "cuda/x_rows.h"
#include "src/format/format.h"
#include "src/takes.h"

#include <stdio.h>
#include <string.h>

void cu_splt_crop(cu_args a);

const cu_splt_kind *cu_splt_kind_of(tare_type value) {
    static const cu_splt_kind f16 = {CUDA_R_16F, CUDA_R_16F, CUSPARSELT_SUM_F32, 16,        8,
                                     2,          2,          0x83ff83ff,         0x3c003c00},
                              bf16 = {CUDA_R_16BF, CUDA_R_16BF, CUSPARSELT_SUM_F32, 16,        8,
                                      2,           2,           0x807f807f,         0x3f803f80},
                              i8 = {CUDA_R_8I, CUDA_R_32I, CUSPARSELT_SUM_I32, 32, 16,
                                    1,         4,          0xffffffff,         0},
                              f8 = {CUDA_R_8F_E4M3, CUDA_R_32F, CUSPARSELT_SUM_F32, 32, 16, 1, 4,
                                    0x87878787,     0x38383838};
    return value == TARE_F16 ? &f16 : value == TARE_BF16 ? &bf16 : value == TARE_I8 ? &i8 : &f8;
}

/* How large the library's form of W may be: half of the values, two bits for each, padded to its
 * kernels' tiles, and what else there may be. Not told before there is a plan; settle checks it. */
enum { SLACK = 64 << 10 };

cu_splt_shape cu_splt_shape_of(const tare_problem *p) {
    const cu_splt_kind *kind = cu_splt_kind_of(p->w.value);
    cu_splt_shape s = {.n = cu_up(p->n, kind->wide), .k = cu_up(p->k, kind->wide)};
    size_t scales = p->w.scaling ? (size_t)p->n * sizeof(float) : 0;
    size_t tiles = (size_t)(cu_up(p->n, 128) * cu_up(p->k, 256));
    s.m = cu_up(p->m, kind->tall);
    s.dense = cu_up256((size_t)(s.n * s.k * kind->in_bytes));
    s.bytes = s.dense + scales;
    s.most = tiles * (size_t)kind->in_bytes / 2 + tiles / 8 + SLACK + scales;
    if (s.most < s.bytes) s.most = s.bytes;
    return s;
}

/* ---- fit ---- */

static int takes_floats(const tare_problem *p, tare_fit *f) {
    static const tare_takes takes = {.layouts = TAKES(TARE_NM),
                                     .codings = TAKES_F16 | TAKES_BF16,
                                     .x = TAKES_FLOAT_TYPES,
                                     .y = TAKES_FLOAT_TYPES,
                                     .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (p->x != p->w.value || p->y != p->w.value)
        return cu_refuse(f, "cuSPARSELt multiplies weights by x of their type and gives y of it");
    if (p->flags & TARE_BIAS)
        return cu_refuse(f,
                         "cuSPARSELt's sums are rounded to y's type before a bias could be added");
    return 1;
}

static int takes_codes(const tare_problem *p, tare_fit *f) {
    int f8 = p->w.value == TARE_F8;
    const tare_takes takes = {.layouts = TAKES(TARE_NM),
                              .codings = f8 ? TAKES_F8 : TAKES_I8_PLAIN,
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = f8 ? TAKES_X_F8 : TAKES_X_I8,
                              .wants = f8 ? TARE_X_F8 : TARE_X_I8};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (f8 && !(p->flags & TARE_SUM_F8))
        return cu_refuse(f, "tensor cores keep sums of f8 to 13 bits, which the problem forbids");
    if (!f8 && p->k > 1 << 18) return cu_refuse(f, "sums in i32: k up to 262144");
    return 1;
}

/* The library's own limits: elements of a matrix by the size of one. */
static int within(int64_t rows, int64_t columns, int bytes) {
    int64_t most = bytes == 1 ? UINT32_MAX : bytes == 2 ? INT32_MAX : (1 << 30) - 1;
    return rows <= most / columns;
}

/* Scratch of a run: workspace, x as the library wants it, its scales, D. */
typedef struct place {
    size_t x, scales, d, bytes;
} place;

static place place_of(const tare_problem *p) {
    const cu_splt_kind *kind = cu_splt_kind_of(p->w.value);
    cu_splt_shape s = cu_splt_shape_of(p);
    place at = {.x = CU_SPLT_WORKSPACE};
    at.scales = at.x + cu_up256((size_t)(s.m * s.k * kind->in_bytes));
    at.d = at.scales + (p->w.scaling ? cu_up256((size_t)p->m * sizeof(float)) : 0);
    at.bytes = at.d + cu_up256((size_t)(s.m * s.n * kind->out_bytes));
    return at;
}

/* Least traffic: half of the values with two bits each. */
static double least_bytes(const tare_problem *p) {
    double kept = (double)p->n * (double)p->k / 2;
    return kept * ((double)cu_splt_kind_of(p->w.value)->in_bytes + 0.25) +
           (p->w.scaling ? 4.0 * (double)p->n : 0) +
           (double)p->m * ((double)p->k * (double)tare_type_bytes(p->x) +
                           (double)p->n * (double)tare_type_bytes(p->y));
}

int cu_splt_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    if (p->w.layout != TARE_NM || p->w.nm_n != 2 || p->w.nm_m != 4 || p->w.value != value) {
        snprintf(f->why, sizeof f->why, "takes 2:4 weights in %s", tare_type_name(value));
        return 0;
    }
    if (!(p->w.scaling ? takes_codes(p, f) : takes_floats(p, f))) return 0;
    if (!cu_gemm_counts(p, f)) return 0;
    const cu_splt_kind *kind = cu_splt_kind_of(value);
    cu_splt_shape s = cu_splt_shape_of(p);
    if (!within(s.n, s.k, kind->in_bytes) || !within(s.m, s.k, kind->in_bytes) ||
        !within(s.m, s.n, kind->out_bytes))
        return cu_refuse(f, "a matrix has more elements than cuSPARSELt counts");
    f->packed_bytes = s.most;
    f->scratch_bytes = place_of(p).bytes;
    f->bytes = least_bytes(p);
    f->ops = 2 * (double)p->m * (double)p->nnz;
    f->unit = kind->in_bytes == 1 ? TARE_PROBE_I8 : TARE_PROBE_BF16;
    tare_fit_cost(f, r, 0.6, 0.5); /* predicted, not yet measured on a device */
    if (p->w.scaling) {
        f->cost_ns += r->launch_ns; /* of quantising x */
        cu_gemm_finish_cost(r, p, f);
    } else {
        int copies = (s.k != p->k || s.m != p->m) + (s.n != p->n || s.m != p->m);
        f->cost_ns += copies * r->launch_ns;
    }
    return 1;
}

/* ---- pack ---- */

tare_status cu_splt_pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    cu_splt_shape s = cu_splt_shape_of(p);
    int64_t per_row = format_nm_values(&t->format, t->k);
    const uint8_t *bytes = t->part[TARE_VALUES].data;
    const uint16_t *halves = t->part[TARE_VALUES].data;
    float *scales = (float *)(void *)((char *)blob + s.dense);
    for (int64_t row = 0; row < t->n; row++) {
        for (int64_t i = 0; i < per_row; i++) {
            int64_t column = format_nm_column(t, row, i), from = row * per_row + i;
            if (column >= t->k) continue; /* of a ragged last group */
            if (p->w.scaling)
                ((uint8_t *)blob)[row * s.k + column] = bytes[from];
            else
                ((uint16_t *)blob)[row * s.k + column] = halves[from];
        }
        if (p->w.scaling) scales[row] = format_scale(t, row, 0);
    }
    *used = s.bytes;
    return TARE_OK;
}

/* ---- run ---- */

/* Codes of x and their scales, in scratch. */
static tare_status quantise(const tare_run_args *a, const place *at) {
    char *scratch = a->scratch;
    return cu_x_quantise(a, a->problem->w.value == TARE_F8 ? CU_X_AS_F8 : CU_X_AS_INT8,
                         cu_splt_shape_of(a->problem).k, scratch + at->x, scratch + at->scales);
}

static tare_status bring_x(const tare_run_args *a, const place *at, const void **x) {
    const tare_problem *p = a->problem;
    cu_splt_shape s = cu_splt_shape_of(p);
    *x = (char *)a->scratch + at->x;
    if (p->w.scaling) return quantise(a, at);
    if (s.k != p->k || s.m != a->m) return cu_x_rows_to(a, s.k, p->x, (char *)a->scratch + at->x);
    *x = a->x;
    return TARE_OK;
}

static tare_status multiply(const tare_run_args *a, cu_splt_object *o, const void *x, void *d) {
    cu_stream *s = a->stream;
    const cusparselt_handle *h;
    const float one = 1, zero = 0;
    void *workspace = o->workspace ? a->scratch : NULL;
    TARE_TRY(cu_splt_handle(s->device, &h));
    TARE_TRY(cu_stream_span(s, CU_KERNEL));
    /* Its documentation does not say that a handle serves several threads. */
    pthread_mutex_lock(&s->device->lock);
    tare_status st = CU_SPLT(
        s->device, Matmul(h, &o->plan, &one, a->packed, x, &zero, d, d, workspace, &s->stream, 1));
    pthread_mutex_unlock(&s->device->lock);
    return st;
}

static tare_status crop(const tare_run_args *a, const void *d) {
    const tare_problem *p = a->problem;
    cu_args args = {.x = d,
                    .y = a->y,
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .i = {[CU_SPLT_LD] = (int32_t)cu_splt_shape_of(p).n}};
    cu_grid g = {.x = (unsigned)((a->m * p->n + CU_SPLT_THREADS - 1) / CU_SPLT_THREADS),
                 .threads = CU_SPLT_THREADS};
    return cu_launch(a->stream, (const void *)cu_splt_crop, &g, &args);
}

static tare_status finish(const tare_run_args *a, const cu_splt_object *o, const place *at,
                          const void *d) {
    const tare_problem *p = a->problem;
    const char *packed = a->packed, *scratch = a->scratch;
    if (!p->w.scaling) return crop(a, d);
    cu_gemm_sums_at sums = {.sums = d,
                            .ld = cu_splt_shape_of(p).n,
                            .ints = p->w.value == TARE_I8,
                            .w_scale = (const float *)(const void *)(packed + o->scales_at),
                            .x_scale = (const float *)(const void *)(scratch + at->scales)};
    return cu_gemm_finish_of(a, &sums);
}

tare_status cu_splt_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_stream *stream = a->stream;
    cu_splt_object *o = cu_object_get(stream->device, a->packed);
    cu_splt_shape s = cu_splt_shape_of(p);
    place at = place_of(p);
    const void *x;
    if (!o) TARE_FAIL(TARE_E_ARG, "cuda: cuSPARSELt has no plan for these weights");
    int straight = !p->w.scaling && s.n == p->n && s.m == a->m;
    void *d = straight ? a->y : (char *)a->scratch + at.d;
    TARE_TRY(bring_x(a, &at, &x));
    TARE_TRY(multiply(a, o, x, d));
    return straight ? TARE_OK : finish(a, o, &at, d);
}
