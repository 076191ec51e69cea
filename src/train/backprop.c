/* Forward and backward. With W[n,k], inputs X[m,k] and D = dLoss/dY[m,n]:
 *     Y  = X W^T           dW[n,k] = D^T X           dX[m,k] = D W
 * and since the one product there is is x . w^T, both of the backward ones run on transposed
 * operands: dW = (D^T) . (X^T)^T and dX = D . (W^T)^T. */
#include <math.h>
#include <string.h>

#include "src/internal.h"
#include "src/train/mlp.h"

tare_status mlp_forward(const mlp *net, gemm *g, mlp_pass *p, int64_t m) {
    if (m < 1 || m > p->batch) TARE_FAIL(TARE_E_ARG, "train: %lld rows in a pass", (long long)m);
    for (int l = 0; l < net->layers; l++)
        TARE_TRY(gemm_nt(g, m, net->width[l + 1], net->width[l], p->act[l], net->w[l], net->b[l],
                         l + 1 < net->layers, p->act[l + 1]));
    return TARE_OK;
}

double mlp_loss(const mlp *net, mlp_pass *p, const uint8_t *label, int64_t m) {
    int64_t classes = net->width[net->layers];
    double loss = 0;
    for (int64_t i = 0; i < m; i++) {
        const float *y = p->act[net->layers] + i * classes;
        float *d = p->delta[0] + i * classes, top = y[0];
        double sum = 0;
        for (int64_t c = 1; c < classes; c++) top = y[c] > top ? y[c] : top;
        for (int64_t c = 0; c < classes; c++) sum += (double)(d[c] = expf(y[c] - top));
        for (int64_t c = 0; c < classes; c++) d[c] = (float)(d[c] / sum / (double)m);
        d[label[i]] -= 1.0f / (float)m;
        loss += log(sum) - (double)(y[label[i]] - top);
    }
    return loss / (double)m;
}

static void sum_rows(const float *d, int64_t m, int64_t n, float *out) {
    memset(out, 0, (size_t)n * sizeof *out);
    for (int64_t i = 0; i < m; i++)
        for (int64_t c = 0; c < n; c++) out[c] += d[i * n + c];
}

typedef struct gating {
    const float *out;
    float *grad;
} gating;

static void gate_share(void *ctx, int64_t from, int64_t to, int part) {
    const float *out = ((const gating *)ctx)->out;
    float *grad = ((const gating *)ctx)->grad;
    (void)part;
    for (int64_t i = from; i < to; i++) grad[i] = out[i] > 0 ? grad[i] : 0;
}

/* A ReLU passes the gradient where its output is positive. */
static void gate(const float *out, float *grad, int64_t count) {
    int threads = count < 65536 ? 1 : tare_threads();
    parallel_ranges(count, threads, gate_share, &(gating){out, grad});
}

tare_status mlp_backward(const mlp *net, gemm *g, mlp_pass *p, int64_t m) {
    float *d = p->delta[0], *next = p->delta[1];
    for (int l = net->layers - 1; l >= 0; l--) {
        int64_t n = net->width[l + 1], k = net->width[l];
        gemm_transpose(m, n, d, p->turned[0]);
        gemm_transpose(m, k, p->act[l], p->turned[1]);
        TARE_TRY(gemm_nt(g, n, k, m, p->turned[0], p->turned[1], NULL, 0, p->grad.w[l]));
        sum_rows(d, m, n, p->grad.b[l]);
        if (l == 0) break;
        gemm_transpose(n, k, net->w[l], p->turned[0]);
        TARE_TRY(gemm_nt(g, m, k, n, d, p->turned[0], NULL, 0, next));
        gate(p->act[l], next, m * k);
        float *swap = d;
        d = next;
        next = swap;
    }
    return TARE_OK;
}
