/* A dense product by oneDNN, shared by the rows named *_onednn.
 *
 * oneDNN compiles a primitive for one shape, one set of types and one number of threads, and
 * chooses a layout of the weights with it. So packing makes the primitive for the planned case and
 * reorders the weights. A run of another case (fewer rows of x, fewer threads) takes a second
 * primitive over the same weights, which is made on the first such run, kept until another case
 * comes, and used by one thread at a time; the planned case needs no lock. A case's threads are
 * those that OpenMP grants then, at most as many as asked for.
 *
 * Within a run the library allocates its small argument objects, of some hundred bytes; the scratch
 * it works in is ours. oneDNN chooses its instructions itself: TARE_CPU_MASK does not reach it,
 * ONEDNN_MAX_CPU_ISA does. */
#ifndef TARE_CPU_ONEDNN_H
#define TARE_CPU_ONEDNN_H

#include "cpu/cpu.h"
#include "cpu/lib/onednn.h"

/* The operands of y[m,n] = relu?(x W^T + bias?). With x of TARE_I8, w is too and y holds i32 sums,
 * without bias and ReLU. No padding between fields: cases are compared as bytes. */
typedef struct onednn_case {
    int64_t m, n, k;
    tare_type x, w, y; /* y is ignored with x of TARE_I8 */
    int32_t bias, relu, threads;
} onednn_case;

/* 1: sizes are set; 0: `why` says what is missing. */
int onednn_fit(const onednn_case *c, size_t *packed, size_t *scratch, char why[160]);

/* Whether it has a product of x and w of this type on this processor at all. */
int onednn_multiplies(tare_type t);

/* `blob` has *used bytes; w is [n][k], row by row. */
tare_status onednn_pack(const onednn_case *c, const void *w, void *blob, size_t *used);
void onednn_release(void *device, void *blob);

typedef struct onednn_run {
    onednn_case c;
    const void *blob, *x;
    const float *bias;
    void *y, *scratch;
    size_t scratch_bytes;
} onednn_run;
tare_status onednn_execute(const onednn_run *r);

/* A row over float operands of the type `t` for x and w: fit, pack and run. */
int onednn_float_fit(tare_type t, const tare_problem *p, tare_fit *f);
tare_status onednn_float_pack(const tare_problem *p, const tare_tensor *t, void *blob,
                              size_t *used);
tare_status onednn_float_run(const tare_run_args *a);

#endif
