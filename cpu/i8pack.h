#ifndef TARE_CPU_I8PACK_H
#define TARE_CPU_I8PACK_H

#include "cpu/cpu.h"

/* The code that stands for zero in group g of a row of W, in the panels' unsigned codes. */
int32_t i8_zero_of(const tare_tensor *t, int64_t row, int64_t g);

#endif
