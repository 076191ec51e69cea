/* CSR weights by cuSPARSE's SpMM: f32, f16 or bf16 values with x of the same type, sums in f32.
 *
 * For f32 there are three algorithms, and the fastest on the device is taken; two of them may add
 * up in another order each time, so the row does not say that it repeats. Of 16-bit values
 * cuSPARSE's documentation says that all of them are CSR_ALG3, which repeats. With one row of x it
 * may take its SpMV inside (cusparseSpMM(), performance notes). It has no 16-bit column indices. */
#include "cuda/rows.h"
#include "cuda/small.h"
#include "cuda/spmm.h"
#include "src/format/format.h"

#include <string.h>

typedef struct shape {
    size_t columns_at, values_at, bytes;
} shape;

static shape shape_of(const tare_problem *p) {
    shape s;
    s.columns_at = cu_up256((size_t)(p->n + 1) * sizeof(int32_t));
    s.values_at = s.columns_at + cu_up256((size_t)p->nnz * sizeof(int32_t));
    s.bytes = s.values_at + (size_t)p->nnz * tare_type_bytes(p->w.value);
    return s;
}

enum { MOST_FORMS = 3 };

static int forms_of(const tare_problem *p, const char *blob, cu_spmm_form forms[MOST_FORMS]) {
    static const cusparseSpMMAlg_t algs[MOST_FORMS] = {
        CUSPARSE_SPMM_CSR_ALG3, CUSPARSE_SPMM_CSR_ALG1, CUSPARSE_SPMM_CSR_ALG2};
    shape s = shape_of(p);
    int count = p->w.value == TARE_F32 ? MOST_FORMS : 1;
    for (int i = 0; i < count; i++)
        forms[i] = (cu_spmm_form){.format = CUSPARSE_FORMAT_CSR,
                                  .alg = algs[i],
                                  .type = p->w.value,
                                  .rows = p->n,
                                  .cols = p->k,
                                  .stored = p->nnz,
                                  .offsets = blob,
                                  .columns = blob ? blob + s.columns_at : NULL,
                                  .values = blob ? blob + s.values_at : NULL};
    return count;
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    if (!cu_spmm_fits(TARE_CSR, p, f)) return 0;
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = shape_of(p).bytes;
    f->scratch_bytes = cu_spmm_c_bytes(p, p->n);
    f->bytes = (double)f->packed_bytes + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = 2.0 * (double)p->m * (double)p->nnz;
    f->unit = TARE_PROBE_F32;
    tare_fit_cost(f, r, 0.5, 0.08); /* predicted, not yet measured on a device */
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    shape s = shape_of(p);
    char *out = blob;
    int32_t *columns = (int32_t *)(void *)(out + s.columns_at);
    (void)used;
    memcpy(out, t->part[TARE_OFFSETS].data, (size_t)(t->n + 1) * sizeof(uint32_t));
    for (int64_t i = 0; i < t->nnz; i++) columns[i] = (int32_t)format_index(t, t->k, i);
    memcpy(out + s.values_at, t->part[TARE_VALUES].data, t->part[TARE_VALUES].bytes);
    return TARE_OK;
}

static tare_status settle_with(const tare_problem *p, cu_stream *s, const cu_spmm_trial *t,
                               const char *blob) {
    cu_spmm_form forms[MOST_FORMS];
    int count = forms_of(p, blob, forms), best = 0;
    tare_type c = cu_spmm_c(p, p->n);
    TARE_TRY(cu_spmm_choose(s, p, c, forms, count, t, &best));
    return cu_spmm_attach(s, &forms[best], c, p->m, t, blob);
}

static tare_status settle(const tare_problem *p, void *state, void *stream, void **mem,
                          size_t *bytes) {
    cu_spmm_form forms[MOST_FORMS];
    cu_spmm_trial t;
    (void)bytes;
    forms_of(p, *mem, forms);
    TARE_TRY(cu_spmm_trial_open(stream, forms, cu_spmm_c(p, p->n), p->m, &t));
    tare_status s = settle_with(p, stream, &t, *mem);
    cu_spmm_trial_close(state, &t);
    return s;
}

static tare_status prepare(void *state, void *stream, const tare_problem *p) {
    cu_spmm_form forms[MOST_FORMS];
    int count = forms_of(p, NULL, forms);
    (void)state;
    return cu_spmm_prepare(stream, p, cu_spmm_c(p, p->n), forms, count);
}

static tare_status run(const tare_run_args *a) {
    return cu_spmm_run(a, a->x, a->scratch);
}

const tare_kernel matmul_csr_cusparse = {
    .name = "matmul_csr_cusparse",
    .op = TARE_MATMUL,
    .needs = CU_SM80 | CU_CUSPARSE,
    .vendor = "cuSPARSE",
    .fit = fit,
    .pack = pack,
    .run = run,
    .prepare = prepare,
    .settle = settle,
    .release = cu_spmm_release,
};
