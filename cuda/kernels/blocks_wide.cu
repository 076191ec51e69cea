/* Block-sparse weights by many rows of x, where blocks are a multiple of 64 rows high: the four
 * tiles of 64 rows of W then have the same columns, and share the x of each.
 *
 * A block does these 64 rows of W by 256 of x. Two squares' columns of x and the squares of W make
 * a stage in shared memory, three of them under way (cp.async); a warp multiplies the four tiles by
 * its 32 rows of x: 16 mma for four loads of W and four of x. A row of a square's x is 32 bytes and
 * rows lie close, so that lanes (g, t), which read 8 bytes each, meet all banks evenly.
 *
 * Counted in the machine code for sm_90a: 164 instructions for 32 mma; 10 KB from L2 for 16 columns
 * of 64 by 256 products, which is what bounds it: predicted at half of what mma.sync gives. */
#include "cuda/kernels/tile_decode.cuh"
#include "cuda/layout/blocks.h"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS, T = 4, MT = 4, ROWS = THREADS, STAGES = 3, SQUARES = 2 };
/* Sums on their way out: two tiles' rows of W by the rows of x, padded against conflicts. */
enum { OUT = 32, OUT_WIDE = OUT + 4 };

struct stage {
    uint2 x[SQUARES][ROWS][4];
    uint4 w[SQUARES][T][32];
};

enum : size_t {
    LOOP = sizeof(stage) * STAGES,
    STORE = sizeof(float) * ROWS * OUT_WIDE,
    SHARED = LOOP > STORE ? LOOP : STORE
};

/* The squares of a block: those of its first tile, at `first` in each of the four. */
struct walk {
    const uint32_t *columns;
    const char *w, *x; /* what this thread copies of W's squares, and its row of x */
    uint32_t count;
    int k;
};

CU_DEV walk walk_of(const cu_args &a, int row) {
    const uint32_t *offsets = (const uint32_t *)a.w;
    int64_t last = (a.n + CU_SQUARE - 1) / CU_SQUARE - 1, tile = (int64_t)blockIdx.x * T;
    int64_t mine = tile + threadIdx.x / 32 % T;
    int there = row + (int)threadIdx.x < a.m ? row + (int)threadIdx.x : a.m - 1;
    walk v;
    v.columns = (const uint32_t *)((const char *)a.w + a.at[CU_BLOCKS_COLUMNS]) + offsets[tile];
    v.count = offsets[tile + 1] - offsets[tile];
    v.w = (const char *)a.w + a.at[CU_BLOCKS_VALUES] +
          ((int64_t)offsets[mine < last ? mine : last] * 32 + threadIdx.x % 32) * 16;
    v.x = (const char *)a.x + (int64_t)there * a.i[CU_TILE_LDX] * 2;
    v.k = a.k;
    cu_keep(v.w);
    cu_keep(v.x);
    return v;
}

/* Where squares 2 q and 2 q + 1 lie along k; past the last nowhere. */
struct place {
    int column[SQUARES];
};

CU_DEV place place_of(const walk &v, uint32_t q) {
    place p;
#pragma unroll
    for (int s = 0; s < SQUARES; s++) {
        uint32_t i = SQUARES * q + s;
        p.column[s] = i < v.count ? (int)cu_ldg4(v.columns + i) * CU_SQUARE : -1;
    }
    return p;
}

/* Queues both squares and their x; zeros past k, and nothing past the last square. */
CU_DEV void fetch(const walk &v, const place &p, uint32_t q, stage &to) {
#pragma unroll
    for (int s = 0; s < SQUARES; s++) {
        if (p.column[s] < 0) continue;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int column = p.column[s] + 8 * i, there = column < v.k;
            cu_cp_async16(&to.x[s][threadIdx.x][2 * i], v.x + (there ? 2 * (int64_t)column : 0),
                          there ? 16 : 0);
        }
        if (threadIdx.x < 32 * T)
            cu_cp_async16(&to.w[s][threadIdx.x / 32][threadIdx.x % 32],
                          v.w + (int64_t)(SQUARES * q + s) * 512, 16);
    }
}

template <int BF16> CU_DEV void multiply(const stage &from, int s, float sum[T][MT][4]) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    uint32_t w[T][4];
#pragma unroll
    for (int i = 0; i < T; i++) {
        uint4 v = from.w[s][i][lane];
        w[i][0] = v.x, w[i][1] = v.y, w[i][2] = v.z, w[i][3] = v.w;
    }
#pragma unroll
    for (int j = 0; j < MT; j++) {
        uint2 v = from.x[s][(warp * MT + j) * 8 + g][t];
        uint32_t x[2] = {v.x, v.y};
#pragma unroll
        for (int i = 0; i < T; i++) cu_mma_float<BF16>(sum[i][j], w[i], x);
    }
}

/* Two tiles at a time by way of shared memory, so that neighbours in a row of y are stored
 * together. */
CU_DEV void store(const cu_args &a, int row, float *all, float sum[T][MT][4]) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int half = 0; half < T / 2; half++) {
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int j = 0; j < MT; j++)
#pragma unroll
                for (int e = 0; e < 4; e++)
                    all[((warp * MT + j) * 8 + 2 * t + e % 2) * OUT_WIDE + i * 16 + g + e / 2 * 8] =
                        sum[2 * half + i][j][e];
        __syncthreads();
        for (int at = threadIdx.x; at < OUT * ROWS; at += THREADS) {
            int w = at % OUT, c = at / OUT;
            int64_t column = ((int64_t)blockIdx.x * T + 2 * half) * CU_SQUARE + w;
            if (row + c < a.m && column < a.n)
                cu_finish(a, row + c, (int)column, all[c * OUT_WIDE + w]);
        }
    }
}

template <int BF16>
__global__ void __launch_bounds__(THREADS, 2) wide(const __grid_constant__ cu_args a) {
    CU_SHARED(base);
    stage *stages = (stage *)base;
    int row = (int)blockIdx.z * ROWS, at = 0;
    walk v = walk_of(a, row);
    float sum[T][MT][4] = {};
    uint32_t pairs = (v.count + SQUARES - 1) / SQUARES;
#pragma unroll
    for (uint32_t q = 0; q < STAGES - 1; q++) {
        fetch(v, place_of(v, q), q, stages[q]);
        cu_cp_async_commit();
    }
    place ahead = place_of(v, STAGES - 1);
    for (uint32_t q = 0; q < pairs; q++) {
        cu_cp_async_wait<STAGES - 2>();
        __syncthreads(); /* this stage is whole, and nobody reads the one that is fetched next */
        fetch(v, ahead, q + STAGES - 1, stages[at ? at - 1 : STAGES - 1]);
        cu_cp_async_commit();
        ahead = place_of(v, q + STAGES);
        multiply<BF16>(stages[at], 0, sum);
        if (2 * q + 1 < v.count) multiply<BF16>(stages[at], 1, sum);
        at = at == STAGES - 1 ? 0 : at + 1;
    }
    cu_cp_async_wait<0>();
    store(a, row, (float *)base, sum);
}

} // namespace

extern "C" cu_tile_kernel cu_blocks_wide(int bf16) {
    return {bf16 ? (const void *)wide<1> : (const void *)wide<0>, T, ROWS, THREADS, SHARED, 0, 0};
}
