/* Block-sparse weights by many rows of x on Hopper's warpgroup products (wgmma). No device has run
 * it yet: the emulator's twin of wgmma was written from the PTX ISA, and so was this.
 *
 * A block does 64 T rows of W by 256 of x; 128 rows (T = 2) where blocks are that high, so that
 * both halves have the same columns. Its stored tiles drive the loop: a stage is a tile of each 64
 * rows of W, which lies in memory as wgmma reads it (cuda/layout/slabs.h), and the 64 columns of x
 * that it meets, put in the same order while they are copied (cp.async). With T = 2 each of the two
 * warpgroups has 64 rows of W and all of x, else all of W and half of x.
 *
 * At step q a warpgroup queues the products of stage q, waits for those of q - 1, and refills the
 * stage of q - 2, which both warpgroups are past since the barrier. Copies are writes of the
 * generic proxy: whoever made them fences them for the tensor cores before that barrier. */
#include "cuda/kernels/finish.cuh"
#include "cuda/kernels/wgmma.cuh"
#include "cuda/layout/slabs.h"
#include "cuda/tile_kernels.h"

namespace {

enum { GROUPS = 2, THREADS = 128 * GROUPS, ROWS = 256 };
enum { PIECES = CU_SLAB_BYTES / 16, X_BYTES = ROWS * CU_SLAB * 2, PATTERN = 1024 };

template <int T> struct plan {
    enum {
        STAGES = T == 2 ? 4 : 5,
        AHEAD = STAGES - 2, /* stages under way while one is multiplied, one read out */
        WIDE = T == 2 ? ROWS : ROWS / 2, /* rows of x that a warpgroup has */
        SUMS = WIDE / 2,                 /* of a thread */
        W_BYTES = T * CU_SLAB_BYTES,
        STAGE = W_BYTES + X_BYTES,
        OUT = T * CU_SLAB + 4, /* a row of x's sums on their way out, padded against conflicts */
        LOOP = STAGES * STAGE,
        STORE = ROWS * OUT * 4,
        SHARED = (LOOP > STORE ? LOOP : STORE) + PATTERN
    };
};

#if CU_HAS_WGMMA

/* What a thread copies: a piece of eight rows of x, 32 apart, and pieces of W's tiles. */
struct walk {
    const uint32_t *columns;
    const char *w[2], *x;
    uint32_t count;
    int64_t x_step;
    int x_rows, k, x_to; /* rows of x that are there; what is left of k; where in a stage */
};

template <int T> CU_DEV walk walk_of(const cu_args &a, int row) {
    const uint32_t *offsets = (const uint32_t *)a.w;
    int64_t last = (a.n + CU_SLAB - 1) / CU_SLAB - 1, group = (int64_t)blockIdx.x * T;
    int own = threadIdx.x / 8, piece = threadIdx.x % 8;
    walk v;
    v.columns = (const uint32_t *)((const char *)a.w + a.at[CU_SLABS_COLUMNS]) + offsets[group];
    v.count = offsets[group + 1] - offsets[group];
#pragma unroll
    for (int i = 0; i < T; i++) /* past W's end the last group's, for rows that are not stored */
        v.w[i] = (const char *)a.w + a.at[CU_SLABS_VALUES] +
                 (int64_t)offsets[group + i < last ? group + i : last] * CU_SLAB_BYTES +
                 threadIdx.x * 16;
    v.x = (const char *)a.x + ((int64_t)(row + own) * a.i[CU_TILE_LDX] + piece * 8) * 2;
    v.x_step = (int64_t)a.i[CU_TILE_LDX] * 2 * 32;
    v.x_rows = a.m - row - own;
    v.k = a.k - piece * 8;
    v.x_to = plan<T>::W_BYTES + cu_slab_piece(own, piece) * 16;
    return v;
}

CU_DEV int column_of(const walk &v, uint32_t q) {
    return q < v.count ? (int)cu_ldg4(v.columns + q) * CU_SLAB : -1;
}

/* Queues stage q; zeros past k and m, nothing past the last. */
template <int T>
CU_DEV void fetch(const cu_args &a, const walk &v, int column, uint32_t q, unsigned char *to) {
    if (column < 0) return;
#pragma unroll
    for (int i = 0; i < ROWS / 32; i++) {
        int there = 32 * i < v.x_rows && column < v.k;
        cu_cp_async16(to + v.x_to + i * 32 * CU_SLAB * 2,
                      there ? v.x + i * v.x_step + 2 * (int64_t)column : (const char *)a.x,
                      there ? 16 : 0);
    }
#pragma unroll
    for (int i = 0; i < T * PIECES / THREADS; i++)
        cu_cp_async16(
            to + (threadIdx.x + i * THREADS) * 16,
            v.w[i * THREADS / PIECES] + (int64_t)q * CU_SLAB_BYTES + i * THREADS % PIECES * 16, 16);
}

template <int T, int BF16> CU_DEV void multiply(uint32_t stage, int group, float *sum) {
    uint64_t w = cu_wgmma_rows(stage + (T == 2 ? group * CU_SLAB_BYTES : 0));
    uint64_t x = cu_wgmma_rows(stage + plan<T>::W_BYTES +
                               (T == 2 ? 0 : group * plan<T>::WIDE * CU_SLAB * 2));
    cu_wgmma_fence();
#pragma unroll
    for (int i = 0; i < CU_SLAB / 16; i++)
        cu_wgmma<plan<T>::WIDE, BF16>(sum, w + 2 * i, x + 2 * i); /* 32 bytes on */
    cu_wgmma_commit();
}

/* By way of shared memory, so that neighbours in a row of y are stored together. */
template <int T> CU_DEV void store(const cu_args &a, int row, float *all, const float *sum) {
    constexpr int wide = T * CU_SLAB, out = plan<T>::OUT;
    int group = threadIdx.x / 128, warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
    int w = (T == 2 ? group * CU_SLAB : 0) + warp * 16 + lane / 4;
    int x = (T == 2 ? 0 : group * plan<T>::WIDE) + lane % 4 * 2;
#pragma unroll
    for (int i = 0; i < plan<T>::SUMS; i++)
        all[(x + i / 4 * 8 + i % 2) * out + w + i / 2 % 2 * 8] = sum[i];
    __syncthreads();
    for (int at = threadIdx.x; at < wide * ROWS; at += THREADS) {
        int64_t column = (int64_t)blockIdx.x * wide + at % wide;
        int c = at / wide;
        if (row + c < a.m && column < a.n)
            cu_finish(a, row + c, (int)column, all[c * out + at % wide]);
    }
}

#endif

template <int T, int BF16>
__global__ void __launch_bounds__(THREADS, 1) wgmma(const __grid_constant__ cu_args a) {
#if CU_HAS_WGMMA
    using p = plan<T>;
    CU_SHARED(raw);
    unsigned char *base = raw + (PATTERN - cu_shared_address(raw) % PATTERN) % PATTERN;
    int row = (int)blockIdx.z * ROWS, group = threadIdx.x / 128, at = 0;
    uint32_t from = cu_shared_address(base);
    walk v = walk_of<T>(a, row);
    float sum[p::SUMS] = {};
#pragma unroll
    for (uint32_t q = 0; q < p::AHEAD; q++) {
        fetch<T>(a, v, column_of(v, q), q, base + q * p::STAGE);
        cu_cp_async_commit();
    }
    int next = column_of(v, p::AHEAD);
    for (uint32_t q = 0; q < v.count; q++) {
        cu_cp_async_wait<p::AHEAD - 1>();
        cu_fence_proxy_async();
        __syncthreads(); /* stage q is whole, and the products of q - 2 are done */
        multiply<T, BF16>(from + at * p::STAGE, group, sum);
        cu_wgmma_wait<1>();
        int to = at + p::AHEAD;
        fetch<T>(a, v, next, q + p::AHEAD,
                 base + (to < p::STAGES ? to : to - p::STAGES) * p::STAGE);
        cu_cp_async_commit();
        next = column_of(v, q + p::AHEAD + 1);
        at = at == p::STAGES - 1 ? 0 : at + 1;
    }
    cu_wgmma_wait<0>();
    cu_wgmma_keep<p::SUMS>(sum);
    cu_cp_async_wait<0>();
    __syncthreads();
    store<T>(a, row, (float *)base, sum);
#endif
}

template <int T> cu_tile_kernel kernel_of(int bf16) {
    return {bf16 ? (const void *)wgmma<T, 1> : (const void *)wgmma<T, 0>,
            T,
            ROWS,
            THREADS,
            plan<T>::SHARED,
            0,
            1};
}

} // namespace

extern "C" cu_tile_kernel cu_blocks_wgmma(int bf16, int tiles) {
    return tiles == 2 ? kernel_of<2>(bf16) : kernel_of<1>(bf16);
}
