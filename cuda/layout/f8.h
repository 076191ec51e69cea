/* e4m3 by bits: to halves, bf16 and floats, which hold each of its values, and from floats.
 *
 * Exponent and mantissa of a code are put at the upper end of the wider type's mantissa. Read there
 * they are the value too small by a fixed power of two, 2^8 in a half and 2^120 in a bf16 or float,
 * whose biases are 15 and 127 instead of 7. That holds for subnormal codes as well: they come to
 * lie as subnormals. So one exact multiplication finishes it. (NaN, 0x7f, is no weight: it would
 * come out as 480.)
 *
 * Compiled for the host too, where a test holds every code against the library's own conversion. */
#ifndef TARE_CUDA_F8_H
#define TARE_CUDA_F8_H

#include "cuda/args.h"

/* What the placed bits are multiplied by: two halves, two bf16, a float. */
#define CU_F8_HALVES 0x5c005c00u
#define CU_F8_BF16 0x7b807b80u
#define CU_F8_FLOAT 0x1p120f

/* Two codes in the upper bytes of a word's halves; the lower bytes are 0. */
CU_HD uint32_t cu_f8_to_halves(uint32_t two) {
    return (two & 0x80008000u) | (two >> 1 & 0x3f803f80u);
}
CU_HD uint32_t cu_f8_to_bf16(uint32_t two) {
    return (two & 0x80008000u) | (two >> 4 & 0x07f007f0u);
}
/* A code in the highest byte; the others don't matter. */
CU_HD uint32_t cu_f8_to_float(uint32_t one) {
    return (one & 0x80000000u) | (one >> 4 & 0x07f00000u);
}

/* The nearest code to the float of these bits, ties to even; past 448 it stays 448. */
CU_HD uint32_t cu_f8_of_float(uint32_t bits) {
    uint32_t sign = bits >> 24 & 0x80u, a = bits & 0x7fffffffu;
    if (a > 0x7f800000u) return sign | 0x7fu;
    if (a >= 0x43e00000u) return sign | 0x7eu;
    if (a >= 0x3c800000u) { /* 2^-6 and more: 20 bits of mantissa go */
        a += 0x7ffffu + (a >> 20 & 1u);
        return sign | (a - 0x3c000000u) >> 20;
    }
    uint32_t exponent = a >> 23;
    if (exponent < 117) return sign; /* below half of 2^-9 */
    uint32_t mantissa = (a & 0x7fffffu) | 0x800000u, drop = 141 - exponent;
    uint32_t half = 1u << (drop - 1), q = mantissa >> drop;
    return sign | (q + ((mantissa & (2 * half - 1)) + (q & 1u) > half));
}

#endif
