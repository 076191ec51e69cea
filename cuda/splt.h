/* The rows of 2:4 weights by NVIDIA's cuSPARSELt: what they take, how W and x are laid out for the
 * library, and the plan that a packed blob owns.
 *
 *   D[n x m, column-major] = A[n x k, row-major, 2:4] B[k x m, column-major]
 *
 * is y = x W^T with rows as they lie: A is W, B's columns are x's rows, D's columns are y's. The
 * library wants n and k in multiples of 16 or 32 and m of 8 or 16 (cuSPARSELt's documentation,
 * cusparseLtStructuredDescriptorInit and cusparseLtDenseDescriptorInit), so W is padded with zeros
 * when it is packed, and rows of x and y that are not long enough, or too few, go through scratch.
 *
 * Sums leave the library in y's type for f16 and bf16, as its documentation has no other, so these
 * rows take no bias: it would come after one rounding and before another. From int8 and f8 they
 * leave in 32 bits, and a kernel of ours applies the scales (cuda/gemm_finish.h).
 *
 * A plan is for one m, chosen by measuring with that m (cusparseLtMatmulSearch); a run with fewer
 * rows runs them all, with whatever scratch holds: no column of D depends on another of B. */
#ifndef TARE_CUDA_SPLT_H
#define TARE_CUDA_SPLT_H

#include "cuda/cu.h"
#include "cuda/lib/cusparselt_api.h"

/* Workspace that a run has for the library, in scratch; an algorithm that wants more is refused
 * when W is packed. The plan that would tell is not there yet where scratch is sized. */
enum { CU_SPLT_WORKSPACE = 16 << 20 };

/* The rows' vendor: "cuSPARSELt 0.8.1"; with its version once the library is open, which is before
 * a device has rows of it. */
enum { CU_SPLT_VENDOR = 64 };
extern char cu_splt_vendor[CU_SPLT_VENDOR];

typedef struct cu_splt_kind {
    cudaDataType in, out; /* of W and x; of D */
    int sums;             /* CUSPARSELT_SUM_* */
    int wide, tall;       /* multiples of n and k; of m */
    int in_bytes, out_bytes;
    uint32_t mask, base; /* of random words that hold values of a like magnitude */
} cu_splt_kind;

const cu_splt_kind *cu_splt_kind_of(tare_type value);

typedef struct cu_splt_shape {
    int64_t n, k, m;     /* padded */
    size_t dense, bytes; /* of the blob as it is uploaded: W with all its zeros; and scales */
    size_t most;         /* of either blob */
} cu_splt_shape;

cu_splt_shape cu_splt_shape_of(const tare_problem *p);

/* What the blob of compressed weights belongs to. The library's structs refer to each other by
 * address, so they stay where they are. */
typedef struct cu_splt_object {
    cusparselt_matrix a, b, d;
    cusparselt_product product;
    cusparselt_choice choice;
    cusparselt_plan plan;
    int made[5]; /* of these, without the product, which has no end */
    size_t scales_at, workspace;
} cu_splt_object;

/* ---- splt.c ---- */

int cu_splt_fit(tare_type value, const tare_rates *r, const tare_problem *p, tare_fit *f);
tare_status cu_splt_pack(const tare_problem *p, const tare_tensor *t, void *blob, size_t *used);
tare_status cu_splt_run(const tare_run_args *a);

/* ---- splt_settle.c ---- */

tare_status cu_splt_settle(const tare_problem *p, void *state, void *stream, void **mem,
                           size_t *bytes);
void cu_splt_release(void *state, void *blob);

#endif
