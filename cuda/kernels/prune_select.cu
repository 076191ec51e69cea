/* The `gone` smallest of many magnitudes become zero, of equals those of higher index first, as
 * src/compress/prune_values.h has it. Magnitudes order as their bits do, so the threshold is found
 * from its upper bits down: 11, 10 and 10 bits, each by counting the values that agree so far.
 * Where some of those at the threshold go and some stay, they are counted by segments and summed up
 * (pack_scan.cu), which says of each the how-manieth it is.
 *
 * Reads W four times and writes what changes: 16 bytes a weight and what goes, where a sort would
 * move more; a matrix that the L2 holds comes from there. The count of equals reads W once more,
 * but only where it decides something. (Predicted, not measured.) */
#include "cuda/kernels/pack.cuh"
#include "cuda/prune_args.h"

namespace {

enum { COPIES = 4 }; /* of the bins, so that fewer lanes meet in one */
enum { BATCH = 4 };  /* loads that a lane has under way at once */

CU_DEV cu_prune_state *select_of(const cu_args &a) {
    return (cu_prune_state *)a.extra;
}

/* Four values in a row; returns how many there are. */
CU_DEV int load4(const cu_args &a, int64_t i, float v[4]) {
    int64_t left = a.at[CU_PRUNE_COUNT] - i;
    const float *from = (const float *)a.x + i;
    if (left >= 4) {
        uint4 u = *(const uint4 *)from; /* not as read-only: it is written in place */
        v[0] = cu_uint_as_float(u.x), v[1] = cu_uint_as_float(u.y);
        v[2] = cu_uint_as_float(u.z), v[3] = cu_uint_as_float(u.w);
        return 4;
    }
#pragma unroll
    for (int j = 0; j < 4; j++) v[j] = j < left ? from[j] : 0.0f;
    return left < 0 ? 0 : (int)left;
}

} // namespace

extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_prune_count(const __grid_constant__ cu_args a) {
    __shared__ uint32_t bins[COPIES][CU_PRUNE_BINS];
    uint32_t *own = bins[threadIdx.x / 32 % COPIES];
    int shift = a.i[CU_PRUNE_SHIFT], bits = a.i[CU_PRUNE_BITS];
    uint32_t prefix = select_of(a)->prefix;
    int64_t step = (int64_t)gridDim.x * CU_PACK_THREADS * 4;
    for (int i = threadIdx.x; i < COPIES * CU_PRUNE_BINS; i += CU_PACK_THREADS)
        bins[i / CU_PRUNE_BINS][i % CU_PRUNE_BINS] = 0;
    __syncthreads();
    int64_t i = ((int64_t)blockIdx.x * CU_PACK_THREADS + threadIdx.x) * 4;
    for (; i < a.at[CU_PRUNE_COUNT]; i += BATCH * step) {
        float v[BATCH][4];
        int there[BATCH];
#pragma unroll
        for (int q = 0; q < BATCH; q++) there[q] = load4(a, i + q * step, v[q]);
#pragma unroll
        for (int q = 0; q < BATCH; q++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                uint32_t m = cu_magnitude(v[q][j]);
                if (a.i[CU_PRUNE_FINITE] && !cu_is_finite(v[q][j]))
                    cu_note_bad_at(cu_state_of(a), i + q * step + j);
                if (j < there[q] && m >> (shift + bits) == prefix)
                    atomicAdd(&own[m >> shift & ((1u << bits) - 1)], 1u);
            }
    }
    __syncthreads();
    for (int b = threadIdx.x; b < CU_PRUNE_BINS; b += CU_PACK_THREADS) {
        uint32_t sum = 0;
#pragma unroll
        for (int c = 0; c < COPIES; c++) sum += bins[c][b];
        if (sum) atomicAdd(&select_of(a)->bins[b], (unsigned long long)sum);
    }
}

/* One block: the bin in which the rank lies; empties the bins for the next pass. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_prune_select(const __grid_constant__ cu_args a) {
    enum { EACH = CU_PRUNE_BINS / CU_PACK_THREADS };
    __shared__ unsigned long long sums[CU_PACK_THREADS];
    cu_prune_state *s = select_of(a);
    unsigned long long sum = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++) sum += s->bins[threadIdx.x * EACH + i];
    sums[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        unsigned long long rank =
            a.i[CU_PRUNE_FIRST] ? (unsigned long long)a.at[CU_PRUNE_GONE] : s->rank;
        int bin = 0;
        while (bin < CU_PACK_THREADS - 1 && rank > sums[bin]) rank -= sums[bin++];
        bin *= EACH;
        while (bin < CU_PRUNE_BINS - 1 && rank > s->bins[bin]) rank -= s->bins[bin++];
        s->prefix = s->prefix << a.i[CU_PRUNE_BITS] | (uint32_t)bin;
        s->rank = rank;
        s->stay = s->bins[bin] - rank;
        s->order = rank != 0 && s->stay != 0;
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < EACH; i++) s->bins[threadIdx.x * EACH + i] = 0;
}

/* How many of each 1024 are at the threshold; nothing where that decides nothing. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_prune_equals(const __grid_constant__ cu_args a) {
    int64_t unit = cu_warp_of_grid(), first = unit * CU_PACK_SEGMENT;
    uint32_t at = select_of(a)->prefix, count = 0;
    if (!select_of(a)->order || first >= a.at[CU_PRUNE_COUNT]) return;
#pragma unroll
    for (int i = 0; i < CU_PACK_SEGMENT; i += 128) {
        float v[4];
        int there = load4(a, first + i + threadIdx.x % 32 * 4, v);
#pragma unroll
        for (int j = 0; j < 4; j++) count += j < there && cu_magnitude(v[j]) == at;
    }
    count = cu_warp_sum(count);
    if (threadIdx.x % 32 == 0) ((uint32_t *)a.w)[unit] = count;
}

namespace {

/* Of the state, what a value's fate hangs on. */
struct threshold {
    uint32_t at, order;
    unsigned long long stay;
};

/* Four values of a segment from `from` on; before: how many of the segment stood at the threshold
 * so far. Returns how many are left that are not 0. */
CU_DEV uint32_t drop(const cu_args &a, const threshold &s, int64_t from, float v[4], int there,
                     unsigned long long &before) {
    uint32_t lower = (1u << threadIdx.x % 32) - 1, left = 0;
    unsigned long long own = before;
    int changed = 0;
    if (s.order) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            uint32_t equal = cu_ballot(j < there && cu_magnitude(v[j]) == s.at);
            own += cu_popc(equal & lower);
            before += cu_popc(equal);
        }
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
        uint32_t m = cu_magnitude(v[j]);
        int goes = m < s.at || (m == s.at && (s.order ? own++ >= s.stay : s.stay == 0));
        if (goes) {
            changed |= cu_float_as_uint(v[j]) != 0;
            v[j] = 0;
        }
        left += v[j] != 0;
    }
    if (!changed) return left;
    float *to = (float *)a.y + from;
    if (there == 4)
        *(uint4 *)to = {cu_float_as_uint(v[0]), cu_float_as_uint(v[1]), cu_float_as_uint(v[2]),
                        cu_float_as_uint(v[3])};
    else
        for (int j = 0; j < there; j++) to[j] = v[j];
    return left;
}

} // namespace

extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_prune_drop(const __grid_constant__ cu_args a) {
    const cu_prune_state *state = select_of(a);
    threshold s = {state->prefix, state->order, state->stay};
    int64_t unit = cu_warp_of_grid(), first = unit * CU_PACK_SEGMENT + threadIdx.x % 32 * 4;
    unsigned long long before = 0;
    uint32_t left = 0;
    if (state->seen.bad || unit * CU_PACK_SEGMENT >= a.at[CU_PRUNE_COUNT]) return;
    if (s.order) before = ((const uint32_t *)a.w)[unit];
    for (int i = 0; i < CU_PACK_SEGMENT; i += BATCH * 128) {
        float v[BATCH][4];
        int there[BATCH];
#pragma unroll
        for (int q = 0; q < BATCH; q++) there[q] = load4(a, first + i + q * 128, v[q]);
#pragma unroll
        for (int q = 0; q < BATCH; q++)
            left += drop(a, s, first + i + q * 128, v[q], there[q], before);
    }
    left = cu_warp_sum(left);
    if (threadIdx.x % 32 == 0 && left) atomicAdd(&select_of(a)->seen.nnz, (unsigned long long)left);
}
