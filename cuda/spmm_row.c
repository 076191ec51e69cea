/* What the rows over cuSPARSE's SpMM share: their blob's object, a stream's room, and y from C. */
#include "cuda/small.h"
#include "cuda/spmm.h"

#include "cuda/objects.h"
#include "cuda/tile_cut.h"
#include "src/takes.h"

void cu_finish_rows(cu_args a);

/* Any value but zero: 0.0115 in f32 and bf16, 1.06 in f16. */
enum { SOME = 0x3c };

tare_status cu_spmm_trial_open(cu_stream *s, const cu_spmm_form *f, tare_type c, int64_t m,
                               cu_spmm_trial *t) {
    size_t b_bytes = (size_t)(m * f->cols) * tare_type_bytes(f->type);
    *t = (cu_spmm_trial){NULL, NULL};
    TARE_TRY(cu_alloc(s->device, b_bytes, &t->b));
    tare_status st = cu_alloc(s->device, (size_t)(m * f->rows) * tare_type_bytes(c), &t->c);
    if (st == TARE_OK) st = CU(s->device, cudaMemsetAsync(t->b, SOME, b_bytes, s->stream));
    if (st != TARE_OK) cu_spmm_trial_close(s->device, t);
    return st;
}

void cu_spmm_trial_close(cu_device *d, cu_spmm_trial *t) {
    cu_free(d, t->b);
    cu_free(d, t->c);
}

tare_status cu_spmm_attach(cu_stream *s, const cu_spmm_form *f, tare_type c, int64_t m,
                           const cu_spmm_trial *t, const void *blob) {
    cu_spmm *o;
    TARE_TRY(cu_spmm_make(s, f, c, m, t, &o));
    tare_status st = cu_object_put(s->device, blob, o);
    if (st != TARE_OK) cu_spmm_destroy(s->device, o);
    return st;
}

void cu_spmm_release(void *state, void *blob) {
    cu_spmm_destroy(state, cu_object_take(state, blob));
}

/* Zeros stand in for the index arrays: cuSPARSE says nowhere that sizes come from the numbers in
 * the descriptor alone. */
static tare_status room_of(cu_stream *s, tare_type c, int64_t m, const cu_spmm_form *forms,
                           int count, size_t *room) {
    cu_device *d = s->device;
    size_t bytes = 256;
    void *zeros;
    for (int i = 0; i < count; i++) {
        const cu_spmm_form *f = &forms[i];
        size_t side = f->block ? (size_t)f->block : 1;
        size_t offsets = ((size_t)f->rows / side + 1) * 4;
        size_t values =
            f->width ? (size_t)(f->rows * f->width) * side : (size_t)f->stored * side * side;
        if (offsets > bytes) bytes = offsets;
        if (values * 4 > bytes) bytes = values * 4;
    }
    TARE_TRY(cu_alloc(d, bytes, &zeros));
    tare_status st = CU(d, cudaMemsetAsync(zeros, 0, bytes, s->stream));
    *room = 0;
    for (int i = 0; st == TARE_OK && i < count; i++) {
        cu_spmm_form f = forms[i];
        cu_spmm *o;
        f.offsets = f.columns = f.values = zeros;
        st = cu_spmm_make(s, &f, c, m, NULL, &o);
        if (st == TARE_OK && o->room > *room) *room = o->room;
        if (st == TARE_OK) cu_spmm_destroy(d, o);
        if (st == TARE_E_UNSUPPORTED) st = TARE_OK; /* settle has the last word */
    }
    cu_free(d, zeros);
    return st;
}

tare_status cu_spmm_prepare(cu_stream *s, const tare_problem *p, tare_type c,
                            const cu_spmm_form *forms, int count) {
    size_t room;
    if (!cu_spmm_room_known(s->device, p, &room))
        TARE_TRY(room_of(s, c, p->m, forms, count, &room));
    return cu_stream_room(s, room);
}

int cu_spmm_fits(tare_layout layout, const tare_problem *p, tare_fit *f) {
    const tare_takes takes = {.layouts = TAKES(layout),
                              .codings = TAKES_FLOATS,
                              .x = TAKES_FLOAT_TYPES,
                              .y = TAKES_FLOAT_TYPES,
                              .flags = TAKES_X_FLOAT};
    if (!tare_takes_problem(&takes, p, f->why)) return 0;
    if (p->w.value != p->x) return cu_refuse(f, "needs x in the type of the values");
    if (p->nnz < 1) return cu_refuse(f, "needs at least one stored value");
    if (p->nnz > INT32_MAX || p->n >= INT32_MAX || p->k > INT32_MAX)
        return cu_refuse(f, "counts in 31 bits: n, k or the stored values are too many");
    return cu_tile_counts(p, f);
}

static int finishes(const tare_problem *p) {
    return (p->flags & (TARE_BIAS | TARE_RELU)) != 0;
}

tare_type cu_spmm_c(const tare_problem *p, int64_t rows) {
    return rows == p->n && p->y == p->x && !finishes(p) ? p->y : TARE_F32;
}

size_t cu_spmm_c_bytes(const tare_problem *p, int64_t rows) {
    int is_y = rows == p->n && cu_spmm_c(p, rows) == p->y;
    return is_y ? 0 : (size_t)(p->m * rows) * sizeof(float);
}

/* From C, f32 with `rows` a column, which may be y itself. */
static tare_status finish(const tare_run_args *a, const void *c, int64_t rows) {
    const tare_problem *p = a->problem;
    cu_args args = {.bias = a->bias,
                    .y = a->y,
                    .extra = (void *)(uintptr_t)c,
                    .m = (int32_t)a->m,
                    .n = (int32_t)p->n,
                    .y_type = (int32_t)p->y,
                    .flags = (int32_t)p->flags,
                    .i = {(int32_t)rows}};
    return cu_tile_launch_sum(a->stream, (const void *)cu_finish_rows, &args);
}

tare_status cu_spmm_run(const tare_run_args *a, const void *b, void *c) {
    const tare_problem *p = a->problem;
    cu_stream *s = a->stream;
    const cu_spmm *o = cu_object_get(s->device, a->packed);
    if (!o) TARE_FAIL(TARE_E_ARG, "cuda: these weights were not settled on %s", s->device->name);
    int64_t rows = o->form.rows;
    void *to = cu_spmm_c_bytes(p, rows) ? c : a->y;
    int mine = cu_object_claim(s->device, a->packed, s);
    TARE_TRY(cu_spmm_multiply(s, o, mine, a->m, b, to));
    return to != a->y || finishes(p) ? finish(a, to, rows) : TARE_OK;
}
