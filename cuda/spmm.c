/* Descriptors, preprocessing and products of cuSPARSE's SpMM. */
#include "cuda/spmm.h"

static const float one = 1, zero = 0;

typedef struct dense {
    cusparseConstDnMatDescr_t b;
    cusparseDnMatDescr_t c;
} dense;

static cudaDataType data_type(tare_type t) {
    return t == TARE_F16 ? CUDA_R_16F : t == TARE_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

static void dense_close(const dense *n) {
    if (n->b) (void)cu_sparse.DestroyDnMat(n->b);
    if (n->c) (void)cu_sparse.DestroyDnMat(n->c);
}

static tare_status dense_open(cu_device *d, const cu_spmm *o, int64_t m, const void *b, void *c,
                              dense *n) {
    const cu_spmm_form *f = &o->form;
    *n = (dense){NULL, NULL};
    TARE_TRY(CU_SPARSE(d, CreateConstDnMat, &n->b, f->cols, m, f->cols, b, data_type(f->type),
                       CUSPARSE_ORDER_COL));
    tare_status s = CU_SPARSE(d, CreateDnMat, &n->c, f->rows, m, f->rows, c, data_type(o->c),
                              CUSPARSE_ORDER_COL);
    if (s != TARE_OK) dense_close(n);
    return s;
}

static tare_status describe(cu_device *d, const cu_spmm_form *f, cusparseConstSpMatDescr_t *out) {
    cusparseIndexType_t index = CUSPARSE_INDEX_32I;
    cusparseIndexBase_t base = CUSPARSE_INDEX_BASE_ZERO;
    cudaDataType type = data_type(f->type);
    if (f->format == CUSPARSE_FORMAT_CSR)
        return CU_SPARSE(d, CreateConstCsr, out, f->rows, f->cols, f->stored, f->offsets,
                         f->columns, f->values, index, index, base, type);
    if (f->format == CUSPARSE_FORMAT_BSR)
        return CU_SPARSE(d, CreateConstBsr, out, f->rows / f->block, f->cols / f->block, f->stored,
                         f->block, f->block, f->offsets, f->columns, f->values, index, index, base,
                         type, CUSPARSE_ORDER_ROW);
    return CU_SPARSE(d, CreateConstBlockedEll, out, f->rows, f->cols, f->block, f->width * f->block,
                     f->columns, f->values, index, base, type);
}

/* What products with m columns want, as far as cuSPARSE tells; B and C are anywhere. */
static tare_status size_of(cu_device *d, cusparseHandle_t h, const cu_spmm *o, int64_t m,
                           const void *b, void *c, size_t *bytes) {
    dense n;
    *bytes = 0;
    TARE_TRY(dense_open(d, o, m, b, c, &n));
    tare_status s = CU_SPARSE(d, SpMM_bufferSize, h, CUSPARSE_OPERATION_NON_TRANSPOSE,
                              CUSPARSE_OPERATION_NON_TRANSPOSE, &one, o->plain, n.b, &zero, n.c,
                              CUDA_R_32F, o->form.alg, bytes);
    dense_close(&n);
    return s;
}

static tare_status preprocess(cu_device *d, cusparseHandle_t h, cu_spmm *o,
                              const cu_spmm_trial *t) {
    dense n;
    TARE_TRY(dense_open(d, o, o->m, t->b, t->c, &n));
    tare_status s = CU_SPARSE(d, SpMM_preprocess, h, CUSPARSE_OPERATION_NON_TRANSPOSE,
                              CUSPARSE_OPERATION_NON_TRANSPOSE, &one, o->ready, n.b, &zero, n.c,
                              CUDA_R_32F, o->form.alg, o->buffer);
    dense_close(&n);
    return s;
}

/* It has an effect for these only (cusparseSpMM_preprocess()). */
static int is_preprocessed(cusparseSpMMAlg_t alg) {
    return alg == CUSPARSE_SPMM_CSR_ALG1 || alg == CUSPARSE_SPMM_CSR_ALG3;
}

static tare_status ask_room(cu_stream *s, cu_spmm *o, const void *values, size_t *whole) {
    cu_device *d = s->device;
    cusparseHandle_t h;
    size_t of_one = 0;
    TARE_TRY(cu_sparse_begin(d, s->stream, &h));
    /* A needs not lie apart from B and C for being measured. */
    tare_status st = size_of(d, h, o, o->m, values, (void *)(uintptr_t)values, whole);
    if (st == TARE_OK) st = size_of(d, h, o, 1, values, (void *)(uintptr_t)values, &of_one);
    cu_sparse_end(d);
    o->room = *whole > of_one ? *whole : of_one;
    return st;
}

static tare_status make_ready(cu_stream *s, cu_spmm *o, size_t bytes, const cu_spmm_trial *t) {
    cu_device *d = s->device;
    cusparseHandle_t h;
    TARE_TRY(cu_alloc(d, bytes, &o->buffer));
    TARE_TRY(describe(d, &o->form, &o->ready));
    TARE_TRY(cu_stream_span(s, CU_KERNEL));
    TARE_TRY(cu_sparse_begin(d, s->stream, &h));
    tare_status st = preprocess(d, h, o, t);
    cu_sparse_end(d);
    return st;
}

static tare_status make(cu_stream *s, cu_spmm *o, const cu_spmm_trial *t) {
    size_t whole = 0;
    TARE_TRY(describe(s->device, &o->form, &o->plain));
    TARE_TRY(ask_room(s, o, o->form.values, &whole));
    return t && is_preprocessed(o->form.alg) ? make_ready(s, o, whole, t) : TARE_OK;
}

tare_status cu_spmm_make(cu_stream *s, const cu_spmm_form *f, tare_type c, int64_t m,
                         const cu_spmm_trial *t, cu_spmm **out) {
    *out = NULL;
    cu_spmm *o = tare_alloc_zeroed(sizeof *o);
    if (!o) TARE_FAIL(TARE_E_NOMEM, "cuda: no memory for descriptors");
    *o = (cu_spmm){.form = *f, .c = c, .m = m};
    tare_status st = make(s, o, t);
    if (st == TARE_OK)
        *out = o;
    else
        cu_spmm_destroy(s->device, o);
    return st;
}

void cu_spmm_destroy(cu_device *d, cu_spmm *o) {
    if (!o) return;
    if (o->plain) (void)cu_sparse.DestroySpMat(o->plain);
    if (o->ready) (void)cu_sparse.DestroySpMat(o->ready);
    cu_free(d, o->buffer);
    tare_free(o);
}

static tare_status product(cu_device *d, cusparseHandle_t h, const cu_spmm *o,
                           cusparseConstSpMatDescr_t matrix, int64_t m, const void *b, void *c,
                           void *buffer) {
    dense n;
    TARE_TRY(dense_open(d, o, m, b, c, &n));
    tare_status s =
        CU_SPARSE(d, SpMM, h, CUSPARSE_OPERATION_NON_TRANSPOSE, CUSPARSE_OPERATION_NON_TRANSPOSE,
                  &one, matrix, n.b, &zero, n.c, CUDA_R_32F, o->form.alg, buffer);
    dense_close(&n);
    return s;
}

/* The room of a stream is reserved for the planned rows and for one; between them it is asked. */
static tare_status check_room(cu_stream *s, cusparseHandle_t h, const cu_spmm *o, int64_t m,
                              const void *b, void *c) {
    size_t wanted = o->room;
    if (m != o->m && m != 1) TARE_TRY(size_of(s->device, h, o, m, b, c, &wanted));
    if (wanted > s->room_bytes)
        TARE_FAIL(TARE_E_ARG,
                  "cuda: cuSPARSE wants %zu bytes, the stream has %zu: reserve it for the plan "
                  "once the weights are packed",
                  wanted, s->room_bytes);
    return TARE_OK;
}

tare_status cu_spmm_multiply(cu_stream *s, const cu_spmm *o, int mine, int64_t m, const void *b,
                             void *c) {
    cu_device *d = s->device;
    cusparseHandle_t h;
    int fast = mine && o->ready && m == o->m;
    TARE_TRY(cu_stream_span(s, CU_KERNEL));
    TARE_TRY(cu_sparse_begin(d, s->stream, &h));
    tare_status st = fast ? TARE_OK : check_room(s, h, o, m, b, c);
    if (st == TARE_OK)
        st = product(d, h, o, fast ? o->ready : o->plain, m, b, c, fast ? o->buffer : s->room);
    cu_sparse_end(d);
    return st;
}
