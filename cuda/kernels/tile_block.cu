/* Dense weights by many rows of x: 64 rows of x come to shared memory in slabs of one chunk, three
 * of them under way (cp.async), and serve the 256 rows of W of a block, so that L2 gives as many
 * bytes of x as of int4 weights. Each warp brings its own tiles of W (tile_ring.cuh), decodes them
 * once for the 64 rows, and multiplies on the tensor cores. k is split over the blocks along y
 * where W is too small to fill the device otherwise.
 *
 * A row of a slab is eight pieces of 16 bytes. A lane wants piece 4 s + t of row g; pieces of odd
 * rows are kept with their upper bit turned, so that the eight lanes that are served together meet
 * all 32 banks. Counted for sm_90a, i4 in groups of 128: 608 instructions for 128 weights a lane,
 * 128 of them mma (docs/cuda-kernels.md). */
#include "cuda/kernels/arrive.cuh"
#include "cuda/kernels/tile_ring.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS, MT = 8, ROWS = 8 * MT, STAGES = 3, T = 2 };
enum { PIECES = CU_TILE_CHUNK / 8, COPIES = ROWS * PIECES / THREADS };
/* Sums on their way out: half the tiles' rows of W by the rows of x, padded against conflicts. */
enum { OUT = WARPS * CU_TILE_ROWS, OUT_WIDE = OUT + 4 };

typedef uint4 slab[ROWS][PIECES];

template <class D, int GROUPED, int ZEROS> struct shared {
    slab slabs[STAGES];
    cu_ring<D::QUADS, T, GROUPED, ZEROS> rings[WARPS];
};

template <class D, int GROUPED, int ZEROS> constexpr size_t bytes() {
    size_t loop = sizeof(shared<D, GROUPED, ZEROS>), out = sizeof(float) * ROWS * OUT_WIDE;
    return loop > out ? loop : out;
}

CU_DEV int turned(int row, int piece) {
    return piece ^ (row & 1) << 2;
}

/* What a thread copies of each slab: one piece of COPIES rows; past the last row the last again,
 * whose products are not stored. */
struct copies {
    const uint16_t *from[COPIES];
    int end; /* of x, counted from there */
};

CU_DEV copies copies_of(const cu_args &a, int first) {
    int column = threadIdx.x % PIECES * 8;
    copies c;
    c.end = a.k - column;
#pragma unroll
    for (int i = 0; i < COPIES; i++) {
        int row = first + threadIdx.x / PIECES + i * (THREADS / PIECES);
        if (row >= a.m) row = a.m - 1;
        c.from[i] = (const uint16_t *)a.x + (int64_t)row * a.i[CU_TILE_LDX] + column;
        cu_keep(c.from[i]);
    }
    return c;
}

/* Queues a slab; zeros past k. */
CU_DEV void fetch(const copies &c, slab &to, int chunk) {
    int r = threadIdx.x / PIECES, there = chunk * CU_TILE_CHUNK < c.end;
#pragma unroll
    for (int i = 0; i < COPIES; i++)
        cu_cp_async16(&to[r + i * (THREADS / PIECES)][turned(r, threadIdx.x % PIECES)],
                      c.from[i] + (there ? (int64_t)chunk * CU_TILE_CHUNK : 0), there ? 16 : 0);
}

template <class D>
CU_DEV void multiply(const uint32_t w[T][4 * D::QUADS], const slab &x, int step,
                     const uint32_t zeros[T], float sum[T][MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    uint32_t f[T][2][4];
#pragma unroll
    for (int i = 0; i < T; i++) {
        cu_zero z[2] = {D::zero(zeros[i] & 255), D::zero(zeros[i] >> 8)};
        D::fragments(w[i], step, z, f[i]);
    }
#pragma unroll
    for (int j = 0; j < MT; j++) {
        uint4 v = x[8 * j + g][turned(g, 4 * step + t)];
        uint32_t first[2] = {v.x, v.y}, second[2] = {v.z, v.w};
#pragma unroll
        for (int i = 0; i < T; i++) {
            cu_mma_float<D::BF16>(sum[i][j], f[i][0], first);
            cu_mma_float<D::BF16>(sum[i][j], f[i][1], second);
        }
    }
}

/* Tile i of each warp by way of shared memory, so that neighbours in a row of y are stored
 * together. */
template <int X_SCALED>
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
        for (int at = threadIdx.x; at < OUT * ROWS; at += THREADS) {
            int w = at % OUT, c = at / OUT;
            int64_t column = (tile + w / 16 * T + i) * CU_TILE_ROWS + w % 16;
            if (first + c < a.m && column < a.n)
                cu_tile_out<X_SCALED>(a, blockIdx.y, first + c, (int)column, all[c * OUT_WIDE + w]);
        }
    }
}

/* The last block along y adds up what all left. */
template <int X_SCALED> CU_DEV void add_splits(const cu_args &a, int64_t tile, int first) {
    if (gridDim.y == 1 || !cu_last_to_arrive(a)) return;
    for (int at = threadIdx.x; at < T * OUT * ROWS; at += THREADS) {
        int64_t column = tile * CU_TILE_ROWS + at % (T * OUT);
        int row = first + at / (T * OUT);
        if (row < a.m && column < a.n)
            cu_finish(a, row, (int)column,
                      cu_add_splits<float>(a, row, (int)column) *
                          (X_SCALED ? cu_tile_x_scale(a, row) : 1.0f));
    }
}

template <class D, int GROUPED, int ZEROS>
__global__ void __launch_bounds__(THREADS, 1) block(const __grid_constant__ cu_args a) {
    typedef cu_walk<D::QUADS, T> walk;
    CU_SHARED(base);
    shared<D, GROUPED, ZEROS> &at = *(shared<D, GROUPED, ZEROS> *)base;
    int warp = threadIdx.x / 32, stage = 0, turn = 0, first = (int)blockIdx.z * ROWS;
    int units = (a.i[CU_TILE_CHUNKS] + 1) / 2;
    int unit = (int)((int64_t)units * blockIdx.y / gridDim.y);
    int end = (int)((int64_t)units * (blockIdx.y + 1) / gridDim.y);
    int64_t tile = (int64_t)blockIdx.x * WARPS * T;
    walk v = walk::of(a, tile + warp * T);
    copies x = copies_of(a, first);
    cu_ring<D::QUADS, T, GROUPED, ZEROS> &r = at.rings[warp];
    float sum[T][MT][4] = {}, part[T][GROUPED ? MT : 1][4] = {};
    uint32_t zeros[T] = {};
    if (v.chunks > 2 * end) v.chunks = 2 * end;
    if constexpr (D::INTEGER) {
#pragma unroll
        for (int i = 0; i < T; i++) {
            zeros[i] = D::NO_ZERO * 0x101u;
            if (ZEROS && !GROUPED) zeros[i] = walk::row_zeros(a, tile + warp * T + i);
        }
    }
#pragma unroll
    for (int odd = 0; odd < 2; odd++) {
        walk::fetch(v, r, unit, odd, 0);
        if (2 * unit + odd < v.chunks) fetch(x, at.slabs[odd], 2 * unit + odd);
        cu_cp_async_commit();
    }
    for (; unit < end; unit++, turn ^= GROUPED) {
#pragma unroll
        for (int odd = 0; odd < 2; odd++) {
            uint32_t words[T][4 * D::QUADS];
            int chunk = 2 * unit + odd;
            cu_cp_async_wait<1>();
            __syncthreads(); /* this slab is whole, and nobody reads the one that is fetched next */
            cu_ring_words<D::QUADS, T>(r.words[odd], words);
            walk::fetch(v, r, unit + 1, odd, turn ^ 1);
            if (chunk + 2 < v.chunks) fetch(x, at.slabs[stage ? stage - 1 : 2], chunk + 2);
            cu_cp_async_commit();
#pragma unroll
            for (int s = 0; s < 2; s++) {
                int there = !odd || chunk < v.chunks;
                if constexpr (GROUPED) {
                    int step = 2 * odd + s, group = step >> v.shift;
                    if (ZEROS && group << v.shift == step)
                        cu_ring_zeros<T>(r.zeros[turn][group], zeros);
                    if (there) multiply<D>(words, at.slabs[stage], s, zeros, part);
                    if ((group + 1) << v.shift == step + 1)
                        cu_ring_flush<T, MT>(r.scales[turn][group], part, sum);
                } else if (there) {
                    multiply<D>(words, at.slabs[stage], s, zeros, sum);
                }
            }
            stage = stage == 2 ? 0 : stage + 1;
        }
    }
    cu_cp_async_wait<0>();
    store<D::X_SCALED>(a, tile, first, (float *)base, sum);
    add_splits<D::X_SCALED>(a, tile, first);
}

template <class D, int GROUPED, int ZEROS> cu_tile_kernel of() {
    return {(const void *)block<D, GROUPED, ZEROS>,
            WARPS * T,
            ROWS,
            THREADS,
            bytes<D, GROUPED, ZEROS>(),
            1,
            1};
}
template <class D, int GROUPED> cu_tile_kernel integers(int zeros) {
    return zeros ? of<D, GROUPED, 1>() : of<D, GROUPED, 0>();
}

} // namespace

extern "C" cu_tile_kernel cu_tile_block(int bits, int bf16, int grouped, int zeros) {
    if (bits == 16) return bf16 ? of<cu_tile_16<1>, 0, 0>() : of<cu_tile_16<0>, 0, 0>();
    if (bits == 4)
        return bf16 ? integers<cu_tile_4<1>, 1>(zeros) : integers<cu_tile_4<0>, 1>(zeros);
    if (bits == CU_TILE_F8) return bf16 ? of<cu_tile_f8<1>, 0, 0>() : of<cu_tile_f8<0>, 0, 0>();
    if (grouped) return bf16 ? integers<cu_tile_8<1>, 1>(zeros) : integers<cu_tile_8<0>, 1>(zeros);
    return bf16 ? integers<cu_tile_8<1>, 0>(zeros) : integers<cu_tile_8<0>, 0>(zeros);
}
