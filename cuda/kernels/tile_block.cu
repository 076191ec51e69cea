/* Dense weights by many rows of x: 64 rows of x come to shared memory in slabs of one chunk, three
 * of them under way (cp.async), while each warp streams its own tiles of W to registers, decodes
 * them there once for the 64 rows, and multiplies on the tensor cores. k is split over the blocks
 * along y where W is too small to fill the device otherwise.
 *
 * A row of a slab is eight pieces of 16 bytes. A lane wants piece 4 s + t of row g; pieces of odd
 * rows are kept with their upper bit turned, so that the eight lanes that are served together meet
 * all 32 banks. */
#include "cuda/kernels/finish.cuh"
#include "cuda/kernels/tile_decode.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 4, THREADS = 32 * WARPS, MT = 8, ROWS = 8 * MT, STAGES = 3, T = 2 };
enum { PIECES = CU_TILE_CHUNK / 8 };

typedef uint4 slab[ROWS][PIECES];

CU_DEV int turned(int row, int piece) {
    return piece ^ (row & 1) << 2;
}

/* Queues a slab; zeros past k and m. A chunk past `end` queues nothing, as an empty group. */
CU_DEV void fetch(const cu_args &a, slab &to, int first, int chunk, int end) {
    if (chunk < end)
        for (int i = threadIdx.x; i < ROWS * PIECES; i += THREADS) {
            int r = i / PIECES, p = i % PIECES, row = first + r;
            int column = chunk * CU_TILE_CHUNK + p * 8;
            int there = row < a.m && column < a.k;
            const uint16_t *from = (const uint16_t *)a.x;
            if (there) from += (int64_t)row * a.i[CU_TILE_LDX] + column;
            cu_cp_async16(&to[r][turned(r, p)], from, there ? 16 : 0);
        }
    cu_cp_async_commit();
}

template <class D>
CU_DEV void multiply(const uint32_t w[T][4 * D::QUADS], const slab &x, int step,
                     const cu_zero z[T][2], float sum[T][MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    uint32_t f[T][2][4];
#pragma unroll
    for (int i = 0; i < T; i++) D::fragments(w[i], step, z[i], f[i]);
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

CU_DEV void flush(const cu_args &a, int64_t tile, int64_t tiles, int group, int g,
                  float part[T][MT][4], float sum[T][MT][4]) {
#pragma unroll
    for (int i = 0; i < T; i++) {
        float s[2];
        cu_tile_scales(a, tile + i, tiles, group, g, s);
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                sum[i][j][e] = cu_fma(part[i][j][e], s[e / 2], sum[i][j][e]);
                part[i][j][e] = 0;
            }
    }
}

CU_DEV void store(const cu_args &a, int64_t tile, int first, float sum[MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int j = 0; j < MT; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            int row = first + 8 * j + 2 * t + e % 2;
            int64_t column = tile * CU_TILE_ROWS + g + e / 2 * 8;
            if (row < a.m && column < a.n) cu_tile_out(a, blockIdx.y, row, (int)column, sum[j][e]);
        }
}

template <class D, int GROUPED>
__global__ void __launch_bounds__(THREADS, GROUPED ? 1 : 2)
    block(const __grid_constant__ cu_args a) {
    __shared__ slab slabs[STAGES];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4;
    int chunks = a.i[CU_TILE_CHUNKS], splits = a.i[CU_TILE_SPLITS], units = (chunks + 1) / 2;
    int flush_steps = a.i[CU_TILE_FLUSH], first = (int)blockIdx.z * ROWS;
    int64_t tiles = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS;
    int64_t tile = ((int64_t)blockIdx.x * WARPS + warp) * T;
    int begin = (int)((int64_t)units * blockIdx.y / splits) * 2;
    int end = (int)((int64_t)units * (blockIdx.y + 1) / splits) * 2;
    int has_zeros = D::INTEGER && (a.i[CU_TILE_HEADS] & CU_HAS_ZEROS);
    float sum[T][MT][4], part[T][GROUPED ? MT : 1][4];
    uint32_t now[T][4 * D::QUADS], next[T][4 * D::QUADS];
    cu_zero z[T][2];
    if (end > chunks) end = chunks;
#pragma unroll
    for (int i = 0; i < T; i++) {
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) sum[i][j][e] = part[i][GROUPED ? j : 0][e] = 0;
        if constexpr (D::INTEGER) z[i][0] = z[i][1] = D::zero(D::NO_ZERO);
    }
    if constexpr (D::INTEGER && !GROUPED)
        if (has_zeros) cu_tile_zeros<D, T>(a, tile, tiles, 0, g, z);
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) fetch(a, slabs[s], first, begin + s, end);
    if (begin < end) cu_tile_load<D, T>(a, tile, tiles, begin, lane, next);
    for (int chunk = begin; chunk < end; chunk++) {
        int at = (chunk - begin) % STAGES;
        memcpy(now, next, sizeof now);
        if (chunk + 1 < end) cu_tile_load<D, T>(a, tile, tiles, chunk + 1, lane, next);
        cu_cp_async_wait<STAGES - 2>();
        __syncthreads(); /* this slab is whole, and nobody reads the one that is fetched next */
        fetch(a, slabs[(at + STAGES - 1) % STAGES], first, chunk + STAGES - 1, end);
#pragma unroll
        for (int s = 0; s < 2; s++) {
            int step = 2 * chunk + s;
            if (step * CU_TILE_STEP >= a.k) break;
            if constexpr (GROUPED) {
                int group = step / flush_steps;
                if (has_zeros && step % flush_steps == 0)
                    cu_tile_zeros<D, T>(a, tile, tiles, group, g, z);
                multiply<D>(now, slabs[at], s, z, part);
                if ((step + 1) % flush_steps == 0 || (step + 1) * CU_TILE_STEP >= a.k)
                    flush(a, tile, tiles, group, g, part, sum);
            } else {
                multiply<D>(now, slabs[at], s, z, sum);
            }
        }
    }
    cu_cp_async_wait<0>();
#pragma unroll
    for (int i = 0; i < T; i++)
        if (tile + i < tiles) store(a, tile + i, first, sum[i]);
}

} // namespace

extern "C" cu_tile_kernel cu_tile_block(int bits, int bf16, int grouped) {
    cu_tile_kernel k = {nullptr, WARPS * T, ROWS, THREADS, 0};
    if (bits == 16)
        k.address =
            bf16 ? (const void *)block<cu_tile_16<1>, 0> : (const void *)block<cu_tile_16<0>, 0>;
    if (bits == 8 && grouped)
        k.address =
            bf16 ? (const void *)block<cu_tile_8<1>, 1> : (const void *)block<cu_tile_8<0>, 1>;
    if (bits == 8 && !grouped)
        k.address =
            bf16 ? (const void *)block<cu_tile_8<1>, 0> : (const void *)block<cu_tile_8<0>, 0>;
    if (bits == 4)
        k.address =
            bf16 ? (const void *)block<cu_tile_4<1>, 1> : (const void *)block<cu_tile_4<0>, 1>;
    if (bits == CU_TILE_F8)
        k.address =
            bf16 ? (const void *)block<cu_tile_f8<1>, 0> : (const void *)block<cu_tile_f8<0>, 0>;
    return k;
}
