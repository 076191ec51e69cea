/* Codes of canonical tensors as the panels of cpu/i8gemm.h want them. */
#ifndef TARE_CPU_I8PACK_H
#define TARE_CPU_I8PACK_H

#include "cpu/i8gemm.h"

/* All k codes of a row of an int8 or int4 tensor of any layout; I8_BIAS where nothing is stored. */
void i8_row_codes(const tare_tensor *t, int64_t row, uint8_t *u);

/* The code that stands for zero in group g of a row of W. */
int32_t i8_zero_of(const tare_tensor *t, int64_t row, int64_t g);

/* `count` codes of column c, the first at a multiple of I8_PAD, into panel order. */
void i8_put_codes(const i8_row *r, const uint8_t *u, int64_t count, int32_t cols, int32_t c,
                  uint8_t *to);

#endif
