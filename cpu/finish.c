/* Epilogues in portable C: one pass over y, small beside the product that came before. */
#include "cpu/finish.h"

enum { BLOCK = 512, WORTH_A_THREAD = 1 << 15 };

static int useful(int64_t elements, int threads) {
    int64_t most = elements / WORTH_A_THREAD + 1;
    return most < threads ? (int)most : threads;
}

void cpu_bias_relu(float *y, int64_t m, int64_t n, const float *bias, int relu, int threads) {
    if (!bias && !relu) return;
#pragma omp parallel for schedule(static) num_threads(useful(m *n, threads))
    for (int64_t i = 0; i < m; i++) {
        float *row = y + i * n;
        if (bias)
            for (int64_t j = 0; j < n; j++) row[j] += bias[j];
        if (relu)
            for (int64_t j = 0; j < n; j++) row[j] = row[j] < 0 ? 0 : row[j];
    }
}

static void rescale(const cpu_rescale *r, int64_t row, int64_t from, int64_t count, float *out) {
    const int32_t *sum = r->sum + row * r->n + from;
    float xs = r->xscale[row];
    if (r->wstep)
        for (int64_t j = 0; j < count; j++) out[j] = (float)sum[j] * (xs * r->wscale[from + j]);
    else
        for (int64_t j = 0; j < count; j++) out[j] = (float)sum[j] * (xs * r->wscale[0]);
    if (r->bias)
        for (int64_t j = 0; j < count; j++) out[j] += r->bias[from + j];
    if (r->relu)
        for (int64_t j = 0; j < count; j++) out[j] = out[j] < 0 ? 0 : out[j];
}

static void rescale_row(const cpu_rescale *r, int64_t row) {
    float buf[BLOCK];
    for (int64_t j = 0; j < r->n; j += BLOCK) {
        int64_t count = r->n - j < BLOCK ? r->n - j : BLOCK, at = row * r->n + j;
        if (r->type == TARE_F32) {
            rescale(r, row, j, count, (float *)r->y + at);
            continue;
        }
        rescale(r, row, j, count, buf);
        for (int64_t i = 0; i < count; i++) tare_store(r->type, r->y, (size_t)(at + i), buf[i]);
    }
}

void cpu_rescale_rows(const cpu_rescale *r) {
#pragma omp parallel for schedule(static) num_threads(useful(r->m * r->n, r->threads))
    for (int64_t i = 0; i < r->m; i++) rescale_row(r, i);
}
