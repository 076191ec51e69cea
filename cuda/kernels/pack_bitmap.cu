/* W to a bitmap (cuda/layout/bitmap.h), a warp to a chunk of 16 rows by 64 columns: masks of what
 * is kept and how much room the values of each chunk take; offsets are sums of that (pack_scan.cu);
 * then the values, which the lanes put side by side in shared memory and write 16 bytes at a time.
 *
 * Kept is what is not zero, or of each M neighbours of a row the N of largest magnitude, of equals
 * the lower column.
 *
 * Reads W twice, 8 bytes a weight, where 4 are the floor: where values go is known only once all
 * before were counted. The second time goes from W's end, which the L2 may still hold. (Predicted,
 * not measured.) */
#include "cuda/kernels/pack.cuh"
#include "cuda/layout/bitmap.h"

namespace {

struct place {
    int lane;
    int64_t unit, tile, chunk;
};

CU_DEV place place_of(const cu_args &a, int64_t unit) {
    int64_t chunks = a.i[CU_PACK_UNITS];
    return {(int)threadIdx.x % 32, unit, unit / chunks, unit % chunks};
}
CU_DEV int64_t units_of(const cu_args &a) {
    return (a.n + (int64_t)CU_TILE_ROWS - 1) / CU_TILE_ROWS * a.i[CU_PACK_UNITS];
}
/* The row and first column of eight neighbours, q = 0..3. */
CU_DEV int64_t row_of(const place &p, int q) {
    return p.tile * CU_TILE_ROWS + cu_bitmap_row(p.lane, 8 * q);
}
CU_DEV int64_t column_of(const place &p, int q) {
    return p.chunk * CU_TILE_CHUNK + cu_bitmap_column(p.lane, 8 * q);
}

/* Whether magnitude `one` goes before `other`, the column of which is `later` or not. */
CU_DEV int before(uint32_t other, uint32_t one, int later) {
    return other > one || (other == one && !later);
}

/* Whole groups among eight neighbours, of which `valid` lie in W. */
template <int M> CU_DEV uint32_t kept_of_m(const float v[8], int valid, int n) {
    uint32_t mask = 0;
#pragma unroll
    for (int e = 0; e < 8; e++) {
        int rank = 0;
#pragma unroll
        for (int i = e / M * M; i < e / M * M + M; i++)
            if (i != e && i < valid) rank += before(cu_magnitude(v[i]), cu_magnitude(v[e]), i > e);
        mask |= (uint32_t)(e < valid && rank < n) << e;
    }
    return mask;
}

/* Groups that no lane holds whole. */
CU_DEV uint32_t kept_of_any(const cu_args &a, const float v[8], int64_t row, int64_t column,
                            int valid) {
    int n = a.i[CU_PACK_P], m = a.i[CU_PACK_Q];
    uint32_t mask = 0;
#pragma unroll
    for (int e = 0; e < 8; e++) {
        int64_t first = (column + e) / m * m;
        int rank = 0;
        for (int64_t j = first; e < valid && j < first + m && j < a.k; j++)
            if (j != column + e)
                rank += before(cu_magnitude(((const float *)a.x)[row * a.k + j]),
                               cu_magnitude(v[e]), j > column + e);
        mask |= (uint32_t)(e < valid && rank < n) << e;
    }
    return mask;
}

/* M: 0 keeps what is not zero, -1 any group. */
template <int M>
CU_DEV uint32_t kept(const cu_args &a, const float v[8], int64_t row, int64_t column) {
    int64_t left = row < a.n ? a.k - column : 0;
    int valid = left > 8 ? 8 : left < 0 ? 0 : (int)left;
    if constexpr (M > 0) {
        return kept_of_m<M>(v, valid, a.i[CU_PACK_P]);
    } else if constexpr (M < 0) {
        return kept_of_any(a, v, row, column, valid);
    } else {
        uint32_t mask = 0;
#pragma unroll
        for (int e = 0; e < 8; e++) mask |= (uint32_t)(v[e] != 0) << e;
        return mask;
    }
}

CU_DEV int value_bytes(int type) {
    return type == CU_F32 ? 4 : type == CU_I8 ? 1 : 2;
}

template <int M>
__global__ void __launch_bounds__(CU_PACK_THREADS) masks(const __grid_constant__ cu_args a) {
    int64_t unit = cu_warp_of_grid(), chunks = a.i[CU_PACK_UNITS];
    place p = place_of(a, unit);
    cu_extremes e[2] = {{0, 0}, {0, 0}};
    uint32_t mask = 0, bad = 0;
    if (unit >= units_of(a)) return;
#pragma unroll
    for (int q = 0; q < 4; q++) {
        float v[8];
        cu_load_run<8>(a, row_of(p, q), column_of(p, q), v);
        mask |= kept<M>(a, v, row_of(p, q), column_of(p, q)) << 8 * q;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            bad |= !cu_is_finite(v[i]);
            cu_extend(e[q % 2], v[i]);
        }
    }
    ((uint32_t *)a.y)[unit * 32 + p.lane] = mask;
    uint32_t count = cu_warp_sum((uint32_t)cu_popc(mask));
    if (p.lane == 0) {
        uint32_t *sizes = (uint32_t *)((char *)a.y + a.at[CU_BITMAP_OFFSETS]);
        uint32_t bytes = count * value_bytes(a.i[CU_PACK_VALUE]);
        sizes[p.tile * (chunks + 1) + p.chunk] = (bytes + CU_BITMAP_PIECE - 1) / CU_BITMAP_PIECE;
        if (p.chunk == 0) sizes[p.tile * (chunks + 1) + chunks] = 0;
        if (count) atomicAdd(&cu_state_of(a)->nnz, (unsigned long long)count);
    }
    if (bad) cu_state_of(a)->bad = 1;
    if (!(a.i[CU_PACK_WHAT] & CU_SURVEY_EXTREMES)) return;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int64_t row = row_of(p, h);
        e[h].high = cu_lanes_max<4>(e[h].high);
        e[h].low = cu_lanes_max<4>(e[h].low);
        if (p.lane % 4 || row >= a.n) continue;
        cu_extremes *to = cu_extremes_of(a) + (a.i[CU_PACK_ONE] ? 0 : row);
        atomicMax(&to->high, e[h].high);
        atomicMax(&to->low, e[h].low);
    }
}

} // namespace

/* m: 0 for bitmaps, else M of N:M. */
extern "C" const void *cu_pack_masks(int m) {
    switch (m) {
    case 0:
        return (const void *)masks<0>;
    case 2:
        return (const void *)masks<2>;
    case 4:
        return (const void *)masks<4>;
    case 8:
        return (const void *)masks<8>;
    default:
        return (const void *)masks<-1>;
    }
}

extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_pack_bitmap(const __grid_constant__ cu_args a) {
    __shared__ __align__(16) uint8_t room[CU_PACK_WARPS][CU_TILE_ROWS * CU_TILE_CHUNK * 4];
    int64_t unit = units_of(a) - 1 - cu_warp_of_grid();
    if (unit < 0 || cu_unexpected(a)) return;
    place p = place_of(a, unit);
    int type = a.i[CU_PACK_VALUE];
    char *blob = (char *)a.y;
    uint8_t *own = room[threadIdx.x / 32];
    uint32_t mask = ((const uint32_t *)blob)[unit * 32 + p.lane], bad = 0;
    uint32_t at = cu_warp_before((uint32_t)cu_popc(mask), p.lane);
    uint32_t total = cu_shfl(at + (uint32_t)cu_popc(mask), 31);
#pragma unroll
    for (int q = 0; q < 4; q++) {
        int64_t row = row_of(p, q);
        float v[8], scale = 1;
        if (type == CU_I8)
            scale = ((const float *)(blob + a.at[CU_TILE_SCALES]))[row]; /* there for rows past n */
        cu_load_run<8>(a, row, column_of(p, q), v);
#pragma unroll
        for (int e = 0; e < 8; e++)
            if (mask >> (8 * q + e) & 1)
                cu_put_bits(own, at++, type, cu_bits_of(v[e], type, scale, bad));
    }
    uint32_t bytes = total * value_bytes(type);
    uint32_t pieces = (bytes + CU_BITMAP_PIECE - 1) / CU_BITMAP_PIECE;
    if (bytes + p.lane < pieces * CU_BITMAP_PIECE) own[bytes + p.lane] = 0;
    __syncwarp();
    const uint32_t *offsets = (const uint32_t *)(blob + a.at[CU_BITMAP_OFFSETS]);
    uint4 *to = (uint4 *)(blob + a.at[CU_BITMAP_VALUES]) +
                offsets[p.tile * (a.i[CU_PACK_UNITS] + 1) + p.chunk];
    for (uint32_t i = p.lane; i < pieces; i += 32) to[i] = ((const uint4 *)own)[i];
    if (bad) cu_state_of(a)->bad = 1;
}
