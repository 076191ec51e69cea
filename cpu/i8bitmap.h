/* Bitmap panels (cpu/i8gemm.h): shared by the rows whose weights are sparse int8. */
#ifndef TARE_CPU_I8BITMAP_H
#define TARE_CPU_I8BITMAP_H

#include "cpu/i8gemm.h"

i8_tile_fn i8_bitmap_tile_vbmi2; /* at most I8_ROWS rows, all of k from the panel itself */
i8_unpack_fn i8_bitmap_unpack_vbmi2, i8_bitmap_unpack_avx2;

#endif
