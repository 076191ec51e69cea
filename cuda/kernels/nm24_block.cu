/* 2:4 weights by many rows of x on the sparse tensor cores: 64 rows of x come to shared memory in
 * slabs of one slice, three of them under way, while each warp streams its tiles of W to registers.
 * A row of a slab is 128 bytes; every other row has its halves swapped, so that the eight lanes that
 * are served together, two rows by four pieces, meet in no bank. Not yet run on a device. */
#include "cuda/kernels/nm24.cuh"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 4, THREADS = 32 * WARPS, MT = 8, ROWS = 8 * MT, STAGES = 3, T = 2, PIECES = 8 };

typedef uint4 slab[ROWS][PIECES];

CU_DEV int place_of(int row, int piece) {
    return piece ^ row % 2 * 4;
}

/* Queues a slab; zeros past m and k. A slice past `end` queues nothing, as an empty group. */
template <class D> CU_DEV void fetch(const cu_args &a, slab &to, int first, int slice, int end) {
    if (slice < end)
        for (int i = threadIdx.x; i < ROWS * PIECES; i += THREADS) {
            int r = i / PIECES, p = i % PIECES, c = cu_nm24_column<D>(0, slice, p);
            int there = first + r < a.m && c < a.i[CU_TILE_LDX];
            const char *from = there ? cu_nm24_x<D>(a, first + r, c) : (const char *)a.x;
            cu_cp_async16(&to[r][place_of(r, p)], from, there ? 16 : 0);
        }
    cu_cp_async_commit();
}

template <class D>
CU_DEV void multiply(const cu_nm24_values<T> &w, const cu_nm24_places<T> &p, int slice,
                     const slab &x, typename D::sum sum[T][MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int j = 0; j < MT; j++) {
        uint32_t b[2][4];
        D::fragment(x[8 * j + g][place_of(g, t)], t & 1, b[0]);
        D::fragment(x[8 * j + g][place_of(g, 4 + t)], t & 1, b[1]);
#pragma unroll
        for (int i = 0; i < T; i++) cu_nm24_multiply<D, T>(w, p, slice, b, i, sum[i][j]);
    }
}

template <class D>
CU_DEV void store(const cu_args &a, int64_t tile, int first, typename D::sum sum[MT][4]) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int j = 0; j < MT; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            int row = first + 8 * j + 2 * t + e % 2;
            int64_t column = tile * CU_TILE_ROWS + g + e / 2 * 8;
            if (row < a.m && column < a.n) D::out(a, blockIdx.y, row, (int)column, sum[j][e]);
        }
}

template <class D>
__global__ void __launch_bounds__(THREADS) block(const __grid_constant__ cu_args a) {
    __shared__ slab slabs[STAGES];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, units = a.i[CU_NM24_UNITS];
    int splits = a.i[CU_TILE_SPLITS], first = (int)blockIdx.z * ROWS;
    int64_t tiles = (a.n + CU_TILE_ROWS - 1) / CU_TILE_ROWS;
    int64_t tile = ((int64_t)blockIdx.x * WARPS + warp) * T;
    int begin = (int)((int64_t)units * blockIdx.y / splits);
    int end = (int)((int64_t)units * (blockIdx.y + 1) / splits), at = 0;
    typename D::sum sum[T][MT][4] = {};
    cu_nm24_places<T> places, places_ahead;
    cu_nm24_values<T> w, w_ahead;
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++)
        fetch<D>(a, slabs[s], first, begin * D::SLICES + s, end * D::SLICES);
    if (begin < end) {
        cu_nm24_load_places<D, T>(a, tile, tiles, begin, lane, places_ahead);
        cu_nm24_load_values<D, T>(a, tile, tiles, begin, 0, lane, w_ahead);
    }
    for (int unit = begin; unit < end; unit++) {
        places = places_ahead;
#pragma unroll
        for (int s = 0; s < D::SLICES; s++) {
            int last = s + 1 == D::SLICES, after = unit + last;
            w = w_ahead;
            if (last && after < end)
                cu_nm24_load_places<D, T>(a, tile, tiles, after, lane, places_ahead);
            if (after < end)
                cu_nm24_load_values<D, T>(a, tile, tiles, after, last ? 0 : s + 1, lane, w_ahead);
            cu_cp_async_wait<STAGES - 2>();
            __syncthreads(); /* this slab is whole, and nobody reads the one fetched next */
            fetch<D>(a, slabs[(at + STAGES - 1) % STAGES], first,
                     unit * D::SLICES + s + STAGES - 1, end * D::SLICES);
            multiply<D>(w, places, s, slabs[at], sum);
            at = at + 1 == STAGES ? 0 : at + 1;
        }
    }
    cu_cp_async_wait<0>();
#pragma unroll
    for (int i = 0; i < T; i++)
        if (tile + i < tiles) store<D>(a, tile + i, first, sum[i]);
}

} // namespace

extern "C" cu_tile_kernel cu_nm24_block(int value) {
    return {value == CU_I8    ? (const void *)block<cu_nm24_8>
            : value == CU_F16 ? (const void *)block<cu_nm24_16<0>>
                              : (const void *)block<cu_nm24_16<1>>,
            WARPS * T, ROWS, THREADS, 0};
}
