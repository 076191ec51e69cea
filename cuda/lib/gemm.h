/* Products by cuBLASLt: y[m,n] = x[m,k] W[n,k]^T, all row-major.
 *
 * To the library, which counts by columns, that is D = A^T B with A := W, B := x and D := y, n by
 * m: the TN form, which int8 and fp8 want, without a copy.
 *
 * A spec describes a product; what the library needs for it, descriptors and an algorithm, is made
 * once and kept on the device. The library's heuristic gives some candidates, and prepare measures
 * the first of them (cuda/lib/gemm_choice.c); TARE_CUDA_CHOICE=heuristic takes the first without
 * measuring. A run with another m than was prepared takes the choice of the nearest m where the
 * library says that it does, else the heuristic's first.
 *
 * Rules: addresses are multiples of 256 bytes, also the workspace's. int8 wants n, k and leading
 * dimensions in multiples of 4 and gives int32; f8 wants multiples of 16. Bias is of y's type: f32
 * bias means f32 y, and f8 takes none. 16-bit y is rounded once, from f32 sums: split sums that
 * meet in y's type are not allowed. */
#ifndef TARE_CUDA_GEMM_H
#define TARE_CUDA_GEMM_H

#include "cuda/cu.h"

#include <library_types.h>

/* Bytes that each run wants as workspace: what NVIDIA advises for Hopper, whatever the device,
 * since fit does not know it (cuBLAS's documentation, section on cublasSetWorkspace). */
enum { CU_GEMM_WORKSPACE = 32 << 20 };

typedef enum cu_gemm_sums {
    CU_GEMM_F32,  /* f32 in, or 16-bit or f8 in; sums in f32 */
    CU_GEMM_TF32, /* f32 in, cut to tf32 */
    CU_GEMM_I32   /* int8 in, int32 out */
} cu_gemm_sums;

typedef struct cu_gemm_spec {
    int64_t m, n, k;
    int64_t ldw, ldx, ldy; /* elements from row to row */
    cudaDataType in, out;  /* type of W and x; of y */
    cu_gemm_sums sums;
    int bias, relu; /* + bias[n], and max(0, .), before y is rounded */
    int scaled;     /* f8: times w_scale[n] and x_scale[m]; not every version can */
    int fast;       /* f8: sums may stay in the tensor cores' 13 bits over all of k */
} cu_gemm_spec;

typedef struct cu_gemm_operands {
    const void *w, *x;
    void *y;
    const float *bias, *w_scale, *x_scale; /* read where the spec says so */
    void *workspace;
} cu_gemm_operands;

/* Bytes of a run's scratch, to be given as the workspace; for fit, so the device is not asked. */
size_t cu_gemm_scratch(const cu_gemm_spec *spec);
/* Readies the product for the spec's m on the stream's device. May take device memory for a while.
 * TARE_E_UNSUPPORTED where the library has no algorithm. */
tare_status cu_gemm_prepare(cu_stream *s, const cu_gemm_spec *spec);
/* 1: some m of the spec was prepared, so that it runs. */
int cu_gemm_ready(cu_device *d, const cu_gemm_spec *spec);
/* Queues the product. Takes no device memory; host memory only where nothing was prepared.
 * TARE_E_UNSUPPORTED where the library, now that it runs, does not scale after all: it is not ready
 * from then on. */
tare_status cu_gemm_run(cu_stream *s, const cu_gemm_spec *spec, const cu_gemm_operands *o);

#endif
