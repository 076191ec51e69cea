/* The emulator's sparse tensor core against plain products: dense matrices with two of four kept at
 * places drawn at hand, compressed here register by register from the fragment tables of the PTX
 * ISA (sections 9.7.14.6.2.2 and .6), without the packing code or the kernels. Each lane's other
 * half of the metadata is filled with what the instruction must not read. */
#include "cuda/args.h"
#include "cuda/kernels/ptx.cuh"
#include "emu.h"

#include <criterion/criterion.h>

namespace {

enum { S8, F16, BF16 };

/* What the lanes hold, and what comes of it. */
struct registers {
    uint32_t a[32][4], b[32][4], e[32];
    int32_t integers[32][4];
    float floats[32][4];
};

void kernel(cu_args args) {
    registers *r = (registers *)args.y;
    int lane = threadIdx.x, kind = args.i[0], pair = args.i[1];
    const uint32_t *a = r->a[lane], *b = r->b[lane], e = r->e[lane];
    if (kind == S8) cu_mma_sp_s8(r->integers[lane], a, b, e);
    if (kind == F16 && pair == 0) cu_mma_sp_f16<0>(r->floats[lane], a, b, e);
    if (kind == F16 && pair == 1) cu_mma_sp_f16<1>(r->floats[lane], a, b, e);
    if (kind == BF16 && pair == 0) cu_mma_sp_bf16<0>(r->floats[lane], a, b, e);
    if (kind == BF16 && pair == 1) cu_mma_sp_bf16<1>(r->floats[lane], a, b, e);
}

uint32_t drawn(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* A of 16 x k with two of four, B of k x 8, C of 16 x 8: small integers. */
struct matrices {
    int k, a[16][64], first[16][16], second[16][16], b[64][8], c[16][8];
};

matrices draw(int k, uint32_t seed) {
    matrices m = {};
    m.k = k;
    for (int row = 0; row < 16; row++)
        for (int four = 0; four < k / 4; four++) {
            int p = (int)(drawn(&seed) % 3), q = p + 1 + (int)(drawn(&seed) % (unsigned)(3 - p));
            m.first[row][four] = p;
            m.second[row][four] = q;
            m.a[row][4 * four + p] = (int)(drawn(&seed) % 255) - 127;
            m.a[row][4 * four + q] = (int)(drawn(&seed) % 255) - 127;
        }
    for (int row = 0; row < k; row++)
        for (int n = 0; n < 8; n++) m.b[row][n] = (int)(drawn(&seed) % 255) - 127;
    for (int row = 0; row < 16; row++)
        for (int n = 0; n < 8; n++) m.c[row][n] = (int)(drawn(&seed) % 2001) - 1000;
    return m;
}

uint32_t coded(int kind, int v) {
    return kind == S8    ? (uint8_t)v
           : kind == F16 ? emu_float_to_half((float)v)
                         : emu_float_to_bf16((float)v);
}

/* The j-th kept value of a row. */
int value(const matrices &m, int row, int j) {
    int four = j / 2;
    return m.a[row][4 * four + (j % 2 ? m.second[row][four] : m.first[row][four])];
}

uint32_t places(const matrices &m, int row, int four, int count) {
    uint32_t bits = 0;
    for (int i = 0; i < count; i++)
        bits |= (uint32_t)(m.first[row][four + i] | m.second[row][four + i] << 2) << 4 * i;
    return bits;
}

/* Register by register: which row, and the first of its kept values or of its columns. */
void put_s8(const matrices &m, registers *r) {
    for (int lane = 0; lane < 32; lane++) {
        int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 4; i++) {
            r->a[lane][0] |= coded(S8, value(m, g, 4 * t + i)) << 8 * i;
            r->a[lane][1] |= coded(S8, value(m, g + 8, 4 * t + i)) << 8 * i;
            r->a[lane][2] |= coded(S8, value(m, g, 16 + 4 * t + i)) << 8 * i;
            r->a[lane][3] |= coded(S8, value(m, g + 8, 16 + 4 * t + i)) << 8 * i;
            for (int q = 0; q < 4; q++)
                r->b[lane][q] |= coded(S8, m.b[16 * q + 4 * t + i][g]) << 8 * i;
        }
        r->e[lane] = places(m, t % 2 ? g + 8 : g, t < 2 ? 0 : 8, 8);
    }
}

void put_16(const matrices &m, registers *r, int kind, int pair) {
    for (int lane = 0; lane < 32; lane++) {
        int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 2; i++) {
            r->a[lane][0] |= coded(kind, value(m, g, 2 * t + i)) << 16 * i;
            r->a[lane][1] |= coded(kind, value(m, g + 8, 2 * t + i)) << 16 * i;
            r->a[lane][2] |= coded(kind, value(m, g, 8 + 2 * t + i)) << 16 * i;
            r->a[lane][3] |= coded(kind, value(m, g + 8, 8 + 2 * t + i)) << 16 * i;
            for (int q = 0; q < 4; q++)
                r->b[lane][q] |= coded(kind, m.b[8 * q + 2 * t + i][g]) << 16 * i;
        }
        r->e[lane] = 0xffffffffu;
        if (t / 2 == pair)
            r->e[lane] = places(m, g, 4 * (t % 2), 4) | places(m, g + 8, 4 * (t % 2), 4) << 16;
    }
}

void check(int kind, int pair, uint32_t seed) {
    matrices m = draw(kind == S8 ? 64 : 32, seed);
    registers r = {};
    cu_args args = {};
    unsigned grid[3] = {1, 1, 1}, block[3] = {32, 1, 1};
    if (kind == S8)
        put_s8(m, &r);
    else
        put_16(m, &r, kind, pair);
    for (int lane = 0; lane < 32; lane++)
        for (int o = 0; o < 4; o++) {
            r.integers[lane][o] = m.c[lane / 4 + o / 2 * 8][lane % 4 * 2 + o % 2];
            r.floats[lane][o] = (float)r.integers[lane][o];
        }
    args.y = &r;
    args.i[0] = kind;
    args.i[1] = pair;
    cr_assert(emu_run((const void *)kernel, &args, sizeof args, grid, block, 0));
    for (int lane = 0; lane < 32; lane++)
        for (int o = 0; o < 4; o++) {
            int row = lane / 4 + o / 2 * 8, n = lane % 4 * 2 + o % 2, sum = m.c[row][n];
            for (int k = 0; k < m.k; k++) sum += m.a[row][k] * m.b[k][n];
            int got = kind == S8 ? r.integers[lane][o] : (int)r.floats[lane][o];
            cr_assert(got == sum, "kind %d, pair %d: [%d, %d] is %d, not %d", kind, pair, row, n,
                      got, sum);
        }
}

} // namespace

Test(cuda_mma_sp, bytes) {
    for (uint32_t seed = 1; seed < 30; seed++) check(S8, 0, seed);
}

Test(cuda_mma_sp, halves) {
    for (uint32_t seed = 1; seed < 30; seed++)
        for (int pair = 0; pair < 2; pair++) check(F16, pair, seed);
}

Test(cuda_mma_sp, bf16) {
    for (uint32_t seed = 1; seed < 30; seed++)
        for (int pair = 0; pair < 2; pair++) check(BF16, pair, seed);
}
