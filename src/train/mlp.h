/* A multi-layer perceptron: y = W_L relu( ... relu(W_1 x + b_1) ... ) + b_L, weights row-major
 * [outputs, inputs], so that they are a tensor's W[n,k] without any turning. */
#ifndef TARE_TRAIN_MLP_H
#define TARE_TRAIN_MLP_H

#include <tare/tare.h>

#include "src/train/gemm.h"

enum { MLP_MAX_LAYERS = 8 };

typedef struct mlp {
    int layers;
    int64_t width[MLP_MAX_LAYERS + 1]; /* inputs first, classes last */
    float *w[MLP_MAX_LAYERS];          /* w[l][width[l + 1] * width[l]] */
    float *b[MLP_MAX_LAYERS];          /* b[l][width[l + 1]] */
} mlp;

/* Zeroed weights. */
tare_status mlp_create(int layers, const int64_t *width, mlp *out);
/* He's uniform start: +-sqrt(6 / inputs); biases zero. */
void mlp_init(mlp *net, uint64_t seed);
tare_status mlp_copy(const mlp *from, mlp *out);
void mlp_clear(mlp *net);
int64_t mlp_weights(const mlp *net, int layer); /* rows x columns of one layer */

/* What a pass over up to `batch` inputs works in. */
typedef struct mlp_pass {
    int64_t batch;
    float *act[MLP_MAX_LAYERS + 1]; /* act[0] the inputs, act[layers] the logits */
    float *delta[2];                /* gradient by a layer's output, two in turn */
    float *turned[2];               /* transposed operands */
    mlp grad;                       /* gradient by every parameter */
} mlp_pass;

tare_status mlp_pass_create(const mlp *net, int64_t batch, mlp_pass *out);
void mlp_pass_clear(mlp_pass *p);

/* act[0] (m rows) -> act[layers]. */
tare_status mlp_forward(const mlp *net, gemm *g, mlp_pass *p, int64_t m);
/* Mean cross-entropy of the softmax of act[layers], and its gradient into delta[0]. */
double mlp_loss(const mlp *net, mlp_pass *p, const uint8_t *label, int64_t m);
/* delta[0] -> grad; destroys delta. */
tare_status mlp_backward(const mlp *net, gemm *g, mlp_pass *p, int64_t m);

#endif
