/* Tiles back to rows, a warp to 16 rows by 64 columns: reads the blob once and writes each row's
 * part in whole sectors of 32 bytes, which is the floor. */
#include "cuda/kernels/unpack.cuh"
#include "cuda/layout/tile.h"

namespace {

struct head {
    float scale;
    int zero; /* as unsigned as the stored integer */
};

CU_DEV head head_of(const cu_args &a, int64_t tile, int64_t step, int g, int half, int64_t row) {
    const char *blob = (const char *)a.w;
    int flush = a.i[CU_PACK_FLUSH], i4 = a.i[CU_PACK_VALUE] == CU_I4, groups = a.i[CU_PACK_GROUPS];
    head r = {1, i4 ? 8 : 128};
    int64_t group = flush ? step / flush : 0;
    if (group >= groups) return r; /* steps past k */
    int64_t at = cu_tile_head(groups, tile, group, g);
    if (a.i[CU_PACK_WIDE]) r.zero = ((const uint8_t *)(blob + a.at[CU_TILE_ZEROS]))[2 * at + half];
    if (a.i[CU_PACK_WHAT]) return r;
    if (flush)
        r.scale =
            cu_half_to_float(((const uint16_t *)(blob + a.at[CU_TILE_SCALES]))[2 * at + half]);
    else
        r.scale = ((const float *)(blob + a.at[CU_TILE_SCALES]))[row];
    return r;
}

/* Eight neighbours from their words. */
template <int TO>
CU_DEV void values_of(const uint32_t *words, int value, const head &h, float factor, float v[8]) {
#pragma unroll
    for (int e = 0; e < 8; e++) {
        if (value == CU_I4 || value == CU_I8) {
            uint32_t q = value == CU_I4 ? words[0] >> 4 * (e / 2 + e % 2 * 4) & 15u
                                        : words[e / 4] >> e % 4 * 8 & 255u;
            v[e] = cu_times<TO>((float)((int)q - h.zero), factor);
        } else if (value == CU_F32) {
            v[e] = cu_times<TO>(cu_uint_as_float(words[e]), factor);
        } else {
            uint16_t half = (uint16_t)(words[e / 2] >> e % 2 * 16);
            float f = value == CU_F16 ? cu_half_to_float(half) : cu_bf16_to_float(half);
            v[e] = cu_times<TO>(f, factor);
        }
    }
}

/* The words of a lane's step and row: 1, 2, 4 or 8 in quads of four. */
CU_DEV void load_words(const cu_args &a, int bits, int64_t tile, int64_t chunk, int lane, int at,
                       uint32_t words[8]) {
    int64_t chunks = a.i[CU_PACK_UNITS];
    const char *w = (const char *)a.w;
    int first = at * bits / 4; /* of the chunk's words of this lane */
#pragma unroll
    for (int i = 0; i < 8; i += 4) {
        if (i && bits != 32) break;
        uint4 u =
            cu_ldg16(w + cu_tile_quad(chunks, bits / 4, tile, chunk, (first + i) / 4, lane) * 16);
        words[i] = u.x, words[i + 1] = u.y, words[i + 2] = u.z, words[i + 3] = u.w;
    }
    if (bits == 8 && at % 2) words[0] = words[2], words[1] = words[3];
    if (bits == 4)
        words[0] = at == 0 ? words[0] : at == 1 ? words[1] : at == 2 ? words[2] : words[3];
}

template <int TO>
__global__ void __launch_bounds__(CU_PACK_THREADS) unpack_tile(const __grid_constant__ cu_args a) {
    int64_t across = (a.at[CU_UNPACK_LD] + CU_TILE_CHUNK - 1) / CU_TILE_CHUNK;
    int64_t unit = cu_warp_of_grid(), tile = unit / across, chunk = unit % across;
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, value = a.i[CU_PACK_VALUE];
    int bits = value == CU_F32 ? 32 : value == CU_I8 ? 8 : value == CU_I4 ? 4 : 16;
    if (tile * CU_TILE_ROWS >= a.n) return;
#pragma unroll
    for (int s = 0; s < 2; s++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int64_t row = tile * CU_TILE_ROWS + g + 8 * h, step = chunk * 2 + s;
            int64_t column = step * CU_TILE_STEP + 8 * t;
            float v[8] = {};
            if (column < a.k && row < a.n) {
                uint32_t words[8];
                head r = {1, 0};
                if (value == CU_I8 || value == CU_I4) r = head_of(a, tile, step, g, h, row);
                load_words(a, bits, tile, chunk, lane, 2 * s + h, words);
                values_of<TO>(words, value, r, cu_fmul_rn(r.scale, cu_row_factor(a, row)), v);
#pragma unroll
                for (int e = 0; e < 8; e++)
                    if (column + e >= a.k) v[e] = 0; /* bits of padding are no value */
            }
            cu_store_run<TO, 8>(a, row, column, v);
        }
}

} // namespace

extern "C" const void *cu_unpack_tile(int to) {
    return CU_UNPACK_BY_TYPE(unpack_tile, to);
}
