/* The arithmetic of the fake cuSPARSELt: what matrices and products are, the compressed form, and a
 * column of D made from it. */
#ifndef TARE_FAKE_CUSPARSELT_PRODUCT_H
#define TARE_FAKE_CUSPARSELT_PRODUCT_H

#include "cuda/lib/cusparselt_api.h"
#include "fake_numbers.h"

#include <vector>

namespace {

struct matrix {
    int64_t rows, columns, ld;
    cudaDataType type;
    int order, sparse;
};
struct product {
    matrix a, b, c, d;
    int sums, relu;
    const void *sparse;
};
int bytes_of(cudaDataType t) {
    switch (t) {
    case CUDA_R_8I:
    case CUDA_R_8F_E4M3:
        return 1;
    case CUDA_R_16F:
    case CUDA_R_16BF:
        return 2;
    case CUDA_R_32I:
    case CUDA_R_32F:
        return 4;
    default:
        return 0;
    }
}

float load(cudaDataType t, const void *p, int64_t i) {
    switch (t) {
    case CUDA_R_8I:
        return (float)((const int8_t *)p)[i];
    case CUDA_R_8F_E4M3:
        return fake_e4m3(((const uint8_t *)p)[i]);
    case CUDA_R_16F:
        return fake_half(((const uint16_t *)p)[i]);
    default:
        return fake_bf16(((const uint16_t *)p)[i]);
    }
}
void store(cudaDataType t, void *p, int64_t i, float v) {
    switch (t) {
    case CUDA_R_16F:
        ((uint16_t *)p)[i] = fake_to_half(v);
        break;
    case CUDA_R_16BF:
        ((uint16_t *)p)[i] = fake_to_bf16(v);
        break;
    case CUDA_R_32I:
        ((int32_t *)p)[i] = v >= 0x1p31f ? INT32_MAX : (int32_t)rintf(v);
        break;
    default:
        ((float *)p)[i] = v;
    }
}

size_t values_bytes(const matrix &a) {
    return (size_t)(a.rows * a.columns / 2 * bytes_of(a.type));
}
size_t compressed_bytes(const matrix &a) {
    return values_bytes(a) + (size_t)(a.rows * a.columns / 8);
}
/* Columns of the two that are kept of four, as bits 0-1 and 2-3; -1: there are more. */
int kept(const char *four, int bytes) {
    int at[2], n = 0;
    bool zero[4];
    for (int i = 0; i < 4; i++) {
        zero[i] = true;
        for (int b = 0; b < bytes; b++) zero[i] = zero[i] && !four[i * bytes + b];
        if (zero[i]) continue;
        if (n == 2) return -1;
        at[n++] = i;
    }
    if (n == 0) return 0 | 1 << 2;
    if (n == 1) at[1] = at[0] == 3 ? (at[0] = 2, 3) : at[0] + 1;
    return at[0] | at[1] << 2;
}

/* One column of B in dense floats against each row of A. Where sums are integers they pass through
 * floats, as alpha is one. */
void multiply_column(const product &p, const char *a, const char *b, int64_t column, void *d) {
    int64_t n = p.a.rows, k = p.a.columns;
    const char *places = a + values_bytes(p.a);
    std::vector<float> x((size_t)k);
    for (int64_t i = 0; i < k; i++) x[(size_t)i] = load(p.b.type, b, column * p.b.ld + i);
    for (int64_t row = 0; row < n; row++) {
        float sum = 0;
        int64_t whole = 0;
        for (int64_t g = 0; g < k / 4; g++) {
            int64_t at = row * (k / 4) + g;
            int both = places[at / 2] >> at % 2 * 4 & 15;
            for (int i = 0; i < 2; i++) {
                float w = load(p.a.type, a, 2 * at + i);
                float v = x[(size_t)(4 * g + (both >> 2 * i & 3))];
                if (p.sums == CUSPARSELT_SUM_I32)
                    whole += (int64_t)w * (int64_t)v;
                else
                    sum += w * v;
            }
        }
        if (p.sums == CUSPARSELT_SUM_I32) sum = (float)(int32_t)whole;
        if (p.relu && !(sum > 0)) sum = 0;
        store(p.d.type, d, column * p.d.ld + row, sum);
    }
}

} // namespace

#endif
