/* The emulator's warpgroup products against plain ones: matrices drawn at hand, laid out here piece
 * by piece as the PTX ISA's figure of K-major matrices in the 128-byte mode shows them (the j-th
 * piece of 16 bytes of row i of eight stands in place i XOR j), without the packing code or the
 * kernels, and descriptors put together here from the table of their fields. Then each rule that
 * the twin watches over, broken. */
#include "cuda/args.h"
#include "cuda/kernels/wgmma.cuh"
#include "emu.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>

namespace {

enum { M = 64, K = 64, MOST_N = 256, THREADS = 128, SHARED = 192 << 10 };

/* What the kernel below is to do. */
enum {
    RIGHT,
    NOT_FENCED,       /* no wgmma.fence */
    PROXY_NOT_FENCED, /* operands from cp.async, no fence.proxy.async */
    COPIED,           /* and with it */
    CHANGED,          /* an operand is overwritten before the wait */
    COPIED_OVER,      /* or a copy to its place begins */
    NOT_WAITED,
    A_WARP_LESS,
    DIFFERENT,  /* descriptors */
    SWIZZLE_64, /* another mode */
    OUTSIDE,    /* of shared memory */
    TWO_GROUPS, /* of two products each, by wait<1> and wait<0> */
    MISALIGNED  /* the pattern begins elsewhere */
};

struct job {
    int n, bf16, what, first, steps; /* columns 16 `first` on, 16 a step */
    uint32_t b_at, a_stride, b_stride;
    unsigned char image[SHARED];
    float d[THREADS][MOST_N / 2];
    int early; /* sums that could be read before they were there */
};

uint64_t described(uint32_t address, uint32_t stride, uint64_t mode) {
    return address / 16 | (uint64_t)(stride / 16) << 32 | mode << 62;
}

void product(const job *j, float *d, uint64_t a, uint64_t b) {
    if (j->n == 128 && !j->bf16) cu_wgmma<128, 0>(d, a, b);
    if (j->n == 128 && j->bf16) cu_wgmma<128, 1>(d, a, b);
    if (j->n == 256 && !j->bf16) cu_wgmma<256, 0>(d, a, b);
    if (j->n == 256 && j->bf16) cu_wgmma<256, 1>(d, a, b);
}

void place_image(const job *j, unsigned char *base) {
    int copied = j->what == COPIED || j->what == PROXY_NOT_FENCED;
    for (int i = threadIdx.x * 16; i < SHARED - 1024; i += THREADS * 16)
        if (copied)
            cu_cp_async16(base + i, j->image + i, 16);
        else
            memcpy(base + i, j->image + i, 16);
    cu_cp_async_commit();
    cu_cp_async_wait<0>();
    if (j->what != PROXY_NOT_FENCED) cu_fence_proxy_async();
    __syncthreads();
}

void spoil(const job *j, unsigned char *base) {
    if (j->what == CHANGED && threadIdx.x == 77) base[j->b_at] ^= 1;
    if (j->what == COPIED_OVER && threadIdx.x == 77) cu_cp_async16(base + j->b_at, j->image, 16);
}

void kernel(cu_args args) {
    job *j = (job *)args.y;
    CU_SHARED(raw);
    unsigned char *base = raw + (1024 - cu_shared_address(raw) % 1024) % 1024;
    float *d = j->d[threadIdx.x];
    place_image(j, base);
    uint32_t start = cu_shared_address(base) + (j->what == MISALIGNED ? 128 : 0);
    if (j->what == OUTSIDE) start += SHARED - 4096;
    if (j->what == DIFFERENT && threadIdx.x == 5) start += 16;
    if (j->what == A_WARP_LESS && threadIdx.x / 32 == 2) return;
    if (j->what != NOT_FENCED) cu_wgmma_fence();
    for (int s = 0; s < j->steps; s++) {
        uint32_t on = (uint32_t)(j->first + s) * 32;
        uint64_t mode = j->what == SWIZZLE_64 ? 2 : 1;
        product(j, d, described(start + on, j->a_stride, mode),
                described(start + j->b_at + on, j->b_stride, mode));
        if (j->what == TWO_GROUPS && s == 1) cu_wgmma_commit();
    }
    cu_wgmma_commit();
    spoil(j, base);
    j->early += !isnan(d[0]);
    if (j->what == TWO_GROUPS) {
        cu_wgmma_wait<1>();
        j->early += !isnan(d[0]); /* the second group adds to them still */
    }
    if (j->what != NOT_WAITED) cu_wgmma_wait<0>();
}

uint32_t drawn(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

struct matrices {
    int a[M][K], b[MOST_N][K], c[M][MOST_N];
};

matrices numbers;
job work;

/* Rows of 64 numbers, eight of them in 1024 bytes, these `stride` apart. */
void lay(unsigned char *at, uint32_t stride, const int (*rows)[K], int count, int bf16) {
    for (int r = 0; r < count; r++)
        for (int j = 0; j < 8; j++)
            for (int e = 0; e < 8; e++) {
                float f = (float)rows[r][8 * j + e];
                uint16_t h = bf16 ? emu_float_to_bf16(f) : emu_float_to_half(f);
                int i = r % 8;
                memcpy(at + (uint32_t)(r / 8) * stride + i * 128 + (i ^ j) * 16 + 2 * e, &h, 2);
            }
}

int run(int what, int n, int bf16, int first, int steps, uint32_t stride) {
    uint32_t seed = (uint32_t)(n + 7 * bf16 + 31 * first + 1);
    unsigned grid[3] = {1, 1, 1}, block[3] = {THREADS, 1, 1};
    cu_args args = {};
    work = {};
    memset(work.image, 0xff, sizeof work.image);
    work.n = n, work.bf16 = bf16, work.what = what, work.first = first, work.steps = steps;
    work.a_stride = stride, work.b_stride = stride, work.b_at = M / 8 * stride;
    for (auto &row : numbers.a)
        for (int &v : row) v = (int)(drawn(&seed) % 255) - 127;
    for (auto &row : numbers.b)
        for (int &v : row) v = (int)(drawn(&seed) % 255) - 127;
    for (auto &row : numbers.c)
        for (int &v : row) v = (int)(drawn(&seed) % 2001) - 1000;
    lay(work.image, stride, numbers.a, M, bf16);
    lay(work.image + work.b_at, stride, numbers.b, n, bf16);
    /* D: 16 rows a warp; lane (g, t) has rows g and g + 8 at columns 2t, 2t + 1 of each eight. */
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < n / 8; i++)
            for (int e = 0; e < 4; e++)
                work.d[t][4 * i + e] =
                    (float)numbers
                        .c[t / 32 * 16 + t % 32 / 4 + (e < 2 ? 0 : 8)][8 * i + t % 4 * 2 + (e & 1)];
    args.y = &work;
    return emu_run((const void *)kernel, &args, sizeof args, grid, block, SHARED);
}

void check(int what, int n, int bf16, int first, int steps, uint32_t stride) {
    cr_assert(run(what, n, bf16, first, steps, stride));
    cr_assert_eq(work.early, 0);
    for (int row = 0; row < M; row++)
        for (int column = 0; column < n; column++) {
            int sum = numbers.c[row][column];
            for (int k = 16 * first; k < 16 * (first + steps); k++)
                sum += numbers.a[row][k] * numbers.b[column][k];
            int t = row / 16 * 32 + row % 8 * 4 + column % 8 / 2;
            int at = column / 8 * 4 + row % 16 / 8 * 2 + column % 2;
            cr_assert((int)work.d[t][at] == sum, "n %d: [%d, %d] is %g, not %d", n, row, column,
                      (double)work.d[t][at], sum);
        }
}

void broken(int what) {
    (void)run(what, 128, 0, 0, 1, 1024);
}

} // namespace

Test(cuda_wgmma, products) {
    for (int n = 128; n <= 256; n *= 2)
        for (int bf16 = 0; bf16 < 2; bf16++)
            for (int first = 0; first < 4; first++) check(RIGHT, n, bf16, first, 1, 1024);
}
Test(cuda_wgmma, products_that_add_up) {
    check(RIGHT, 256, 0, 0, 4, 1024);
    check(RIGHT, 128, 1, 1, 3, 2048);
}
Test(cuda_wgmma, eight_rows_further_apart) {
    check(RIGHT, 256, 0, 2, 1, 4096);
}
Test(cuda_wgmma, copied_operands) {
    check(COPIED, 256, 0, 0, 4, 1024);
}
Test(cuda_wgmma, two_groups) {
    check(TWO_GROUPS, 128, 0, 0, 4, 1024);
}

/* What a launch says of itself; each in a process of its own, since its threads stay astray. */
Test(cuda_wgmma, nobody_waits) {
    cr_assert_not(run(NOT_WAITED, 128, 0, 0, 1, 1024));
}
Test(cuda_wgmma, a_warp_is_missing) {
    cr_assert_not(run(A_WARP_LESS, 128, 0, 0, 1, 1024));
}
Test(cuda_wgmma, descriptors_differ) {
    cr_assert_not(run(DIFFERENT, 128, 0, 0, 1, 1024));
}

/* What ends the process. */
Test(cuda_wgmma, registers_not_fenced, .signal = SIGABRT) {
    broken(NOT_FENCED);
}
Test(cuda_wgmma, copies_not_fenced, .signal = SIGABRT) {
    broken(PROXY_NOT_FENCED);
}
Test(cuda_wgmma, operands_change, .signal = SIGABRT) {
    broken(CHANGED);
}
Test(cuda_wgmma, operands_are_copied_over, .signal = SIGABRT) {
    broken(COPIED_OVER);
}
Test(cuda_wgmma, another_swizzle, .signal = SIGABRT) {
    broken(SWIZZLE_64);
}
Test(cuda_wgmma, outside, .signal = SIGABRT) {
    broken(OUTSIDE);
}
Test(cuda_wgmma, pattern_begins_elsewhere, .signal = SIGABRT) {
    broken(MISALIGNED);
}
