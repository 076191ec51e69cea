/* Bitmap weights of int8 by int8 activations on the integer tensor cores: the walk of bitmap.cu in
 * units of two chunks, whose values lie side by side and come to shared memory as they are (cp.async,
 * the next unit while this one is multiplied). A lane's values of a chunk begin where a scan of the
 * warp's popcounts says. Of its mask it takes four positions at a time, a register of mma.m16n8k32:
 * a table of 16 entries gives the selectors with which prmt spreads the next values, up to four of
 * the eight bytes in two registers, over the positions that hold one.
 *
 * Lane-instructions a position, from the code below at MT = 1: spreading 3.3 (13 for four
 * positions), the scan 0.6, copies, masks and waits 0.7, x and mma 0.2: about 5 of the 6 that an
 * H100 has at 50 % and full bandwidth. Words are read from shared memory only when the last is used
 * up, since neighbouring lanes' values, some four words apart, meet in its banks. Not yet run on a
 * device. */
#include "cuda/kernels/tile_int8.cuh"
#include "cuda/layout/bitmap.h"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS, PAIR = 2 };
/* The values of a unit, all kept, and what is read beyond: the window's second word and the next. */
enum { STAGE = PAIR * CU_TILE_ROWS * CU_TILE_CHUNK + CU_BITMAP_PIECE };

/* Where the values of a unit begin, those of its second chunk, and end, in pieces of 16 bytes; the
 * masks of both. */
struct unit_of_w {
    uint32_t begin, second, end, mask[PAIR];
};

CU_DEV unit_of_w unit_at(const cu_args &a, int64_t tile, int unit, int lane) {
    int chunks = a.i[CU_TILE_CHUNKS], chunk = PAIR * unit;
    unit_of_w u = {0, 0, 0, {0, 0}};
    if (chunk >= chunks) return u;
    const uint32_t *o =
        (const uint32_t *)((const char *)a.w + a.at[CU_BITMAP_OFFSETS]) + tile * (chunks + 1);
    const uint32_t *masks = (const uint32_t *)a.w + tile * chunks * 32 + lane;
    u.begin = o[chunk];
    u.second = u.end = o[chunk + 1];
    u.mask[0] = masks[(int64_t)chunk * 32];
    if (chunk + 1 < chunks) {
        u.end = o[chunk + 2];
        u.mask[1] = masks[(int64_t)(chunk + 1) * 32];
    }
    return u;
}

CU_DEV void fetch(const cu_args &a, const unit_of_w &u, int lane, unsigned char *to) {
    const char *values = (const char *)a.w + a.at[CU_BITMAP_VALUES];
    for (uint32_t i = u.begin + lane; i < u.end; i += 32)
        cu_cp_async16(to + (i - u.begin) * CU_BITMAP_PIECE, values + (int64_t)i * CU_BITMAP_PIECE,
                      16);
    cu_cp_async_commit();
}

/* How many values the lanes before this one have. */
CU_DEV uint32_t values_before(uint32_t mask, int lane) {
    uint32_t own = (uint32_t)cu_popc(mask), sum = own;
#pragma unroll
    for (int by = 1; by < 32; by *= 2) {
        uint32_t below = cu_shfl_up(sum, by);
        if (lane >= by) sum += below;
    }
    return sum - own;
}

/* Of four positions: x: selectors of the values among the next four, how many there are above;
 * y: the bytes that hold one. */
CU_DEV uint2 spread_of(uint32_t four) {
    uint2 v = {0, 0};
    uint32_t rank = 0;
#pragma unroll
    for (int e = 0; e < 4; e++) {
        if (!(four >> e & 1)) continue;
        v.x |= rank++ << 4 * e;
        v.y |= 255u << 8 * e;
    }
    v.x |= rank << 16;
    return v;
}

/* Fragments of a chunk's two steps from its values, which begin `skip` bytes behind `from`. */
CU_DEV void spread(uint32_t mask, const unsigned char *from, uint32_t skip, const uint2 *table,
                   uint32_t f[2][4]) {
    const uint32_t *word = (const uint32_t *)from + skip / 4;
    uint32_t at = skip % 4, now = word[0], next = word[1];
    word += 2;
#pragma unroll
    for (int i = 0; i < 8; i++) {
        uint2 s = table[mask >> 4 * i & 15];
        /* bits: step, row g + 8, the last four of eight columns */
        f[i / 4][i % 4 / 2 + i % 2 * 2] = cu_prmt(now, next, s.x + at * 0x1111u) & s.y;
        at += s.x >> 16;
        if (at < 4) continue;
        at -= 4;
        now = next;
        next = *word++;
    }
}

/* x of both chunks; zeros past the last row. */
template <int MT>
CU_DEV void load_x(const cu_args &a, int row, int unit, int lane, uint4 x[PAIR][MT]) {
#pragma unroll
    for (int c = 0; c < PAIR; c++)
#pragma unroll
        for (int j = 0; j < MT; j++) {
            int r = row + 8 * j + lane / 4;
            const char *from = (const char *)a.x + (int64_t)r * a.i[CU_TILE_LDX];
            x[c][j] = {0, 0, 0, 0};
            if (r < a.m)
                x[c][j] = cu_ldg16(from + (int64_t)(PAIR * unit + c) * CU_TILE_CHUNK +
                                   lane % 4 * 16);
        }
}

template <int MT>
CU_DEV void multiply(const uint32_t f[2][4], const uint4 x[MT], int32_t sum[MT][4]) {
#pragma unroll
    for (int j = 0; j < MT; j++) {
        uint32_t first[2] = {x[j].x, x[j].y}, second[2] = {x[j].z, x[j].w};
        cu_mma_s8(sum[j], f[0], first);
        cu_mma_s8(sum[j], f[1], second);
    }
}

/* The warps' sums through shared memory, of which `all` is room for them. */
template <int MT> CU_DEV void store(const cu_args &a, int row, int32_t sum[MT][4], int32_t *all) {
    enum { COLUMNS = 8 * MT };
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    __syncthreads(); /* nobody reads values any more */
#pragma unroll
    for (int j = 0; j < MT; j++)
#pragma unroll
        for (int e = 0; e < 4; e++)
            all[(warp * CU_TILE_ROWS + g + e / 2 * 8) * COLUMNS + 8 * j + 2 * t + e % 2] =
                sum[j][e];
    __syncthreads();
    for (int i = threadIdx.x; i < CU_TILE_ROWS * COLUMNS; i += THREADS) {
        int r = i % CU_TILE_ROWS, c = i / CU_TILE_ROWS;
        int64_t column = (int64_t)blockIdx.x * CU_TILE_ROWS + r;
        int32_t v = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) v += all[(w * CU_TILE_ROWS + r) * COLUMNS + c];
        if (row + c < a.m && column < a.n)
            cu_int8_out<cu_int8_8>(a, blockIdx.y, row + c, (int)column, v);
    }
}

/* One tile a block, its units in turn among warps and the blocks along y; 8 MT rows of x. */
template <int MT>
__global__ void __launch_bounds__(THREADS, MT == 1 ? 4 : 2)
    bitmap_int8(const __grid_constant__ cu_args a) {
    __shared__ __align__(16) unsigned char staged[WARPS][2][STAGE];
    __shared__ uint2 table[16];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, turn = 0;
    int units = (a.i[CU_TILE_CHUNKS] + PAIR - 1) / PAIR, stride = WARPS * a.i[CU_TILE_SPLITS];
    int row = (int)blockIdx.z * 8 * MT, unit = (int)blockIdx.y * WARPS + warp;
    int32_t sum[MT][4] = {};
    if (threadIdx.x < 16) table[threadIdx.x] = spread_of(threadIdx.x);
    __syncthreads();
    unit_of_w now = unit_at(a, blockIdx.x, unit, lane), next;
    unit_of_w ahead = unit_at(a, blockIdx.x, unit + stride, lane);
    fetch(a, now, lane, staged[warp][0]);
    for (; unit < units; unit += stride, turn ^= 1) {
        uint4 x[PAIR][MT];
        next = ahead;
        fetch(a, next, lane, staged[warp][turn ^ 1]); /* empty past the last */
        ahead = unit_at(a, blockIdx.x, unit + 2 * stride, lane);
        load_x<MT>(a, row, unit, lane, x);
        cu_cp_async_wait<1>();
        __syncwarp(); /* each lane has waited for what it copied; now all of it is there */
#pragma unroll
        for (int c = 0; c < PAIR; c++) {
            uint32_t f[2][4], begin = c ? (now.second - now.begin) * CU_BITMAP_PIECE : 0;
            spread(now.mask[c], staged[warp][turn] + begin, values_before(now.mask[c], lane),
                   table, f);
            multiply<MT>(f, x[c], sum);
        }
        now = next;
        __syncwarp(); /* before the next copies overwrite it */
    }
    cu_cp_async_wait<0>();
    store<MT>(a, row, sum, (int32_t *)staged);
}

} // namespace

extern "C" cu_tile_kernel cu_bitmap_int8(int mt) {
    return {mt == 1   ? (const void *)bitmap_int8<1>
            : mt == 2 ? (const void *)bitmap_int8<2>
                      : (const void *)bitmap_int8<4>,
            1, 8 * mt, THREADS, 0};
}
