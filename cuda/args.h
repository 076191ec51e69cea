/* What a kernel is given: one struct for all of them, valid in C and in CUDA C.
 *
 * Every kernel is `extern "C" __global__ void cu_NAME(const __grid_constant__ cu_args a)`, so host
 * C launches any of them by its address, and the emulator of the tests can call it without knowing
 * its signature. What `i` holds is named by an enum in the header of the kernel's layout. */
#ifndef TARE_CUDA_ARGS_H
#define TARE_CUDA_ARGS_H

#include <stdint.h>

/* Index arithmetic of packed layouts is compiled for the host, where tests try it, and the device.
 */
#if defined(__CUDACC__)
#define CU_HD static __host__ __device__ __forceinline__
#else
#define CU_HD static inline
#endif

typedef struct cu_args {
    const void *w;     /* packed blob */
    const void *x;     /* as the kernel wants it */
    const float *bias; /* null: none */
    void *y;
    void *extra;        /* scratch: partial sums, arrival counters */
    const void *aux;    /* beside x: its scales */
    uint32_t *arrivals; /* the stream's, by the launch: zeros, and left as zeros */
    int64_t at[4];      /* byte offsets of sections in w */
    int32_t m, n, k, m_pad;
    int32_t x_type, y_type; /* tare_type */
    int32_t flags;          /* of the problem: TARE_RELU counts here, bias by its pointer */
    int32_t i[9];           /* the kernel's own numbers */
} cu_args;

#endif
