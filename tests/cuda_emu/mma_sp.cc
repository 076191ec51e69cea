/* The sparse tensor core's products, for the emulator: the two rows of A that a lane's sums need are
 * written out dense, as the PTX ISA says the registers and the metadata of its four lanes mean, and
 * multiplied as such.
 *
 * From the PTX ISA 9.0, section 9.7.14.6: .1 (storage: a chunk of four columns keeps two, whose
 * places are two bits each in ascending order; equal places are undefined), .2.2 (m16n8k32, f16 and
 * bf16; figures 120-122) and .2.6 (m16n8k64, s8; figures 130-137). Element a[i] is the i-th value
 * of the four registers, lowest bits first. */
#include "ptx_emu.h"

#include <stdio.h>
#include <stdlib.h>

namespace {

enum { A = 0, B = 4, E = 8, WORDS = 9 };

struct warp {
    const uint32_t *words;
    uint32_t at(int lane, int word) const { return words[lane * EMU_WORDS + word]; }
    uint32_t bits(int lane, int word, int index, int width) const {
        return at(lane, word + index * width / 32) >> index * width % 32 & ((1ull << width) - 1);
    }
};

warp gather(const char *what, const uint32_t a[4], const uint32_t b[4], uint32_t e) {
    uint32_t own[WORDS] = {a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3], e};
    return {emu_exchange(what, own, WORDS)};
}

/* Where a chunk's four bits are: the lane that holds them and the lowest of them. */
struct place {
    int lane, bit;
};

place chunk_of_16(int row, int chunk, int pair) { /* figure 122 */
    return {row % 8 * 4 + 2 * pair + chunk / 4, row / 8 * 16 + chunk % 4 * 4};
}
place chunk_of_8(int row, int chunk) { /* figures 136 and 137 */
    return {row % 8 * 4 + chunk / 8 * 2 + row / 8, chunk % 8 * 4};
}

/* The column within its chunk of the first or the second kept value. */
int kept(const warp &w, const place &p, int which) {
    int four = (int)(w.at(p.lane, E) >> p.bit & 15), first = four & 3, second = four >> 2;
    if (first >= second) {
        fprintf(stderr, "cuda_emu: mma.sp: metadata 0x%x does not ascend\n", (unsigned)four);
        abort();
    }
    return which ? second : first;
}

} // namespace

void emu_mma_sp_16(float d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e, int pair,
                   int bf16) {
    enum { K = 32 };
    warp w = gather(bf16 ? "mma.sp.bf16" : "mma.sp.f16", a, b, e);
    int own = emu_lane();
    float dense[2][K] = {}; /* rows g and g + 8 */
    auto number = [bf16](uint32_t h) {
        return bf16 ? cu_bf16_to_float((uint16_t)h) : emu_half_to_float((uint16_t)h);
    };
    for (int lane = own & ~3; lane < (own & ~3) + 4; lane++)
        for (int i = 0; i < 8; i++) {
            int row = lane / 4 + (i % 4 < 2 ? 0 : 8);
            int chunk = (lane % 4 * 4 + (i < 4 ? 0 : 16)) / 4;
            int column = 4 * chunk + kept(w, chunk_of_16(row, chunk, pair), i % 2);
            dense[row / 8][column] = number(w.bits(lane, A, i, 16));
        }
    for (int o = 0; o < 4; o++) {
        double sum = d[o];
        for (int k = 0; k < K; k++) {
            int n = own % 4 * 2 + o % 2, from = n * 4 + k % 8 / 2; /* figure 121 */
            sum += (double)dense[o / 2][k] * number(w.bits(from, B, k / 8 * 2 + k % 2, 16));
        }
        d[o] = (float)sum;
    }
}

void emu_mma_sp_s8(int32_t d[4], const uint32_t a[4], const uint32_t b[4], uint32_t e) {
    enum { K = 64 };
    warp w = gather("mma.sp.s8", a, b, e);
    int own = emu_lane();
    int8_t dense[2][K] = {};
    for (int lane = own & ~3; lane < (own & ~3) + 4; lane++)
        for (int i = 0; i < 16; i++) {
            int row = lane / 4 + (i % 8 < 4 ? 0 : 8);
            int chunk = (lane % 4 * 8 + (i < 8 ? 0 : 32)) / 4 + i % 4 / 2;
            int column = 4 * chunk + kept(w, chunk_of_8(row, chunk), i % 2);
            dense[row / 8][column] = (int8_t)w.bits(lane, A, i, 8);
        }
    for (int o = 0; o < 4; o++)
        for (int k = 0; k < K; k++) {
            int n = own % 4 * 2 + o % 2, from = n * 4 + k % 16 / 4; /* figures 132-135 */
            d[o] += dense[o / 2][k] * (int8_t)w.bits(from, B, k / 16 * 4 + k % 4, 8);
        }
}
