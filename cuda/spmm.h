/* Sparse matrix times dense matrix by cuSPARSE, for rows that weigh ours against it.
 *
 * W is the sparse A (rows x cols), x^T the dense B: column-major with x's rows as columns, so that
 * x is read as it lies, and y row-major is C column-major. The library has no bias, no ReLU and few
 * types of C: where it can't write y itself, C is f32 and a pass of ours makes y of it.
 *
 * Preprocessing (cusparseSpMM_preprocess) ties a buffer to the descriptor of A; later products with
 * that descriptor and that buffer are the faster ones, must ask for the same and may not overlap.
 * So a blob has two descriptors of the same memory: one preprocessed, with a buffer of its own, for
 * the stream that comes first (cu_object_claim) and the planned rows of x; and one that is not, for
 * other streams and fewer rows, with a buffer of the stream's (cuSPARSE's documentation,
 * cusparseSpMM(): a buffer that is not the active one is always permitted). */
#ifndef TARE_CUDA_SPMM_H
#define TARE_CUDA_SPMM_H

#include "cuda/lib/cusparse.h"

/* A as it lies on the device, and how it is to be multiplied: a candidate. */
typedef struct cu_spmm_form {
    cusparseFormat_t format; /* CSR, BSR, BLOCKED_ELL */
    cusparseSpMMAlg_t alg;
    tare_type type;
    int64_t rows, cols;
    int64_t stored; /* CSR: values; BSR: blocks */
    int64_t block;  /* BSR, BLOCKED_ELL: its side */
    int64_t width;  /* BLOCKED_ELL: blocks of each block row */
    const void *offsets, *columns, *values;
} cu_spmm_form;

typedef struct cu_spmm {
    cu_spmm_form form;
    tare_type c;
    int64_t m;
    cusparseConstSpMatDescr_t plain, ready; /* ready is null where preprocessing has no effect */
    void *buffer;                           /* active for `ready` */
    size_t room;                            /* that products with `plain` want of their stream */
} cu_spmm;

/* Memory that B and C may be in while nothing but the time counts. */
typedef struct cu_spmm_trial {
    void *b, *c;
} cu_spmm_trial;

/* ---- spmm.c ---- */

/* Descriptors for products with up to m columns of B and C in type c; preprocesses where t is not
 * null. TARE_E_UNSUPPORTED where the library refuses. */
tare_status cu_spmm_make(cu_stream *s, const cu_spmm_form *f, tare_type c, int64_t m,
                         const cu_spmm_trial *t, cu_spmm **out);
void cu_spmm_destroy(cu_device *d, cu_spmm *o); /* null is fine */
/* Queues C = A B; `mine`: this stream has the preprocessed descriptor to itself. */
tare_status cu_spmm_multiply(cu_stream *s, const cu_spmm *o, int mine, int64_t m, const void *b,
                             void *c);

/* ---- spmm_choose.c ---- */

/* The fastest candidate, measured once for a device, problem and width of its Blocked-ELL. */
tare_status cu_spmm_choose(cu_stream *s, const tare_problem *p, tare_type c,
                           const cu_spmm_form *forms, int count, const cu_spmm_trial *t, int *best);
/* What a stream's room must be for any candidate, once the problem's weights lie on the device;
 * 0: not known. */
int cu_spmm_room_known(const cu_device *d, const tare_problem *p, size_t *room);

/* ---- spmm_row.c: what rows share ---- */

/* Allocates B and C for trying things out; settle does, and closes them. */
tare_status cu_spmm_trial_open(cu_stream *s, const cu_spmm_form *f, tare_type c, int64_t m,
                               cu_spmm_trial *t);
void cu_spmm_trial_close(cu_device *d, cu_spmm_trial *t);
/* The blob's object, made and put. */
tare_status cu_spmm_attach(cu_stream *s, const cu_spmm_form *f, tare_type c, int64_t m,
                           const cu_spmm_trial *t, const void *blob);
void cu_spmm_release(void *state, void *blob);
/* Room of the stream for any of the candidates, whose addresses are not looked at. */
tare_status cu_spmm_prepare(cu_stream *s, const tare_problem *p, tare_type c,
                            const cu_spmm_form *forms, int count);
/* A refusal of what no row here takes. 1: go on. */
int cu_spmm_fits(tare_layout layout, const tare_problem *p, tare_fit *f);
/* The type of C: y's, where the library can write y, else f32. */
tare_type cu_spmm_c(const tare_problem *p, int64_t rows);
/* Bytes of scratch for C with so many rows; 0: C is y, which a finishing pass may work on. */
size_t cu_spmm_c_bytes(const tare_problem *p, int64_t rows);
/* C = A B, with B as it must lie, and y of it. `c` is scratch of cu_spmm_c_bytes. */
tare_status cu_spmm_run(const tare_run_args *a, const void *b, void *c);

#endif
