/* W to CSR (cuda/layout/csr.h), a warp to 1024 columns of a row, once a survey has counted and the
 * sums are made: lanes hold four neighbours each, and ballots say where each goes. W is read twice,
 * as of bitmaps. */
#include "cuda/kernels/pack.cuh"
#include "cuda/layout/csr.h"

namespace {

enum { BATCH = 4 }; /* loads that a lane has under way at once */

/* The kept of 128 columns, from value `at` on; returns the next. */
CU_DEV int64_t put(const cu_args &a, int64_t at, int64_t column, const float v[4], float scale,
                   uint32_t &bad) {
    char *blob = (char *)a.y;
    uint32_t lower = (1u << threadIdx.x % 32) - 1, total = 0;
    int type = a.i[CU_PACK_VALUE];
    int64_t own = at;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        uint32_t kept = cu_ballot(v[i] != 0);
        own += cu_popc(kept & lower);
        total += cu_popc(kept);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (v[i] == 0) continue;
        cu_put_bits(blob + a.at[CU_CSR_VALUES], own, type, cu_bits_of(v[i], type, scale, bad));
        if (a.i[CU_PACK_WIDE])
            ((uint32_t *)(blob + a.at[CU_CSR_COLUMNS]))[own] = (uint32_t)(column + i);
        else
            ((uint16_t *)(blob + a.at[CU_CSR_COLUMNS]))[own] = (uint16_t)(column + i);
        own++;
    }
    return at + total;
}

} // namespace

extern "C" __global__ void __launch_bounds__(CU_PACK_THREADS)
    cu_pack_csr(const __grid_constant__ cu_args a) {
    int64_t unit = (int64_t)a.n * a.i[CU_PACK_UNITS] - 1 - cu_warp_of_grid();
    if (unit < 0 || cu_unexpected(a)) return;
    int64_t row = unit / a.i[CU_PACK_UNITS];
    int64_t first = unit % a.i[CU_PACK_UNITS] * CU_PACK_SEGMENT, end = first + CU_PACK_SEGMENT;
    int64_t at = ((const uint32_t *)a.w)[unit];
    float scale = 1;
    uint32_t bad = 0;
    if (a.i[CU_PACK_VALUE] == CU_I8)
        scale = ((const float *)((const char *)a.y + a.at[CU_TILE_SCALES]))[row];
    for (int64_t j = first; j < end && j < a.k; j += BATCH * 128) {
        int64_t column = j + threadIdx.x % 32 * 4;
        float v[BATCH][4];
#pragma unroll
        for (int q = 0; q < BATCH; q++) cu_load_run<4>(a, row, column + q * 128, v[q]);
#pragma unroll
        for (int q = 0; q < BATCH; q++) at = put(a, at, column + q * 128, v[q], scale, bad);
    }
    if (bad) cu_state_of(a)->bad = 1;
}
