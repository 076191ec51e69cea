/* Decode once, then a dense product: the host's side. */
#include "cuda/once.h"

#include "cuda/gemm_finish.h"
#include "cuda/layout/bitmap_pack.h"
#include "cuda/layout/csr_pack.h"
#include "cuda/layout/tile_pack.h"
#include "cuda/lib/gemm.h"
#include "cuda/small.h"
#include "cuda/unpack.h"
#include "cuda/x_rows.h"
#include "src/format/format.h"

#include <math.h>
#include <string.h>

static int is_float(const tare_problem *p) {
    return p->w.scaling == TARE_SCALE_NONE;
}

static int is_grouped(const tare_problem *p) {
    return p->w.scaling == TARE_SCALE_GROUP;
}

/* f16 alone lacks range. */
static int is_moved(const tare_problem *p) {
    return is_grouped(p) && p->x == TARE_F16;
}

/* Whether cuBLASLt writes y itself: there is nothing left to scale. */
static int is_direct(const tare_problem *p) {
    int plain = is_float(p) || (is_grouped(p) && !is_moved(p));
    return plain && cu_gemm_writes_y(p);
}

static cu_gemm_spec spec_of(const tare_problem *p, int64_t m) {
    return cu_gemm_spec_of(p, m, CU_GEMM_F32, is_direct(p));
}

/* Scratch: rows of x where they are copied, W, sums where y is not direct, workspace. */
typedef struct place {
    size_t w, sums, workspace, bytes;
} place;

static place place_of(const tare_problem *p) {
    cu_gemm_spec s = spec_of(p, p->m);
    place at = {.w = cu_x_rows_bytes(p, p->x)};
    at.sums = at.w + cu_up256((size_t)(p->n * s.ldw) * 2);
    at.workspace = at.sums + (is_direct(p) ? 0 : cu_up256((size_t)(p->m * s.ldy) * sizeof(float)));
    at.bytes = at.workspace + cu_gemm_scratch(&s);
    return at;
}

static int takes(const tare_problem *p, tare_fit *f) {
    if (p->x == TARE_F32)
        return cu_refuse(f, "decodes W to 16 bits: takes f16 and bf16 activations");
    if (is_float(p) && p->w.value != p->x)
        return cu_refuse(f, "decodes W to 16 bits: takes values of the activations' type");
    if (!is_float(p) && p->w.layout == TARE_BLOCK) /* their blobs hold floats, scales and all */
        return cu_refuse(f, "takes blocks of f16 and bf16 values");
    if (is_grouped(p) && !(p->flags & TARE_W_ROUND))
        return cu_refuse(f, "rounds weights to 16 bits, which the problem does not allow");
    return cu_gemm_counts(p, f);
}

/* Predicted: the blob in, W out; then the product, W and sums from memory. */
static void cost(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    double w = 2.0 * (double)p->n * (double)p->k, blob = (double)f->packed_bytes;
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->bytes = w + 2 * mk + mn * (double)tare_type_bytes(p->y);
    f->ops = 2 * mn * (double)p->k;
    f->unit = TARE_PROBE_BF16;
    tare_fit_cost(f, r, 0.8, 0.8);
    f->cost_ns += r->launch_ns + (blob + w) / (0.7 * r->read_gbs);
    if (!is_direct(p)) cu_gemm_finish_cost(r, p, f);
    f->bytes += blob + w;
}

int cu_once_fit(const tare_kernel *own, const tare_rates *r, const tare_problem *p, tare_fit *f) {
    if (!own->fit(r, p, f) || !takes(p, f)) return 0;
    f->packed_bytes = cu_up256(f->packed_bytes);
    if (is_moved(p)) f->packed_bytes += 2 * (size_t)p->n * sizeof(float);
    f->scratch_bytes = place_of(p).bytes;
    cost(r, p, f);
    return 1;
}

/* ---- powers of two by which rows of W are moved, and back: n floats each, behind the blob ---- */

static size_t moves_at(const tare_problem *p) {
    return cu_up256(cu_tile_shape_of(&p->w, p->n, p->k).bytes);
}

/* The largest weight of a row is at most its largest scale times `codes`. */
static float move_of(const tare_tensor *t, int64_t row, float codes) {
    float most = 0;
    int e;
    for (int64_t g = 0; g < format_groups(&t->format, t->k); g++)
        most = fmaxf(most, format_scale(t, row, g));
    (void)frexpf(most * codes, &e); /* below 2^e */
    return ldexpf(1, 15 - e);
}

static void put_moves(const tare_problem *p, const tare_tensor *t, char *blob) {
    float *there = (float *)(void *)(blob + moves_at(p)), *back = there + p->n;
    float codes = p->w.value == TARE_I4 ? 15 : 255;
    for (int64_t row = 0; row < p->n; row++) {
        there[row] = move_of(t, row, codes);
        back[row] = 1 / there[row];
    }
}

tare_status cu_once_pack(const tare_kernel *own, const tare_problem *p, const tare_tensor *t,
                         void *blob, size_t *used) {
    size_t all = *used;
    TARE_TRY(own->pack(p, t, blob, used));
    if (!is_moved(p)) return TARE_OK;
    put_moves(p, t, blob);
    *used = all;
    return TARE_OK;
}

tare_status cu_once_prepare(void *state, void *stream, const tare_problem *p) {
    cu_gemm_spec s = spec_of(p, p->m);
    (void)state;
    return cu_gemm_prepare(stream, &s);
}

/* Where the blob has a float for each row of W: scales, or the way back of a move. Null: none. */
static const float *row_factors(const tare_problem *p, const void *blob) {
    const char *at = blob;
    if (is_float(p) || (is_grouped(p) && !is_moved(p))) return NULL;
    if (is_moved(p))
        at += moves_at(p) + (size_t)p->n * sizeof(float);
    else if (p->w.layout == TARE_DENSE)
        at += cu_tile_shape_of(&p->w, p->n, p->k).scales_at;
    else if (p->w.layout == TARE_CSR)
        at += cu_csr_shape_of(&p->w, p->n, p->k, p->nnz).scales_at;
    else
        at += cu_bitmap_shape_of(&p->w, p->n, p->k, p->nnz).scales_at;
    return (const float *)(const void *)at;
}

static tare_status decode(const tare_run_args *a, void *w, int64_t ld) {
    const tare_problem *p = a->problem;
    const char *blob = a->packed;
    cu_unpack_how how = {.factors =
                             is_moved(p) ? (const float *)(const void *)(blob + moves_at(p)) : NULL,
                         .bare = !is_float(p) && !is_grouped(p)};
    return cu_unpack_queue(a->stream, p, blob, p->x, w, ld, &how);
}

tare_status cu_once_run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    cu_gemm_spec s = spec_of(p, a->m);
    place at = place_of(p);
    char *scratch = a->scratch;
    int32_t ld;
    cu_gemm_operands o = {.w = scratch + at.w,
                          .y = is_direct(p) ? a->y : scratch + at.sums,
                          .bias = s.bias ? a->bias : NULL,
                          .workspace = scratch + at.workspace};
    TARE_TRY(cu_x_rows_of(a, p->x, &o.x, &ld));
    TARE_TRY(decode(a, scratch + at.w, s.ldw));
    TARE_TRY(cu_gemm_run(a->stream, &s, &o));
    if (is_direct(p)) return TARE_OK;
    cu_gemm_sums_at sums = {.sums = o.y, .ld = s.ldy, .w_scale = row_factors(p, a->packed)};
    return cu_gemm_finish_of(a, &sums);
}
