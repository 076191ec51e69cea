/* What follows a library's product that can't do it itself: bias and ReLU over y[m][n], f32. */
#ifndef TARE_CPU_FINISH_H
#define TARE_CPU_FINISH_H

#include "cpu/cpu.h"

/* bias may be null. */
void cpu_bias_relu(float *y, int64_t m, int64_t n, const float *bias, int relu, int threads);

/* y[i] of type = relu?(sum[i] * (xscale[row] * wscale[column]) + bias?[column]); sum is [m][n].
 * wscale holds one scale where wstep is 0, n where it is 1. */
typedef struct cpu_rescale {
    const int32_t *sum;
    const float *xscale, *wscale, *bias;
    int64_t m, n, wstep;
    void *y;
    tare_type type;
    int32_t relu, threads;
} cpu_rescale;
void cpu_rescale_rows(const cpu_rescale *r);

#endif
