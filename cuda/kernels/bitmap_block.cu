/* Bitmap weights of 16 bits by 9 rows of x and more: 8 MT rows of x come to shared memory in slabs
 * of one chunk, a chunk ahead (cp.async), and serve the 256 rows of W of a block. Each warp brings
 * the values of its own two tiles beside them, decodes them once (bitmap.cuh), one scan for both,
 * and multiplies on the tensor cores. k is split over the blocks along y; the last of them to
 * arrive adds up.
 *
 * Pieces of 16 bytes of a slab are turned as in tile_block.cu, against conflicts. Counted for
 * sm_90a: 488, 507, 546 instructions for 64 positions a lane at 16, 32, 64 rows of x; 80 KB of
 * shared memory at most, so that two blocks share a multiprocessor. What is predicted to bound it
 * at 50 % is shared memory itself: values of 16 lanes meet in its banks 2.3 at a time
 * (docs/cuda-kernels.md). No time was measured. */
#include "cuda/kernels/arrive.cuh"
#include "cuda/kernels/bitmap.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS, T = 2, PIECES = CU_TILE_CHUNK / 8 };
enum { STAGE = CU_TILE_ROWS * CU_TILE_CHUNK * 2 }; /* all values of a chunk kept */
/* Sums on their way out: half the tiles' rows of W by the rows of x, padded against conflicts. */
enum { OUT = WARPS * CU_TILE_ROWS, OUT_WIDE = OUT + 4 };

/* What a block has of a chunk; two of them in turn. */
template <int MT> struct stage {
    uint4 x[8 * MT][PIECES];
    unsigned char values[WARPS][T][STAGE];
};

template <int MT> constexpr size_t bytes() {
    size_t loop = 2 * sizeof(stage<MT>), out = sizeof(float) * 8 * MT * OUT_WIDE;
    return loop > out ? loop : out;
}

CU_DEV int turned(int row, int piece) {
    return piece ^ (row & 1) << 2;
}

/* What a thread copies of each slab: a piece of COPIES rows, the first THREADS pieces or fewer;
 * past the last row the last again, whose products are not stored. */
template <int MT> struct copies {
    enum { ALL = 8 * MT * PIECES, COPIES = (ALL + THREADS - 1) / THREADS, STEP = THREADS / PIECES };
    const uint16_t *from[COPIES];
    int end; /* of x, counted from there */

    CU_DEV copies of(const cu_args &a, int first) {
        int column = threadIdx.x % PIECES * 8;
        copies c;
        c.end = a.k - column;
#pragma unroll
        for (int i = 0; i < COPIES; i++) {
            int row = first + threadIdx.x / PIECES + i * STEP;
            if (row >= a.m) row = a.m - 1;
            c.from[i] = (const uint16_t *)a.x + (int64_t)row * a.i[CU_TILE_LDX] + column;
            cu_keep(c.from[i]);
        }
        return c;
    }

    /* Queues a slab; zeros past k. */
    CU_DEV void fetch(const copies &c, uint4 to[8 * MT][PIECES], int chunk) {
        int r = threadIdx.x / PIECES, there = chunk * CU_TILE_CHUNK < c.end;
        if ((int)threadIdx.x >= ALL) return; /* some do at 16 rows */
#pragma unroll
        for (int i = 0; i < COPIES; i++)
            cu_cp_async16(&to[r + i * STEP][turned(r, threadIdx.x % PIECES)],
                          c.from[i] + (there ? (int64_t)chunk * CU_TILE_CHUNK : 0), there ? 16 : 0);
    }
};

/* A lane's way through T tiles, chunk by chunk: of the one that is read next, its masks, and where
 * the values end. Past the last tile it reads the last again. (A distance to the second tile costs
 * a register less than an address.) */
struct walk {
    const uint32_t *masks, *offsets;
    const char *values; /* the lane's piece of the first */
    int masks_apart, offsets_apart, left /* chunks that were not read yet */;
    uint32_t mask[T]; /* of the chunk that was read last */
    cu_bitmap_span span[T];
};

CU_DEV walk walk_of(const cu_args &a, int64_t tile, int chunk, int end) {
    int64_t last = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS - 1, there = tile < last ? tile : last;
    int chunks = a.i[CU_TILE_CHUNKS];
    const char *w = (const char *)a.w;
    walk v;
    v.values = w + a.at[CU_BITMAP_VALUES] + threadIdx.x % 32 * CU_BITMAP_PIECE;
    cu_keep(v.values);
    v.masks = (const uint32_t *)w + (there * chunks + chunk) * 32 + threadIdx.x % 32;
    v.offsets = (const uint32_t *)(w + a.at[CU_BITMAP_OFFSETS]) + there * (chunks + 1) + chunk;
    v.masks_apart = tile < last ? 32 * chunks : 0;
    v.offsets_apart = tile < last ? chunks + 1 : 0;
    v.left = end - chunk;
#pragma unroll
    for (int i = 0; i < T; i++) v.span[i].end = cu_ldg4(v.offsets + i * v.offsets_apart);
    return v;
}

/* Reads a chunk and goes on; past the last there is nothing. */
CU_DEV void read(walk &v) {
    v.masks += 32;
    v.offsets++;
#pragma unroll
    for (int i = 0; i < T; i++) {
        v.span[i].begin = v.span[i].end;
        if (v.left <= 0) continue;
        v.mask[i] = cu_ldg4(v.masks - 32 + i * v.masks_apart);
        v.span[i].end = cu_ldg4(v.offsets + i * v.offsets_apart);
    }
    v.left--;
}

/* Queues the values of the chunk that was read last. */
CU_DEV void fetch(const walk &v, unsigned char to[T][STAGE]) {
#pragma unroll
    for (int i = 0; i < T; i++)
        cu_bitmap_fetch<STAGE>(v.values, v.span[i], to[i] + threadIdx.x % 32 * CU_BITMAP_PIECE);
}

template <int BF16, int MT>
CU_DEV void multiply(uint32_t mask[T], const unsigned char staged[T][STAGE],
                     const uint4 x[8 * MT][PIECES], float sum[T][MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const uint16_t *before[T];
    uint32_t counts = cu_popc(mask[0]) | cu_popc(mask[1]) << 16; /* a tile has 1024 at most */
    counts = cu_bitmap_before(counts, lane);
    before[0] = (const uint16_t *)staged[0] + (counts & 0xffff) - 1;
    before[1] = (const uint16_t *)staged[1] + (counts >> 16) - 1;
#pragma unroll 1 /* or registers do not suffice for two blocks */
    for (int s = 0; s < 2; s++) {
        uint32_t f[T][2][4];
#pragma unroll
        for (int i = 0; i < T; i++) {
            cu_bitmap_step(mask[i], 0, before[i], f[i]);
            mask[i] >>= 16;
        }
#pragma unroll
        for (int j = 0; j < MT; j++) {
            uint4 v = x[8 * j + g][turned(g, 4 * s + t)];
            uint32_t first[2] = {v.x, v.y}, second[2] = {v.z, v.w};
#pragma unroll
            for (int i = 0; i < T; i++) {
                cu_mma_float<BF16>(sum[i][j], f[i][0], first);
                cu_mma_float<BF16>(sum[i][j], f[i][1], second);
            }
        }
    }
}

/* Tile i of each warp by way of shared memory, so that neighbours in a row of y are stored
 * together. */
template <int MT>
CU_DEV void store(const cu_args &a, int64_t tile, int first, float *all, float sum[T][MT][4]) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int i = 0; i < T; i++) {
        __syncthreads();
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                all[(8 * j + 2 * t + e % 2) * OUT_WIDE + warp * 16 + g + e / 2 * 8] = sum[i][j][e];
        __syncthreads();
        for (int at = threadIdx.x; at < OUT * 8 * MT; at += THREADS) {
            int w = at % OUT, c = at / OUT;
            int64_t column = (tile + w / 16 * T + i) * CU_TILE_ROWS + w % 16;
            if (first + c < a.m && column < a.n)
                cu_tile_out(a, blockIdx.y, first + c, (int)column, all[c * OUT_WIDE + w]);
        }
    }
}

/* The last block along y adds up what all left. */
template <int MT> CU_DEV void add_splits(const cu_args &a, int64_t tile, int first) {
    if (gridDim.y == 1 || !cu_last_to_arrive(a)) return;
    for (int at = threadIdx.x; at < T * OUT * 8 * MT; at += THREADS) {
        int64_t column = tile * CU_TILE_ROWS + at % (T * OUT);
        int row = first + at / (T * OUT);
        if (row < a.m && column < a.n)
            cu_finish(a, row, (int)column, cu_add_splits<float>(a, row, (int)column));
    }
}

template <int BF16, int MT>
__global__ void __launch_bounds__(THREADS, 2) block(const __grid_constant__ cu_args a) {
    CU_SHARED(base);
    stage<MT> *here = (stage<MT> *)base, *there = here + 1;
    int warp = threadIdx.x / 32, first = (int)blockIdx.z * 8 * MT;
    int chunk = (int)((int64_t)a.i[CU_TILE_CHUNKS] * blockIdx.y / gridDim.y);
    int end = (int)((int64_t)a.i[CU_TILE_CHUNKS] * (blockIdx.y + 1) / gridDim.y);
    int64_t tile = (int64_t)blockIdx.x * WARPS * T;
    walk v = walk_of(a, tile + warp * T, chunk, end);
    copies<MT> x = copies<MT>::of(a, first);
    float sum[T][MT][4] = {};
    uint32_t mask[T];
    read(v);
    fetch(v, here->values[warp]);
    copies<MT>::fetch(x, here->x, chunk);
    cu_cp_async_commit();
    memcpy(mask, v.mask, sizeof mask);
    read(v);
    for (; chunk < end; chunk++) {
        cu_cp_async_wait<0>();
        __syncthreads(); /* this chunk is whole, and nobody reads the one before */
        fetch(v, there->values[warp]);
        if (chunk + 1 < end) copies<MT>::fetch(x, there->x, chunk + 1);
        cu_cp_async_commit();
        uint32_t ahead[T] = {v.mask[0], v.mask[1]};
        read(v);
        multiply<BF16, MT>(mask, here->values[warp], here->x, sum);
        memcpy(mask, ahead, sizeof mask);
        stage<MT> *read_before = here;
        here = there;
        there = read_before;
    }
    cu_cp_async_wait<0>();
    store<MT>(a, tile, first, (float *)base, sum);
    add_splits<MT>(a, tile, first);
}

template <int MT> cu_tile_kernel of(int bf16) {
    return {bf16 ? (const void *)block<1, MT> : (const void *)block<0, MT>,
            WARPS * T,
            8 * MT,
            THREADS,
            bytes<MT>(),
            1,
            2};
}

} // namespace

extern "C" cu_tile_kernel cu_bitmap_block(int bf16, int mt) {
    return mt == 2 ? of<2>(bf16) : mt == 4 ? of<4>(bf16) : of<8>(bf16);
}
