/* Bitmap weights: a warp takes tiles of 16 rows along k. The values of a chunk come to shared
 * memory as they lie (cp.async, the next chunk while this one is multiplied); each lane knows from
 * a scan of the warp's popcounts where its own begin, and puts them where its mask says, as
 * fragments for the tensor cores, or as floats where x or the values are f32 or int8.
 *
 * Lane-instructions a position, from the code below, f16 at MT = 1: bit 1, load 1, address 1,
 * packing 1, the scan 0.4, mma and x 0.3: about 5 of the 11 that an H100 has at 50 % and full
 * bandwidth; two lanes may want the same bank of shared memory. Not yet measured on a device. */
#include "cuda/kernels/tile_decode.cuh"
#include "cuda/layout/bitmap.h"
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

/* Where the values of a chunk lie, in pieces of 16 bytes. */
struct span {
    uint32_t begin, end;
};

CU_DEV span span_of(const cu_args &a, int64_t tile, int chunk) {
    const uint32_t *o = (const uint32_t *)((const char *)a.w + a.at[CU_BITMAP_OFFSETS]);
    int64_t at = tile * (a.i[CU_TILE_CHUNKS] + 1) + chunk;
    return {o[at], o[at + 1]};
}

CU_DEV void fetch(const cu_args &a, const span &s, int lane, unsigned char *to) {
    const char *values = (const char *)a.w + a.at[CU_BITMAP_VALUES];
    for (uint32_t i = s.begin + lane; i < s.end; i += 32)
        cu_cp_async16(to + (i - s.begin) * CU_BITMAP_PIECE, values + (int64_t)i * CU_BITMAP_PIECE,
                      16);
}

/* How many values the lanes before this one have. */
CU_DEV int values_before(uint32_t mask, int lane) {
    int own = cu_popc(mask), sum = own;
#pragma unroll
    for (int by = 1; by < 32; by *= 2) {
        int below = (int)cu_shfl_up((uint32_t)sum, by);
        if (lane >= by) sum += below;
    }
    return sum - own;
}

/* Eight positions of a row as pairs of 16 bits. */
CU_DEV void pairs(uint32_t mask, const uint16_t *values, int &at, uint32_t w[4]) {
#pragma unroll
    for (int e = 0; e < 8; e++) {
        uint32_t v = 0;
        if (mask >> e & 1) v = values[at++];
        w[e / 2] = e % 2 ? w[e / 2] | v << 16 : v;
    }
}

template <int BF16, int MT>
CU_DEV void multiply_16(const cu_args &a, uint32_t mask, const uint16_t *values, int at, int row,
                        int chunk, float sum[MT][4]) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int s = 0; s < 2; s++) {
        uint32_t low[4], high[4];
        int column = chunk * CU_TILE_CHUNK + s * CU_TILE_STEP + lane % 4 * 8;
        pairs(mask >> 16 * s, values, at, low);
        pairs(mask >> (16 * s + 8), values, at, high);
#pragma unroll
        for (int j = 0; j < MT; j++) {
            int r = row + 8 * j + lane / 4;
            uint4 x = {0, 0, 0, 0};
            if (r < a.m && column < a.k)
                x = cu_ldg16((const uint16_t *)a.x + (int64_t)r * a.i[CU_TILE_LDX] + column);
            uint32_t first[4] = {low[0], high[0], low[1], high[1]}, fx[2] = {x.x, x.y};
            uint32_t second[4] = {low[2], high[2], low[3], high[3]}, sx[2] = {x.z, x.w};
            cu_mma_float<BF16>(sum[j], first, fx);
            cu_mma_float<BF16>(sum[j], second, sx);
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
__global__ void __launch_bounds__(32 * stored<VALUE>::WARPS)
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
    float sum[TENSOR ? MT : 2][TENSOR ? 4 : MT] = {};
    span ahead = {0, 0};
    uint32_t mask = 0;
    if (chunk < chunks) {
        fetch(a, span_of(a, tile, chunk), lane, staged[warp][0]);
        mask = masks[(int64_t)chunk * 32];
        if (chunk + stride < chunks) ahead = span_of(a, tile, chunk + stride);
    }
    cu_cp_async_commit();
    for (; chunk < chunks; chunk += stride, turn ^= 1) {
        int next = chunk + stride;
        uint32_t next_mask = 0;
        fetch(a, ahead, lane, staged[warp][turn ^ 1]); /* empty past the last */
        cu_cp_async_commit();
        if (next < chunks) next_mask = masks[(int64_t)next * 32];
        ahead = {0, 0};
        if (next + stride < chunks) ahead = span_of(a, tile, next + stride);
        cu_cp_async_wait<1>();
        __syncwarp(); /* each lane has waited for what it copied; now all of it is there */
        const typename stored<VALUE>::type *values =
            (const typename stored<VALUE>::type *)staged[warp][turn];
        int at = values_before(mask, lane);
        if constexpr (TENSOR)
            multiply_16<VALUE == CU_BF16, MT>(a, mask, values, at, row, chunk, sum);
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
template <int VALUE> cu_tile_kernel tensor(int mt) {
    return {mt == 1   ? (const void *)bitmap<VALUE, 1, 1>
            : mt == 2 ? (const void *)bitmap<VALUE, 1, 2>
                      : (const void *)bitmap<VALUE, 1, 4>,
            1, 8 * mt, 32 * stored<VALUE>::WARPS, 0};
}

} // namespace

extern "C" cu_tile_kernel cu_bitmap(int value, int on_tensor_cores, int mt) {
    if (on_tensor_cores) return value == CU_BF16 ? tensor<CU_BF16>(mt) : tensor<CU_F16>(mt);
    return value == CU_F32    ? floats<CU_F32>(mt)
           : value == CU_F16  ? floats<CU_F16>(mt)
           : value == CU_BF16 ? floats<CU_BF16>(mt)
                              : floats<CU_I8>(mt);
}
