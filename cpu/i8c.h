/* The portable rows over cpu/i8gemm.h: panels of 16 columns whose slices are unpacked to 16-bit
 * codes, each column's side by side, for dot products that compilers turn into multiply-adds of
 * 16-bit pairs. */
#ifndef TARE_CPU_I8C_H
#define TARE_CPU_I8C_H

#include "cpu/i8gemm.h"

enum { I8_C_COLS = 16, I8_C_STEP = 8 };

i8_unpack_fn i8_codes_unpack_c, i8_nibbles_unpack_c, i8_bitmap_unpack_c;

#endif
