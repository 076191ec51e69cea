/* Bitmap weights of int8 by int8 activations on the integer tensor cores: the walk of bitmap.cu in
 * units of two chunks, whose values lie side by side and come to shared memory as they are (cp.async,
 * the next unit while this one is multiplied). A lane's values of a chunk begin where a scan of the
 * warp's popcounts says. Of its mask it takes four positions at a time, a register of mma.m16n8k32:
 * a table of 16 entries gives the selectors with which prmt spreads the next values, up to four of
 * the eight bytes in two registers, over the positions that hold one.
 *
 * Lane-instructions a position at MT = 1 and 50 %, counted in the machine code for sm_90a: 5.7, of
 * which 3.5 spread and 0.6 scan; an H100 has about 6 at full bandwidth. A word is read from shared
 * memory only when the one before is used up, since neighbouring lanes' values, some four words
 * apart, meet in its banks. Not yet run on a device. */
#include "cuda/kernels/tile_int8.cuh"
#include "cuda/layout/bitmap.h"
#include "cuda/tile_kernels.h"

namespace {

enum { WARPS = 8, THREADS = 32 * WARPS, PAIR = 2 };
/* The values of a unit, all kept, and what is read beyond: the window's second word and the next. */
enum { STAGE = PAIR * CU_TILE_ROWS * CU_TILE_CHUNK + CU_BITMAP_PIECE };

/* Where a lane stands in a tile: offsets and masks of the chunk of the unit that is read next. */
struct place {
    const uint32_t *offsets, *masks;
    int chunk, chunks;
};

/* Where the values of a unit begin, those of its second chunk, and end, in pieces of 16 bytes; the
 * masks of both. */
struct unit_of_w {
    uint32_t begin, second, end, mask[PAIR];
};

/* Reads a unit and goes `chunks` on; past the last, nothing is there. */
CU_DEV unit_of_w read_unit(place &p, int chunks) {
    unit_of_w u = {0, 0, 0, {0, 0}};
    if (p.chunk < p.chunks) {
        u.begin = p.offsets[0];
        u.second = u.end = p.offsets[1];
        u.mask[0] = p.masks[0];
    }
    if (p.chunk + 1 < p.chunks) {
        u.end = p.offsets[2];
        u.mask[1] = p.masks[32];
    }
    p.chunk += chunks;
    p.offsets += chunks;
    p.masks += 32 * chunks;
    return u;
}

/* `values`: the lane's piece of the first. */
CU_DEV void fetch(const uint4 *values, const unit_of_w &u, int lane, unsigned char *to) {
    const uint4 *from = values + u.begin;
    uint4 *at = (uint4 *)to + lane;
    int left = (int)(u.end - u.begin) - lane;
#pragma unroll 1
    for (; left > 0; left -= 32, from += 32, at += 32) cu_cp_async16(at, from, CU_BITMAP_PIECE);
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

/* Fragments of a chunk's two steps from its values, of which the lane's begin `at` bytes behind
 * `from`: in the word `now`, before the word `next`. */
CU_DEV void spread(uint32_t mask, const unsigned char *from, uint32_t at, const uint2 *table,
                   uint32_t f[2][4]) {
    uint32_t now = *(const uint32_t *)(from + (at & ~3u));
    uint32_t next = *(const uint32_t *)(from + (at & ~3u) + 4);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        uint32_t entry = (i ? mask >> (4 * i - 3) : mask << 3) & 15u * sizeof(uint2);
        uint2 s = *(const uint2 *)((const char *)table + entry);
        /* bits: step, row g + 8, the last four of eight columns */
        f[i / 4][i % 4 / 2 + i % 2 * 2] = cu_prmt(now, next, s.x + (at & 3) * 0x1111u) & s.y;
        uint32_t before = at;
        at += s.x >> 16;
        if ((before ^ at) & 4) { /* four values at most: one word further */
            now = next;
            next = *(const uint32_t *)(from + (at & ~3u) + 4);
        }
    }
}

/* x of both chunks, from the lane's piece of the first row of the first; zeros past the last row. */
template <int MT>
CU_DEV void load_x(const cu_args &a, int row, const char *from, uint4 x[PAIR][MT]) {
#pragma unroll
    for (int j = 0; j < MT; j++) {
        x[0][j] = x[1][j] = {0, 0, 0, 0};
        if (row + 8 * j >= a.m) continue;
        x[0][j] = cu_ldg16(from + (int64_t)(8 * j) * a.i[CU_TILE_LDX]);
        x[1][j] = cu_ldg16(from + (int64_t)(8 * j) * a.i[CU_TILE_LDX] + CU_TILE_CHUNK);
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
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, chunks = a.i[CU_TILE_CHUNKS];
    int stride = PAIR * WARPS * a.i[CU_TILE_SPLITS], row = (int)blockIdx.z * 8 * MT;
    int chunk = PAIR * ((int)blockIdx.y * WARPS + warp);
    int64_t tile = blockIdx.x;
    const char *w = (const char *)a.w;
    const uint4 *values = (const uint4 *)(w + a.at[CU_BITMAP_VALUES]) + lane;
    const char *from_x = (const char *)a.x + (int64_t)(row + lane / 4) * a.i[CU_TILE_LDX] +
                         chunk * CU_TILE_CHUNK + lane % 4 * 16;
    place ahead = {(const uint32_t *)(w + a.at[CU_BITMAP_OFFSETS]) + tile * (chunks + 1) + chunk,
                   (const uint32_t *)w + (tile * chunks + chunk) * 32 + lane, chunk, chunks};
    unsigned char *here = staged[warp][0], *there = staged[warp][1];
    int32_t sum[MT][4] = {};
    if (threadIdx.x < 16) table[threadIdx.x] = spread_of(threadIdx.x);
    __syncthreads();
    unit_of_w now = read_unit(ahead, stride), next = read_unit(ahead, stride);
    fetch(values, now, lane, here);
    for (; chunk < chunks; chunk += stride) {
        uint4 x[PAIR][MT];
        load_x<MT>(a, row + lane / 4, from_x, x);
        from_x += (int64_t)stride * CU_TILE_CHUNK;
        fetch(values, next, lane, there); /* empty past the last */
        unit_of_w after = read_unit(ahead, stride);
        cu_cp_async_wait<1>();
        __syncwarp(); /* each lane has waited for what it copied; now all of it is there */
#pragma unroll
        for (int c = 0; c < PAIR; c++) {
            uint32_t f[2][4], begin = c ? (now.second - now.begin) * CU_BITMAP_PIECE : 0;
            spread(now.mask[c], here, begin + values_before(now.mask[c], lane), table, f);
            multiply<MT>(f, x[c], sum);
        }
        now = next;
        next = after;
        unsigned char *read = here;
        here = there;
        there = read;
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
