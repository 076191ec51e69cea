/* The first look at W, a warp to 1024 columns of a row: the extremes that scales of rows or of the
 * tensor are made of, how many values each segment has that are not 0, which blocks hold one, and
 * whether all are finite. Reads 4 bytes a weight; what it writes is small beside that.
 *
 * Then scales and zero points, a thread a row. */
#include "cuda/kernels/pack.cuh"
#include "cuda/layout/tile.h"

namespace {

/* Loads that a lane has under way at once. */
enum { BATCH = 4, BATCH_COLUMNS = BATCH * 128 };

/* Flags of the blocks that a row meets. */
CU_DEV uint8_t *flags_of(const cu_args &a, int64_t row) {
    int64_t across = (a.k + (int64_t)a.i[CU_PACK_Q] - 1) / a.i[CU_PACK_Q];
    return (uint8_t *)a.w + row / a.i[CU_PACK_P] * across;
}

} // namespace

extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_pack_survey(const __grid_constant__ cu_args a) {
    int lane = threadIdx.x % 32, what = a.i[CU_PACK_WHAT];
    int64_t unit = cu_warp_of_grid(), row = unit / a.i[CU_PACK_UNITS];
    int64_t first = unit % a.i[CU_PACK_UNITS] * CU_PACK_SEGMENT;
    uint8_t *flags = nullptr;
    cu_extremes e = {0, 0};
    uint32_t count = 0;
    if (row >= a.n) return;
    if (what & CU_SURVEY_BLOCKS) flags = flags_of(a, row);
    for (int batch = 0; batch < CU_PACK_SEGMENT; batch += BATCH_COLUMNS) {
        float v[BATCH][4];
#pragma unroll
        for (int q = 0; q < BATCH; q++)
            cu_load_run<4>(a, row, first + batch + q * 128 + lane * 4, v[q]);
#pragma unroll
        for (int q = 0; q < BATCH; q++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int64_t j = first + batch + q * 128 + lane * 4 + i;
                count += v[q][i] != 0;
                cu_extend(e, v[q][i]);
                if (!cu_is_finite(v[q][i])) cu_note_bad_at(cu_state_of(a), row * a.k + j);
                if (!flags || v[q][i] == 0) continue;
                uint8_t *flag = flags + (uint32_t)j / (uint32_t)a.i[CU_PACK_Q];
                if (!*flag) *flag = 1; /* by whom does not matter */
            }
    }
    if (what & CU_SURVEY_COUNTS) {
        count = cu_warp_sum(count);
        if (lane == 0) {
            ((uint32_t *)a.w)[unit] = count;
            if (count) atomicAdd(&cu_state_of(a)->nnz, (unsigned long long)count);
        }
    }
    if (what & CU_SURVEY_EXTREMES) {
        e.high = cu_lanes_max<32>(e.high);
        e.low = cu_lanes_max<32>(e.low);
        if (lane == 0) {
            cu_extremes *to = cu_extremes_of(a) + (a.i[CU_PACK_ONE] ? 0 : row);
            atomicMax(&to->high, e.high);
            atomicMax(&to->low, e.low);
        }
    }
}

/* One scale a row, from there on to at[CU_PACK_EXPECT] zeros; zero points in pairs, as tiles have
 * them. */
extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_pack_scales(const __grid_constant__ cu_args a) {
    int64_t row = (int64_t)blockIdx.x * CU_PACK_THREADS + threadIdx.x;
    int i4 = a.i[CU_PACK_VALUE] == CU_I4, wide = a.i[CU_PACK_WIDE];
    char *blob = (char *)a.y;
    uint32_t bad = 0;
    cu_scale s = {0, i4 ? 0 : -128};
    if (row >= a.at[CU_PACK_EXPECT]) return;
    if (row < a.n) s = cu_scale_of(cu_extremes_of(a)[a.i[CU_PACK_ONE] ? 0 : row], i4, wide, 0, bad);
    ((float *)(blob + a.at[CU_TILE_SCALES]))[row] = s.value;
    if (wide) {
        int64_t pair = cu_tile_head(1, row / CU_TILE_ROWS, 0, (int)(row % 8));
        uint8_t *zeros = (uint8_t *)(blob + a.at[CU_TILE_ZEROS]);
        zeros[2 * pair + row % CU_TILE_ROWS / 8] = (uint8_t)(s.zero + (i4 ? 0 : 128));
    }
    if (bad) cu_state_of(a)->bad = 1;
}
