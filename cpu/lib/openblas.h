/* OpenBLAS, opened at run time: its C interface with 32-bit integers, any of its three kinds of
 * threads (none, its own, OpenMP's). */
#ifndef TARE_CPU_LIB_OPENBLAS_H
#define TARE_CPU_LIB_OPENBLAS_H

#include <tare/tare.h>

/* 1: open and fit for use. Opens it at the first call. */
int openblas_open(void);
/* "OpenBLAS 0.3.21 SkylakeX OpenMP", or "no OpenBLAS: ..." and why. After openblas_open(). */
const char *openblas_text(void);
/* Its name for the processor whose kernels it runs, "SkylakeX". */
const char *openblas_core(void);

/* y[m][n] = x W^T of x[m][k] and w[n][k], sgemv's with one row of x, else sgemm's, by at most
 * `threads` threads: fewer where fewer are granted. TARE_E_NOMEM instead of the endless loop in
 * which it waits for room for its buffers. */
tare_status openblas_multiply(int m, int n, int k, const float *x, const float *w, float *y,
                              int threads);

/* For the tool, before anything else opens it: the OPENBLAS_CORETYPE to set where this OpenBLAS
 * takes a processor newer than itself for one without AVX; null: it knows better, or is not there.
 * Opens it, asks and closes it again, since it chooses as it is loaded. */
const char *openblas_core_wanted(void);

#endif
