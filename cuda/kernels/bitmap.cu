/* Bitmap weights, by 8 rows of x at most on the tensor cores (more: bitmap_block.cu): a warp takes
 * tiles of 16 rows along k. The values of a chunk come to shared memory as they lie (cp.async, the
 * next chunk while this one is multiplied); each lane knows from a scan of the warp's popcounts
 * where its own begin, and puts them where its mask says, as fragments for the tensor cores, or as
 * floats where x or the values are f32 or int8.
 *
 * Counted in the machine code for sm_90a, f16 at m <= 8: 232 instructions a chunk, 7.2 a position
 * of the 11 that an H100 has at 50 % and full bandwidth: five of them to take a value (its bit,
 * load, address, zero, packing), the rest for the scan, addresses, x and mma. The loads from shared
 * memory come close to their own bound: 16 lanes' values meet in its banks 2.3 at a time. */
#include "cuda/kernels/bitmap.cuh"
#include "cuda/tile_kernels.h"

namespace {

template <int VALUE> struct stored;
template <> struct stored<CU_F32> {
    typedef float type;
    enum { BYTES = 4, WARPS = 4 };
    CU_DEV float number(type v) { return v; }
};
template <> struct stored<CU_F16> {
    typedef uint16_t type;
    enum { BYTES = 2, WARPS = 8 };
    CU_DEV float number(type v) { return cu_half_to_float(v); }
};
template <> struct stored<CU_BF16> {
    typedef uint16_t type;
    enum { BYTES = 2, WARPS = 8 };
    CU_DEV float number(type v) { return cu_bf16_to_float(v); }
};
template <> struct stored<CU_I8> {
    typedef int8_t type;
    enum { BYTES = 1, WARPS = 8 };
    CU_DEV float number(type v) { return (float)v; }
};

CU_DEV cu_bitmap_span span_of(const uint32_t *offsets, int chunk) {
    return {cu_ldg4(offsets + chunk), cu_ldg4(offsets + chunk + 1)};
}

/* Rows of x that a lane reads, from its first column; past the last row the last again: what comes
 * of it is not stored. */
template <int MT> struct rows {
    const uint16_t *at[MT];
    int end; /* of x, counted from there */
};

template <int MT> CU_DEV rows<MT> rows_of(const cu_args &a, int row) {
    int lane = threadIdx.x % 32, column = lane % 4 * 8;
    rows<MT> v;
    v.end = a.k - column;
#pragma unroll
    for (int j = 0; j < MT; j++) {
        int r = row + 8 * j + lane / 4, there = r < a.m ? r : a.m - 1;
        v.at[j] = (const uint16_t *)a.x + (int64_t)there * a.i[CU_TILE_LDX] + column;
        cu_keep(v.at[j]);
    }
    return v;
}

template <int BF16, int MT>
CU_DEV void multiply_16(const rows<MT> &from, uint32_t mask, const uint16_t *values, int chunk,
                        float sum[MT][4]) {
#pragma unroll
    for (int s = 0; s < 2; s++) {
        uint32_t w[2][4];
        uint4 x[MT];
        int step = 2 * chunk + s;
#pragma unroll
        for (int j = 0; j < MT; j++) {
            x[j] = {0, 0, 0, 0};
            if (step * CU_TILE_STEP < from.end)
                x[j] = cu_ldg16(from.at[j] + (int64_t)step * CU_TILE_STEP);
        }
        cu_bitmap_step(mask, s, values, w);
#pragma unroll
        for (int j = 0; j < MT; j++) {
            uint32_t fx[2] = {x[j].x, x[j].y}, sx[2] = {x[j].z, x[j].w};
            cu_mma_float<BF16>(sum[j], w[0], fx);
            cu_mma_float<BF16>(sum[j], w[1], sx);
        }
    }
}

/* Sums of rows g and g + 8, of this lane's columns. */
template <int VALUE, int MT>
CU_DEV void multiply_float(const cu_args &a, uint32_t mask,
                           const typename stored<VALUE>::type *values, int at, int row, int chunk,
                           float sum[2][MT]) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int s = 0; s < 2; s++) {
        float v[2][8];
        int column = chunk * CU_TILE_CHUNK + s * CU_TILE_STEP + lane % 4 * 8;
#pragma unroll
        for (int i = 0; i < 16; i++) {
            v[i / 8][i % 8] = 0;
            if (mask >> (16 * s + i) & 1) v[i / 8][i % 8] = stored<VALUE>::number(values[at++]);
        }
#pragma unroll
        for (int j = 0; j < MT; j++) {
            if (row + j >= a.m || column >= a.k) continue;
            const float *from = (const float *)a.x + (int64_t)(row + j) * a.i[CU_TILE_LDX] + column;
            uint4 p = cu_ldg16(from), q = cu_ldg16(from + 4);
            uint32_t bits[8] = {p.x, p.y, p.z, p.w, q.x, q.y, q.z, q.w};
#pragma unroll
            for (int e = 0; e < 8; e++) {
                sum[0][j] = cu_fma(v[0][e], cu_uint_as_float(bits[e]), sum[0][j]);
                sum[1][j] = cu_fma(v[1][e], cu_uint_as_float(bits[e]), sum[1][j]);
            }
        }
    }
}

/* The warps' sums, in `all` already, added up and stored. */
template <int WARPS, int COLUMNS> CU_DEV void store(const cu_args &a, int row, const float *all) {
    __syncthreads();
    for (int i = threadIdx.x; i < CU_TILE_ROWS * COLUMNS; i += 32 * WARPS) {
        int r = i % CU_TILE_ROWS, c = i / CU_TILE_ROWS;
        int64_t column = (int64_t)blockIdx.x * CU_TILE_ROWS + r;
        float v = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) v += all[(w * CU_TILE_ROWS + r) * COLUMNS + c];
        if (row + c < a.m && column < a.n) cu_tile_out(a, blockIdx.y, row + c, (int)column, v);
    }
}

/* One tile a block, its chunks in turn among warps and the blocks along y. TENSOR: 8 MT rows of x,
 * else MT. */
template <int VALUE, int TENSOR, int MT>
__global__ void __launch_bounds__(32 * stored<VALUE>::WARPS, TENSOR ? 4 : 1)
    bitmap(const __grid_constant__ cu_args a) {
    enum { WARPS = stored<VALUE>::WARPS, COLUMNS = TENSOR ? 8 * MT : MT };
    enum { STAGE = CU_TILE_ROWS * CU_TILE_CHUNK * stored<VALUE>::BYTES };
    __shared__ __align__(16) unsigned char staged[WARPS][2][STAGE];
    __shared__ float all[WARPS][CU_TILE_ROWS][COLUMNS];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    int chunks = a.i[CU_TILE_CHUNKS], stride = WARPS * a.i[CU_TILE_SPLITS], turn = 0;
    int64_t tile = blockIdx.x;
    int row = (int)blockIdx.z * COLUMNS, chunk = (int)blockIdx.y * WARPS + warp;
    const uint32_t *masks = (const uint32_t *)a.w + tile * chunks * 32 + lane;
    const uint32_t *offsets =
        (const uint32_t *)((const char *)a.w + a.at[CU_BITMAP_OFFSETS]) + tile * (chunks + 1);
    const char *stored_at = (const char *)a.w + a.at[CU_BITMAP_VALUES] + lane * CU_BITMAP_PIECE;
    unsigned char *stage = staged[warp][0];
    float sum[TENSOR ? MT : 2][TENSOR ? 4 : MT] = {};
    cu_bitmap_span ahead = {0, 0};
    uint32_t mask = 0;
    rows<TENSOR ? MT : 1> from = rows_of < TENSOR ? MT : 1 > (a, row);
    cu_keep(masks);
    cu_keep(offsets);
    cu_keep(stored_at);
    if (chunk < chunks) {
        cu_bitmap_fetch<STAGE>(stored_at, span_of(offsets, chunk), stage + lane * CU_BITMAP_PIECE);
        mask = cu_ldg4(masks + (int64_t)chunk * 32);
        if (chunk + stride < chunks) ahead = span_of(offsets, chunk + stride);
    }
    cu_cp_async_commit();
    for (; chunk < chunks; chunk += stride, turn ^= STAGE) {
        int next = chunk + stride;
        uint32_t next_mask = 0;
        cu_bitmap_fetch<STAGE>(stored_at, ahead, stage + (turn ^ STAGE) + lane * CU_BITMAP_PIECE);
        cu_cp_async_commit(); /* empty past the last */
        if (next < chunks) next_mask = cu_ldg4(masks + (int64_t)next * 32);
        ahead = {0, 0};
        if (next + stride < chunks) ahead = span_of(offsets, next + stride);
        cu_cp_async_wait<1>();
        __syncwarp(); /* each lane has waited for what it copied; now all of it is there */
        const typename stored<VALUE>::type *values =
            (const typename stored<VALUE>::type *)(stage + turn);
        int at = (int)cu_bitmap_before((uint32_t)cu_popc(mask), lane);
        if constexpr (TENSOR)
            multiply_16<VALUE == CU_BF16, MT>(from, mask, values + at - 1, chunk, sum);
        else
            multiply_float<VALUE, MT>(a, mask, values, at, row, chunk, sum);
        mask = next_mask;
        __syncwarp(); /* before the next copies overwrite it */
    }
    cu_cp_async_wait<0>();
    if constexpr (TENSOR) {
#pragma unroll
        for (int j = 0; j < MT; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) all[warp][g + e / 2 * 8][8 * j + 2 * t + e % 2] = sum[j][e];
    } else {
#pragma unroll
        for (int r = 0; r < 2; r++)
#pragma unroll
            for (int j = 0; j < MT; j++) {
                float v = sum[r][j];
                v += cu_shfl_xor_f(v, 1);
                v += cu_shfl_xor_f(v, 2);
                if (t == 0) all[warp][g + 8 * r][j] = v;
            }
    }
    store<WARPS, COLUMNS>(a, row, &all[0][0][0]);
}

template <int VALUE> cu_tile_kernel floats(int mt) {
    return {mt == 1   ? (const void *)bitmap<VALUE, 0, 1>
            : mt == 4 ? (const void *)bitmap<VALUE, 0, 4>
                      : (const void *)bitmap<VALUE, 0, 8>,
            1, mt, 32 * stored<VALUE>::WARPS, 0};
}
template <int VALUE> cu_tile_kernel tensor() {
    return {(const void *)bitmap<VALUE, 1, 1>, 1, 8, 32 * stored<VALUE>::WARPS, 0, 0, 4};
}

} // namespace

extern "C" cu_tile_kernel cu_bitmap(int value, int on_tensor_cores, int mt) {
    if (on_tensor_cores) return value == CU_BF16 ? tensor<CU_BF16>() : tensor<CU_F16>();
    return value == CU_F32    ? floats<CU_F32>(mt)
           : value == CU_F16  ? floats<CU_F16>(mt)
           : value == CU_BF16 ? floats<CU_BF16>(mt)
                              : floats<CU_I8>(mt);
}
