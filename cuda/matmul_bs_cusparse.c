/* Block-sparse weights by cuSPARSE's SpMM, as BSR or as Blocked-ELL, whichever is faster on the
 * device: square blocks of 16 to 128 in f32, f16 or bf16 with x of the same type, sums in f32.
 *
 * Blocked-ELL runs on tensor cores, and so, of f32, where the problem allows tf32. Its
 * documentation does not say that it repeats, so the row does not. It must not be padded to more
 * than twice the blocks there are; BSR takes what is left. n and k are padded to whole blocks: x is
 * copied with zeros behind its rows, y's rows come out of longer ones. */
#include "cuda/layout/bell.h"
#include "cuda/rows.h"
#include "cuda/small.h"
#include "cuda/spmm.h"
#include "cuda/x_rows.h"

enum { MOST_FORMS = 2 };

static cu_bell_shape shape_of(const tare_problem *p) {
    return cu_bell_shape_of(&p->w, p->n, p->k, p->nnz);
}

static int64_t rows_of(const tare_problem *p) {
    cu_bell_shape s = shape_of(p);
    return s.block_rows * s.side;
}

static int64_t columns_of(const tare_problem *p) {
    cu_bell_shape s = shape_of(p);
    return s.block_columns * s.side;
}

static int may_be_ell(const tare_problem *p) {
    return p->w.value != TARE_F32 || (p->flags & TARE_TF32);
}

/* Null addresses where bsr or ell is null. */
static cu_spmm_form bsr_form(const tare_problem *p, const char *bsr) {
    cu_bell_shape s = shape_of(p);
    size_t from = s.offsets_at;
    return (cu_spmm_form){.format = CUSPARSE_FORMAT_BSR,
                          .alg = CUSPARSE_SPMM_BSR_ALG1,
                          .type = p->w.value,
                          .rows = rows_of(p),
                          .cols = columns_of(p),
                          .stored = s.blocks,
                          .block = s.side,
                          .offsets = bsr,
                          .columns = bsr ? bsr + (s.columns_at - from) : NULL,
                          .values = bsr ? bsr + (s.values_at - from) : NULL};
}

static cu_spmm_form ell_form(const tare_problem *p, int64_t width, const char *ell) {
    cu_bell_shape s = shape_of(p);
    return (cu_spmm_form){.format = CUSPARSE_FORMAT_BLOCKED_ELL,
                          .alg = CUSPARSE_SPMM_BLOCKED_ELL_ALG1,
                          .type = p->w.value,
                          .rows = rows_of(p),
                          .cols = columns_of(p),
                          .stored = s.block_rows * width,
                          .block = s.side,
                          .width = width,
                          .columns = ell,
                          .values = ell ? ell + cu_bell_ell_values_at(&s, width) : NULL};
}

static int forms_of(const tare_problem *p, int64_t width, const char *blob,
                    cu_spmm_form forms[MOST_FORMS]) {
    cu_bell_shape s = shape_of(p);
    int count = 0;
    if (width) forms[count++] = ell_form(p, width, blob ? blob + s.end : NULL);
    if (cu_sparse.CreateConstBsr) forms[count++] = bsr_form(p, blob ? blob + s.offsets_at : NULL);
    return count;
}

static size_t x_bytes(const tare_problem *p) {
    size_t bytes = (size_t)(p->m * columns_of(p)) * tare_type_bytes(p->x);
    return columns_of(p) == p->k ? 0 : (bytes + 255) / 256 * 256;
}

static int fit(const tare_rates *r, const tare_problem *p, tare_fit *f) {
    int side = p->w.block_r;
    if (!cu_spmm_fits(TARE_BLOCK, p, f)) return 0;
    if (side != p->w.block_c || (side != 16 && side != 32 && side != 64 && side != 128))
        return cu_refuse(f, "takes square blocks of 16, 32, 64 or 128");
    cu_bell_shape s = shape_of(p);
    int ell = may_be_ell(p) && cu_bell_most_width(&s) > 0;
    if (!ell && !cu_sparse.CreateConstBsr)
        return cu_refuse(f, may_be_ell(p)
                                ? "needs a block for every other block row at least"
                                : "needs a cuSPARSE with products of BSR (12.4), or tf32");
    if (rows_of(p) > INT32_MAX || columns_of(p) > INT32_MAX)
        return cu_refuse(f, "counts in 31 bits: n or k is too large");
    double mk = (double)p->m * (double)p->k, mn = (double)p->m * (double)p->n;
    f->packed_bytes = s.end + (ell ? cu_bell_ell_bytes(&s, cu_bell_most_width(&s)) : 0);
    f->scratch_bytes = x_bytes(p) + cu_spmm_c_bytes(p, rows_of(p));
    f->bytes = (double)(s.end - s.offsets_at) + mk * (double)tare_type_bytes(p->x) +
               mn * (double)tare_type_bytes(p->y);
    f->ops = 2.0 * (double)p->m * (double)p->nnz;
    f->unit = p->x == TARE_F32 ? TARE_PROBE_F32 : TARE_PROBE_BF16;
    tare_fit_cost(f, r, 0.5, 0.3); /* predicted, not yet measured on a device */
    return 1;
}

static tare_status pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used) {
    int64_t width = cu_bell_pack(t, may_be_ell(p), blob, used);
    if (width || cu_sparse.CreateConstBsr) return TARE_OK;
    TARE_FAIL(TARE_E_UNSUPPORTED,
              "cuda: as Blocked-ELL these weights would be more than twice as large, and this "
              "cuSPARSE has no products of BSR");
}

/* What was chosen, alone, at the begin of memory of its own. */
static tare_status keep(const tare_problem *p, cu_stream *s, cu_spmm_form *f, void **mem,
                        size_t *bytes) {
    cu_bell_shape shape = shape_of(p);
    int ell = f->format == CUSPARSE_FORMAT_BLOCKED_ELL;
    const char *from = (const char *)*mem + (ell ? shape.end : shape.offsets_at);
    size_t size = ell ? cu_bell_ell_bytes(&shape, f->width) : shape.end - shape.offsets_at;
    void *to;
    TARE_TRY(cu_alloc(s->device, size, &to));
    tare_status st =
        CU(s->device, cudaMemcpyAsync(to, from, size, cudaMemcpyDeviceToDevice, s->stream));
    if (st == TARE_OK) {
        *f = ell ? ell_form(p, f->width, to) : bsr_form(p, to);
        *mem = to;
        *bytes = size;
    } else {
        cu_free(s->device, to);
    }
    return st;
}

static tare_status settle_with(const tare_problem *p, cu_stream *s, const cu_spmm_form *forms,
                               int count, const cu_spmm_trial *t, void **mem, size_t *bytes) {
    tare_type c = cu_spmm_c(p, rows_of(p));
    void *kept = *mem;
    size_t kept_bytes = *bytes;
    int best = 0;
    TARE_TRY(cu_spmm_choose(s, p, c, forms, count, t, &best));
    cu_spmm_form f = forms[best];
    TARE_TRY(keep(p, s, &f, &kept, &kept_bytes));
    tare_status st = cu_spmm_attach(s, &f, c, p->m, t, kept);
    if (st == TARE_OK) {
        *mem = kept;
        *bytes = kept_bytes;
    } else {
        cu_free(s->device, kept);
    }
    return st;
}

static tare_status settle(const tare_problem *p, void *state, void *stream, void **mem,
                          size_t *bytes) {
    cu_device *d = state;
    cu_stream *s = stream;
    int32_t width = 0;
    cu_spmm_form forms[MOST_FORMS];
    cu_spmm_trial t;
    TARE_TRY(CU(d, cudaMemcpyAsync(&width, *mem, sizeof width, cudaMemcpyDeviceToHost, s->stream)));
    TARE_TRY(CU(d, cudaStreamSynchronize(s->stream)));
    int count = forms_of(p, width, *mem, forms);
    TARE_TRY(cu_spmm_trial_open(s, forms, cu_spmm_c(p, rows_of(p)), p->m, &t));
    tare_status st = settle_with(p, s, forms, count, &t, mem, bytes);
    cu_spmm_trial_close(d, &t);
    return st;
}

static tare_status prepare(void *state, void *stream, const tare_problem *p) {
    cu_bell_shape s = shape_of(p);
    cu_spmm_form forms[MOST_FORMS];
    int count = forms_of(p, may_be_ell(p) ? cu_bell_most_width(&s) : 0, NULL, forms);
    (void)state;
    return cu_spmm_prepare(stream, p, cu_spmm_c(p, rows_of(p)), forms, count);
}

static tare_status run(const tare_run_args *a) {
    const tare_problem *p = a->problem;
    const void *b = a->x;
    if (columns_of(p) != p->k) {
        TARE_TRY(cu_x_rows_to(a, columns_of(p), p->x, a->scratch));
        b = a->scratch;
    }
    return cu_spmm_run(a, b, (char *)a->scratch + x_bytes(p));
}

const tare_kernel matmul_bs_cusparse = {
    .name = "matmul_bs_cusparse",
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
