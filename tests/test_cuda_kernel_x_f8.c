/* Activations to f8 on the emulator, called directly: as codes, which our rows do not ask for but
 * vendors' libraries take, and as halves; scales and codes to the bit as tare.h defines them. */
#include "cuda/args.h"
#include "cuda/layout/x_f8.h"
#include "src/internal.h"

#include <criterion/criterion.h>
#include <cuda_runtime_api.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void cu_x_f8(cu_args a);

enum { M = 5 };

static const struct {
    tare_type type;
    int k;
} cases[] = {{TARE_F32, 1},    {TARE_F32, 40},   {TARE_F16, 37},    {TARE_F16, 64},
             {TARE_BF16, 129}, {TARE_F32, 4100}, {TARE_BF16, 4104}, {TARE_F16, 8192}};

/* Row 0 spans many powers of two, so that codes are subnormal; row 1 is all zeros, row 2 too small
 * to scale, the others ordinary. */
static void fill(tare_type type, int k, void *x) {
    for (int i = 0; i < M; i++)
        for (int j = 0; j < k; j++) {
            float v = (float)((i * 7919 + j * 104729) % 2003 - 1001) / 64;
            if (i == 0) v = ldexpf(v, -(j % 17));
            if (i == 1) v = 0;
            if (i == 2) v = type == TARE_F16 ? 0 : ldexpf(v, -120);
            tare_store(type, x, (size_t)(i * k + j), v);
        }
}

static void check_row(const float *x, int k, float scale, const uint8_t *out, int stride,
                      int halves) {
    float a = 0;
    for (int j = 0; j < k; j++) a = fabsf(x[j]) > a ? fabsf(x[j]) : a;
    int zero = a < 0x1p-100f;
    float inverse = zero ? 0 : 448 / a;
    cr_assert_eq(scale, zero ? 0 : a / 448, "scale %a of largest %a", (double)scale, (double)a);
    for (int j = 0; j < stride / (halves ? 2 : 1); j++) {
        uint8_t want = j < k ? tare_f32_to_f8(x[j] * inverse) : 0;
        uint16_t half;
        memcpy(&half, out + j / (halves ? 1 : 2) * 2, 2);
        if (halves)
            cr_assert_eq(tare_f16_to_f32(half), tare_f8_to_f32(want), "column %d", j);
        else
            cr_assert_eq(out[j], want, "column %d of %d: 0x%02x, must be 0x%02x", j, k, out[j],
                         want);
    }
}

static void check(tare_type type, int k, int halves) {
    int stride = (k * (halves ? 2 : 1) + 15) / 16 * 16;
    void *x = malloc((size_t)(M * k) * 4);
    float *rows = malloc((size_t)(M * k) * sizeof *rows), scales[M];
    uint8_t *out = aligned_alloc(16, (size_t)(M * stride));
    memset(out, 0xee, (size_t)(M * stride));
    memset(scales, 0xee, sizeof scales);
    fill(type, k, x);
    for (int i = 0; i < M * k; i++) rows[i] = tare_load(type, x, (size_t)i);
    cu_args a = {.x = x, .y = out, .extra = scales, .m = M, .k = k, .x_type = (int32_t)type};
    a.i[CU_XF8_STRIDE] = stride;
    a.i[CU_XF8_HALVES] = halves;
    void *args[] = {&a};
    dim3 grid = {M, 1, 1}, block = {CU_XF8_THREADS, 1, 1};
    cudaError_t e = cudaLaunchKernel((const void *)cu_x_f8, grid, block, args, 0, NULL);
    cr_assert_eq(e, cudaSuccess, "%s", cudaGetErrorName(e));
    for (int i = 0; i < M; i++)
        check_row(rows + i * k, k, scales[i], out + i * stride, stride, halves);
    free(out);
    free(rows);
    free(x);
}

Test(cuda_kernel_x_f8, to_the_bit, .timeout = 60) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int halves = 0; halves < 2; halves++) check(cases[i].type, cases[i].k, halves);
}

/* What is not finite stays within its row. */
Test(cuda_kernel_x_f8, not_finite, .timeout = 60) {
    float x[2][16] = {{NAN, 1, -INFINITY}, {448, -1, 0.25f}}, scales[2];
    _Alignas(16) uint8_t out[2][16];
    cu_args a = {.x = x, .y = out, .extra = scales, .m = 2, .k = 16, .x_type = TARE_F32};
    a.i[CU_XF8_STRIDE] = 16;
    void *args[] = {&a};
    dim3 grid = {2, 1, 1}, block = {CU_XF8_THREADS, 1, 1};
    cr_assert_eq(cudaLaunchKernel((const void *)cu_x_f8, grid, block, args, 0, NULL), cudaSuccess);
    check_row(x[1], 16, scales[1], out[1], 16, 0);
}
