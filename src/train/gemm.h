/* The trainer's matrix product, through the same plan, pack and run as inference. Training packs
 * the "weights" anew for every product, since they change with every step; so the row is chosen by
 * run and packing together, by the cost model alone: the same seed then takes the same rows. */
#ifndef TARE_TRAIN_GEMM_H
#define TARE_TRAIN_GEMM_H

#include <tare/tare.h>

enum { GEMM_PLANS = 32 };

typedef struct gemm {
    tare_device *device;
    tare_stream *stream;
    int count;
    tare_plan plan[GEMM_PLANS]; /* by shape and flags, as they come up */
} gemm;

tare_status gemm_open(tare_device *d, gemm *out);
void gemm_close(gemm *g);

/* y[m,n] = relu?( x[m,k] . w[n,k]^T + bias?[n] ), f32, host memory; bias may be null. */
tare_status gemm_nt(gemm *g, int64_t m, int64_t n, int64_t k, const float *x, const float *w,
                    const float *bias, int relu, float *y);

/* The name of the row that a shape goes to, null if it has not come up. */
const char *gemm_kernel(const gemm *g, int64_t m, int64_t n, int64_t k);

/* out[cols,rows] = in[rows,cols]^T */
void gemm_transpose(int64_t rows, int64_t cols, const float *in, float *out);

#endif
