/* oneDNN, opened at run time: 2.x or 3.x, whichever is there. */
#ifndef TARE_CPU_LIB_ONEDNN_H
#define TARE_CPU_LIB_ONEDNN_H

#include "cpu/lib/onednn_api.h"
#include "cpu/lib/openmp.h"

/* 1: open and fit for use; below is filled. Opens it at the first call. */
int onednn_open(void);
/* "oneDNN 2.6.3 avx512_core_bf16", or "no oneDNN: ..." and why. After onednn_open(). */
const char *onednn_text(void);

extern onednn_functions onednn;
extern int onednn_major;
extern onednn_object onednn_engine; /* of the whole process, never destroyed */

/* 1 where products of signed bytes are exact: without VNNI instructions sums of pairs saturate. */
int onednn_exact_i8(void);

/* Threads, 1..wanted, that it works with now; a call with as many, 0 where it could not be made;
 * and their number as its descriptions ask for it. */
int onednn_threads(int wanted);
int onednn_call(int threads, void (*fn)(void *ctx), void *ctx);
openmp_before onednn_enter(int threads);
void onednn_leave(openmp_before before);

/* ---- what the majors do differently (onednn_calls.c) ---- */
onednn_status onednn_md_matrix(onednn_md *d, int64_t rows, int64_t cols, int type, int64_t row_step,
                               int64_t col_step);
onednn_status onednn_md_any(onednn_md *d, int64_t rows, int64_t cols, int type);
onednn_status onednn_md_scratch(onednn_md *d, size_t bytes);
onednn_status onednn_md_copy(onednn_md *d, const void *from);
void onednn_md_clear(onednn_md *d); /* zeroed ones too */
const void *onednn_md_at(const onednn_md *d);
onednn_status onednn_append_relu(onednn_object ops);
onednn_status onednn_matmul_pd(onednn_object *pd, const onednn_md *x, const onednn_md *w,
                               const onednn_md *bias, const onednn_md *y, onednn_object attr);

/* ---- which instructions (onednn_isa.c) ----
 *
 * oneDNN 2.6.3 runs its AMX kernels under the tile configuration of another blocking: SIGILL with
 * some shapes, wrong sums without an error with others. 2.x is therefore kept off AMX, and where
 * that comes too late it is refused. 3.x keeps its AMX. */

/* 1: is to be told before its first use to go no further than AVX512_CORE_BF16. `most`: what
 * ONEDNN_MAX_CPU_ISA says, null where it is not set; a user who asks for less than AMX is obeyed.
 */
int onednn_isa_lowered(int major, int has_amx, const char *most);
/* 1: would use AMX instructions that it gets wrong. */
int onednn_isa_unsafe(int major, int has_amx, int effective);
const char *onednn_isa_name(int major, int isa);
int onednn_isa_exact_i8(int major, int isa);
int onednn_has_amx(void); /* this processor */

#endif
