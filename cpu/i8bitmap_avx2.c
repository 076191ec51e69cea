/* Bitmap panels with BMI2: eight bits of a mask become eight bytes, and pdep puts packed codes
 * where those are set. */
#include "cpu/i8bitmap.h"

#include <immintrin.h>
#include <string.h>

const uint8_t *i8_bitmap_unpack_avx2(const i8_unpack *u) {
    const uint64_t each = 0x0101010101010101u, rest = each * I8_BIAS;
    int64_t bytes = u->k * u->cols / 8;
    const uint8_t *mask = u->from, *codes = mask + bytes;
    for (int64_t i = 0; i < bytes; i++) {
        uint64_t packed, where = _pdep_u64(mask[i], each) * 255;
        memcpy(&packed, codes, 8); /* up to 7 bytes past the last code: the blob has room */
        uint64_t v = _pdep_u64(packed, where) | (rest & ~where);
        memcpy(u->to + 8 * i, &v, 8);
        codes += _mm_popcnt_u32(mask[i]);
    }
    return (const uint8_t *)(((uintptr_t)codes + 7) & ~(uintptr_t)7);
}
