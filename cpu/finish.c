/* Epilogues in portable C: one pass over y, small beside the product that came before. */
#include "cpu/finish.h"

enum { BLOCK = 512, WORTH_A_THREAD = 1 << 15 };

static int useful(int64_t elements, int threads) {
    int64_t most = elements / WORTH_A_THREAD + 1;
    return most < threads ? (int)most : threads;
}

typedef struct rows {
    float *y;
    int64_t n;
    const float *bias;
    int relu;
} rows;

static void bias_relu_rows(void *ctx, int64_t from, int64_t to, int part) {
    const rows *r = ctx;
    (void)part;
    for (int64_t i = from; i < to; i++) {
        float *row = r->y + i * r->n;
        if (r->bias)
            for (int64_t j = 0; j < r->n; j++) row[j] += r->bias[j];
        if (r->relu)
            for (int64_t j = 0; j < r->n; j++) row[j] = row[j] < 0 ? 0 : row[j];
    }
}

void cpu_bias_relu(float *y, int64_t m, int64_t n, const float *bias, int relu, int threads) {
    if (!bias && !relu) return;
    parallel_ranges(m, useful(m * n, threads), bias_relu_rows, &(rows){y, n, bias, relu});
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

static void rescale_range(void *ctx, int64_t from, int64_t to, int part) {
    (void)part;
    for (int64_t i = from; i < to; i++) rescale_row(ctx, i);
}

void cpu_rescale_rows(const cpu_rescale *r) {
    parallel_ranges(r->m, useful(r->m * r->n, r->threads), rescale_range, (void *)(uintptr_t)r);
}
