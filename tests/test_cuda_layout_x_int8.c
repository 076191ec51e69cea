/* Where codes of int8 activations lie: each byte of a row once, and a lane's bytes of a step the
 * columns that the same lane holds of W. */
#include "cuda/layout/x_int8.h"

#include <criterion/criterion.h>
#include <string.h>

static void check(int nibbles) {
    enum { COLUMNS = 192 };
    char seen[COLUMNS] = {0};
    for (int k = 0; k < COLUMNS; k++) {
        int at = cu_x8_place(k, nibbles), in = at % CU_X8_CHUNK;
        cr_assert(at >= 0 && at < COLUMNS);
        cr_assert_eq(seen[at]++, 0, "column %d", k);
        cr_assert_eq(at / CU_X8_CHUNK, k / CU_X8_CHUNK);
        cr_assert_eq(in / 16, k % 32 / 8, "column %d is another lane's", k);
        cr_assert_eq(in % 16 / 8, k % CU_X8_CHUNK / 32, "column %d is of another step", k);
    }
}

Test(cuda_layout_x_int8, each_byte_once) {
    check(0);
    check(1);
}

/* A masked word of int4 has columns 0 4 1 5, its other half 2 6 3 7. */
Test(cuda_layout_x_int8, order_of_nibbles) {
    static const int columns[8] = {0, 4, 1, 5, 2, 6, 3, 7};
    for (int i = 0; i < 8; i++) cr_assert_eq(cu_x8_place(columns[i], 1), i);
}
