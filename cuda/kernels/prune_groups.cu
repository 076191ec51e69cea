/* N:M in place, a thread a group, once a survey found W finite: 8 bytes a weight and what goes. And
 * blocks: their norms, in the order that src/compress/prune_values.h fixes, which are selected
 * among as values are (prune_select.cu); then the blocks are cleared whose norm has become zero. */
#include "cuda/kernels/pack.cuh"
#include "cuda/prune_args.h"

namespace {

/* Bits of the n largest of a group, of equals the lower. */
CU_DEV uint32_t kept_of(const float *v, int size, int n) {
    uint32_t mask = 0;
    for (int e = 0; e < size; e++) {
        uint32_t own = cu_magnitude(v[e]);
        int rank = 0;
        for (int i = 0; i < size; i++) {
            uint32_t other = cu_magnitude(v[i]);
            rank += other > own || (other == own && i < e);
        }
        mask |= (uint32_t)(rank < n) << e;
    }
    return mask;
}

CU_DEV uint32_t clear_but(float *v, int size, uint32_t mask) {
    uint32_t left = 0;
    for (int e = 0; e < size; e++) {
        if (mask >> e & 1)
            left += v[e] != 0;
        else if (cu_float_as_uint(v[e]) != 0)
            v[e] = 0;
    }
    return left;
}

/* Groups of four that lie on 16 bytes: one load, one store. */
CU_DEV uint32_t four(float *at, int n) {
    uint4 u = *(const uint4 *)at;
    float v[4] = {cu_uint_as_float(u.x), cu_uint_as_float(u.y), cu_uint_as_float(u.z),
                  cu_uint_as_float(u.w)};
    uint32_t mask = 0, left = 0;
#pragma unroll
    for (int e = 0; e < 4; e++) {
        int rank = 0;
#pragma unroll
        for (int i = 0; i < 4; i++)
            rank += cu_magnitude(v[i]) > cu_magnitude(v[e]) ||
                    (cu_magnitude(v[i]) == cu_magnitude(v[e]) && i < e);
        mask |= (uint32_t)(rank < n) << e;
    }
#pragma unroll
    for (int e = 0; e < 4; e++) {
        if (!(mask >> e & 1)) v[e] = 0;
        left += v[e] != 0;
    }
    *(uint4 *)at = {cu_float_as_uint(v[0]), cu_float_as_uint(v[1]), cu_float_as_uint(v[2]),
                    cu_float_as_uint(v[3])};
    return left;
}

} // namespace

extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_prune_groups(const __grid_constant__ cu_args a) {
    int n = a.i[CU_PACK_P], m = a.i[CU_PACK_Q];
    int64_t groups = (a.k + (int64_t)m - 1) / m;
    int64_t at = (int64_t)blockIdx.x * CU_PACK_THREADS + threadIdx.x, row = at / groups;
    uint32_t left = 0;
    if (cu_state_of(a)->bad) return;
    if (row < a.n) {
        int64_t first = at % groups * m;
        float *v = (float *)a.y + row * a.k + first;
        int size = a.k - first < m ? (int)(a.k - first) : m;
        left = m == 4 && a.k % 4 == 0 ? four(v, n) : clear_but(v, size, kept_of(v, size, n));
    }
    left = cu_warp_sum(left);
    if (threadIdx.x % 32 == 0 && left) atomicAdd(&cu_state_of(a)->nnz, (unsigned long long)left);
}

/* y: a norm a block; as many lanes share one as there are values, up to 32. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_prune_norms(const __grid_constant__ cu_args a) {
    int64_t r = a.i[CU_PACK_P], c = a.i[CU_PACK_Q], across = (a.k + c - 1) / c;
    int lanes = a.i[CU_PRUNE_LANES], lane = threadIdx.x % lanes;
    int64_t block = ((int64_t)blockIdx.x * CU_PACK_THREADS + threadIdx.x) / lanes;
    int64_t row = block / across * r, column = block % across * c;
    int width = a.k - column < c ? (int)(a.k - column) : (int)c;
    int height = row >= a.n ? 0 : a.n - row < r ? (int)(a.n - row) : (int)r;
    double sum = 0;
    for (int e = lane; e < height * width; e += 32) {
        int64_t at = (row + e / width) * a.k + column + e % width;
        double v = ((const float *)a.x)[at];
        if (!cu_is_finite((float)v)) cu_note_bad_at(cu_state_of(a), at);
        sum = cu_dadd_rn(sum, cu_dmul_rn(v, v));
    }
    for (int by = lanes / 2; by; by /= 2) sum = cu_dadd_rn(sum, cu_shfl_xor_d(sum, by));
    if (lane == 0 && height) ((float *)a.y)[block] = (float)cu_dsqrt_rn(sum);
}

/* aux: the norms; y: W, a warp to 1024 columns of a row. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_prune_clear(const __grid_constant__ cu_args a) {
    int64_t r = a.i[CU_PACK_P], c = a.i[CU_PACK_Q], across = (a.k + c - 1) / c;
    int64_t unit = cu_warp_of_grid(), row = unit / a.i[CU_PRUNE_LANES];
    int64_t first = unit % a.i[CU_PRUNE_LANES] * CU_PACK_SEGMENT, end = first + CU_PACK_SEGMENT;
    if (row >= a.n || cu_state_of(a)->bad) return;
    const float *norms = (const float *)a.aux + row / r * across;
    for (int64_t j = first + threadIdx.x % 32; j < end && j < a.k; j += 32)
        if (norms[(uint32_t)j / (uint32_t)a.i[CU_PACK_Q]] == 0) ((float *)a.y)[row * a.k + j] = 0;
}
