/* W to tiles (cuda/layout/tile.h), a warp to 16 rows by STEPS x 32 columns. A lane reads the very
 * values that its words hold, eight neighbours at a time, and writes 16 bytes beside its
 * neighbours'.
 *
 * A scale of a group is made of the values that four lanes hold of a row, so W is read once: 4
 * bytes a weight, and the blob is written, which is the floor. Scales of rows come from a survey
 * before (pack_survey.cu), which reads W as well: 8 bytes a weight, of which as much as the L2
 * holds need not come from memory, since this kernel walks W from its end. (Predicted, not
 * measured.) */
#include "cuda/kernels/pack.cuh"
#include "cuda/layout/tile.h"

namespace {

struct place {
    int lane, g, t;
    int64_t tile, step; /* the first of STEPS */
    CU_DEV int64_t row_of(int64_t tile, int g, int half) {
        return tile * CU_TILE_ROWS + g + 8 * half;
    }
};

/* Of one step and row, shared by its four lanes; i in units of the STEPS. */
template <int STEPS>
CU_DEV void group_scales(const cu_args &a, const place &p, const float v[STEPS][2][8],
                         cu_scale s[STEPS][2], uint32_t &bad) {
    int flush = a.i[CU_PACK_FLUSH], i4 = a.i[CU_PACK_VALUE] == CU_I4, wide = a.i[CU_PACK_WIDE];
    cu_extremes e[STEPS][2];
#pragma unroll
    for (int i = 0; i < STEPS; i++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            e[i][h] = {0, 0};
#pragma unroll
            for (int j = 0; j < 8; j++) cu_extend(e[i][h], v[i][h][j]);
            e[i][h].high = cu_lanes_max<4>(e[i][h].high);
            e[i][h].low = cu_lanes_max<4>(e[i][h].low);
        }
#pragma unroll
    for (int by = 1; by < STEPS; by *= 2) /* pairs of steps, then pairs of those */
        if (flush > by)
#pragma unroll
            for (int i = 0; i < STEPS; i++)
#pragma unroll
                for (int h = 0; h < 2; h++) {
                    if (i & by) continue;
                    cu_extremes &x = e[i][h], &y = e[i + by][h];
                    x.high = y.high = cu_max(x.high, y.high);
                    x.low = y.low = cu_max(x.low, y.low);
                }
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
        int64_t group = (p.step + i) / flush;
#pragma unroll
        for (int h = 0; h < 2; h++)
            if (i % flush == 0) /* doubles are dear: once a scale */
                s[i][h] = cu_scale_of(e[i][h], i4, wide, 1, bad);
            else
                s[i][h] = s[i ? i - 1 : 0][h];
        if (p.t != 0 || i % flush != 0 || group >= a.i[CU_PACK_GROUPS]) continue;
        uint32_t scales = 0, zeros = 0;
#pragma unroll
        for (int h = 0; h < 2; h++) {
            if (place::row_of(p.tile, p.g, h) >= a.n) continue;
            scales |= (uint32_t)cu_float_to_half(s[i][h].value) << 16 * h;
            zeros |= (uint32_t)(s[i][h].zero + (i4 ? 0 : 128)) << 8 * h;
        }
        int64_t at = cu_tile_head(a.i[CU_PACK_GROUPS], p.tile, group, p.g);
        ((uint32_t *)((char *)a.y + a.at[CU_TILE_SCALES]))[at] = scales;
        if (wide) ((uint16_t *)((char *)a.y + a.at[CU_TILE_ZEROS]))[at] = (uint16_t)zeros;
    }
}

template <int STEPS>
CU_DEV void row_scales(const cu_args &a, const place &p, cu_scale s[STEPS][2]) {
    const char *blob = (const char *)a.y;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int64_t row = place::row_of(p.tile, p.g, h);
        cu_scale r = {((const float *)(blob + a.at[CU_TILE_SCALES]))[row], 0};
        if (a.i[CU_PACK_WIDE])
            r.zero =
                ((const uint8_t *)(blob + a.at[CU_TILE_ZEROS]))[2 * (p.tile * 8 + p.g) + h] - 128;
#pragma unroll
        for (int i = 0; i < STEPS; i++) s[i][h] = r;
    }
}

/* Eight neighbours as the words of a step's row; those past W's end are 0 in every bit. */
template <int VALUE>
CU_DEV void words_of(const float v[8], const cu_scale &s, int wide, int valid, uint32_t *words,
                     uint32_t &bad) {
    constexpr int BITS = VALUE == CU_F32 ? 32 : VALUE == CU_I8 ? 8 : VALUE == CU_I4 ? 4 : 16;
#pragma unroll
    for (int i = 0; i < BITS / 4; i++) words[i] = 0;
#pragma unroll
    for (int e = 0; e < 8; e++) {
        uint32_t bits;
        if (VALUE == CU_I4)
            bits = (uint32_t)cu_code_of(v[e], s, wide ? 0 : 1, 15);
        else if (VALUE == CU_I8)
            bits = (uint32_t)(cu_code_of(v[e], s, wide ? -128 : -127, 127) + 128);
        else
            bits = cu_bits_of(v[e], VALUE, 1, bad);
        if (e >= valid) bits = 0;
        if (BITS == 4)
            words[0] |= bits << 4 * (e / 2 + e % 2 * 4);
        else
            words[e * BITS / 32] |= bits << e * BITS % 32;
    }
}

template <int STEPS, int VALUE>
__global__ void __launch_bounds__(CU_PACK_THREADS) pack_tile(const __grid_constant__ cu_args a) {
    constexpr int BITS = VALUE == CU_F32 ? 32 : VALUE == CU_I8 ? 8 : VALUE == CU_I4 ? 4 : 16;
    constexpr int QUADS = BITS / 4, CHUNKS = STEPS / 2, PER = BITS / 4;
    int64_t chunks = a.i[CU_PACK_UNITS], spans = (chunks + CHUNKS - 1) / CHUNKS;
    int64_t tiles = (a.n + (int64_t)CU_TILE_ROWS - 1) / CU_TILE_ROWS;
    int64_t unit = tiles * spans - 1 - cu_warp_of_grid(); /* the end of W was read last */
    float v[STEPS][2][8];
    cu_scale s[STEPS][2];
    uint32_t bad = 0;
    place p;
    if (unit < 0) return;
    p.lane = threadIdx.x % 32, p.g = p.lane / 4, p.t = p.lane % 4;
    p.tile = unit / spans, p.step = unit % spans * STEPS;
#pragma unroll
    for (int i = 0; i < STEPS; i++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            cu_load_run<8>(a, place::row_of(p.tile, p.g, h), (p.step + i) * CU_TILE_STEP + 8 * p.t,
                           v[i][h]);
#pragma unroll
            for (int j = 0; j < 8; j++) bad |= !cu_is_finite(v[i][h][j]);
        }
    if (VALUE == CU_I8 || VALUE == CU_I4) {
        if (a.i[CU_PACK_FLUSH])
            group_scales<STEPS>(a, p, v, s, bad);
        else
            row_scales<STEPS>(a, p, s);
    }
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
        uint32_t words[4 * QUADS];
        int64_t chunk = p.step / 2 + c;
        if (chunk >= chunks) break;
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int64_t left = a.k - ((p.step + 2 * c + i) * CU_TILE_STEP + 8 * p.t);
                int valid = place::row_of(p.tile, p.g, h) >= a.n ? 0 : left > 8 ? 8 : (int)left;
                words_of<VALUE>(v[2 * c + i][h], s[2 * c + i][h], a.i[CU_PACK_WIDE], valid,
                                words + (2 * i + h) * PER, bad);
            }
        uint4 *to = (uint4 *)a.y;
#pragma unroll
        for (int q = 0; q < QUADS; q++)
            to[cu_tile_quad(chunks, QUADS, p.tile, chunk, q, p.lane)] = {
                words[4 * q], words[4 * q + 1], words[4 * q + 2], words[4 * q + 3]};
    }
    if (bad) cu_state_of(a)->bad = 1;
}

} // namespace

extern "C" const void *cu_pack_tile(int value, int steps) {
    switch (value) {
    case CU_F32:
        return (const void *)pack_tile<2, CU_F32>;
    case CU_F16:
        return (const void *)pack_tile<2, CU_F16>;
    case CU_BF16:
        return (const void *)pack_tile<2, CU_BF16>;
    case CU_I8:
        return steps == 2 ? (const void *)pack_tile<2, CU_I8> : (const void *)pack_tile<4, CU_I8>;
    default:
        return steps == 2 ? (const void *)pack_tile<2, CU_I4> : (const void *)pack_tile<4, CU_I4>;
    }
}
