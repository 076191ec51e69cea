/* What a row multiplies, as lists. A row's `fit` begins with them, so it refuses whatever came to
 * be after it: a value type, a layout or a flag that nobody told it of. Shared by all backends. */
#ifndef TARE_TAKES_H
#define TARE_TAKES_H

#include "src/internal.h"

/* A coding: a value type, how it is scaled, and whether it has zero points (Z). */
enum {
    TAKES_F32 = 1 << 0,
    TAKES_F16 = 1 << 1,
    TAKES_BF16 = 1 << 2,
    TAKES_I8_TENSOR = 1 << 3,
    TAKES_I8_ROW = 1 << 4,
    TAKES_I8_GROUP = 1 << 5,
    TAKES_I8_TENSOR_Z = 1 << 6,
    TAKES_I8_ROW_Z = 1 << 7,
    TAKES_I8_GROUP_Z = 1 << 8,
    TAKES_I4_GROUP = 1 << 9,
    TAKES_I4_GROUP_Z = 1 << 10,
    TAKES_F8_TENSOR = 1 << 11,
    TAKES_F8_ROW = 1 << 12,

    TAKES_FLOATS = TAKES_F32 | TAKES_F16 | TAKES_BF16,
    TAKES_I8_PLAIN = TAKES_I8_TENSOR | TAKES_I8_ROW, /* all there is of sparse i8 */
    TAKES_I8 =
        TAKES_I8_PLAIN | TAKES_I8_GROUP | TAKES_I8_TENSOR_Z | TAKES_I8_ROW_Z | TAKES_I8_GROUP_Z,
    TAKES_I4 = TAKES_I4_GROUP | TAKES_I4_GROUP_Z,
    TAKES_F8 = TAKES_F8_TENSOR | TAKES_F8_ROW,
};

/* One of `layouts`, `x` or `y`: TAKES(TARE_DENSE) | TAKES(TARE_CSR). */
#define TAKES(what) (1u << (what))
#define TAKES_FLOAT_TYPES (TAKES(TARE_F32) | TAKES(TARE_F16) | TAKES(TARE_BF16))

enum {
    /* What asks for nothing that an exact row does not give. */
    TAKES_MAY = TARE_SUM_F16 | TARE_TF32 | TARE_W_ROUND | TARE_SUM_F8,
    TAKES_END = TARE_BIAS | TARE_RELU,
    TAKES_X_FLOAT = TAKES_END | TAKES_MAY, /* `flags` of a row that takes x as it is */
    TAKES_X_I8 = TAKES_END | TARE_X_I8,
    TAKES_X_F8 = TAKES_END | TARE_X_F8 | TARE_SUM_F8,
};

typedef struct tare_takes {
    uint32_t layouts, codings;
    uint32_t x, y;
    uint32_t flags; /* may be set */
    uint32_t wants; /* must be */
} tare_takes;

/* 1: all of the problem stands in the lists; 0: `why` says what does not. Sizes, the N of M and the
 * sides of blocks are the row's own matter. */
int tare_takes_problem(const tare_takes *t, const tare_problem *p, char why[160]);

/* The bit of a coding; 0: there is no such one. */
uint32_t tare_coding(const tare_format *f);
/* All codings of a value type. */
uint32_t tare_codings(tare_type value);

#endif
