/* Slices of panels to 16-bit codes for the portable tile: [column][I8_SLICE]. */
#include "cpu/i8c.h"

#include <string.h>

/* Codes of a step of every column. */
static void widen(const uint8_t *restrict from, int32_t cols, int16_t *restrict to) {
    for (int32_t c = 0; c < cols; c++)
        for (int i = 0; i < I8_C_STEP; i++) to[c * I8_SLICE + i] = from[c * I8_C_STEP + i];
}

const uint8_t *i8_codes_unpack_c(const i8_unpack *u) {
    const uint8_t *from = u->from;
    int16_t *to = (int16_t *)u->to;
    for (int64_t k0 = 0; k0 < u->k; k0 += u->group) {
        int64_t end = u->k - k0 < u->group ? u->k : k0 + u->group;
        from += u->side_bytes;
        for (int64_t k = k0; k < end; k += I8_C_STEP, from += I8_C_STEP * u->cols)
            widen(from, u->cols, to + k);
    }
    return from;
}

const uint8_t *i8_nibbles_unpack_c(const i8_unpack *u) {
    const uint8_t *from = u->from;
    int16_t *to = (int16_t *)u->to;
    for (int64_t k0 = 0; k0 < u->k; k0 += u->group) {
        int64_t end = u->k - k0 < u->group ? u->k : k0 + u->group;
        from += u->side_bytes;
        for (int64_t k = k0; k < end; k += 2 * I8_C_STEP)
            for (int32_t c = 0; c < u->cols; c++, from += I8_C_STEP)
                for (int i = 0; i < I8_C_STEP; i++) {
                    to[c * I8_SLICE + k + i] = from[i] & 15;
                    to[c * I8_SLICE + k + I8_C_STEP + i] = from[i] >> 4;
                }
    }
    return from;
}

const uint8_t *i8_bitmap_unpack_c(const i8_unpack *u) {
    uint8_t codes[64];
    int64_t words = u->k * u->cols / 64;
    const uint8_t *mask = u->from, *from = mask + 8 * words;
    for (int64_t w = 0; w < words; w++) {
        uint64_t bits;
        memcpy(&bits, mask + 8 * w, 8);
        memset(codes, I8_BIAS, sizeof codes);
        for (; bits; bits &= bits - 1) codes[__builtin_ctzll(bits)] = *from++;
        /* 64 codes are a step of 64 / I8_C_STEP neighbouring columns. */
        int64_t at = w * (64 / I8_C_STEP), step = at / u->cols, col = at % u->cols;
        int16_t *to = (int16_t *)u->to + col * I8_SLICE + step * I8_C_STEP;
        widen(codes, 64 / I8_C_STEP, to);
    }
    return (const uint8_t *)(((uintptr_t)from + 7) & ~(uintptr_t)7);
}
