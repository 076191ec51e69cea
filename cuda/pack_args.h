/* What the kernels that pack, unpack and prune are given, beside the sections of a layout in
 * cu_args.at: for the host and the device.
 *
 * Packing:   x W as floats, y the blob, extra a cu_pack_state, aux the extremes that scales are
 *            made of, w a list of counts or flags. aux and w are written in spite of their types.
 * Unpacking: w the blob, y the floats or halves, aux the factors of rows or null. */
#ifndef TARE_CUDA_PACK_ARGS_H
#define TARE_CUDA_PACK_ARGS_H

#include "cuda/args.h"

#include <stddef.h>

/* What the device says of W; zeroed before. */
typedef struct cu_pack_state {
    unsigned long long nnz;    /* values that are not 0, or blocks that hold one */
    unsigned long long bad_at; /* ~index of the first value that is not finite; 0: all are */
    uint32_t bad;              /* 1: a value or a scale does not fit its type */
} cu_pack_state;

/* Greatest value and greatest -value of what shares a scale, both from 0 up, as bits of floats:
 * those order as unsigned integers do. */
typedef struct cu_extremes {
    uint32_t high, low;
} cu_extremes;

/* cu_args.i */
enum {
    CU_PACK_VALUE,  /* tare_type of the stored values */
    CU_PACK_WHAT,   /* of a survey: CU_SURVEY_*; of unpacking: 1 leaves scales out */
    CU_PACK_ONE,    /* one scale for all rows */
    CU_PACK_UNITS,  /* warps that share a row, or a tile of rows, of W: segments, chunks, squares */
    CU_PACK_GROUPS, /* scales a row */
    CU_PACK_FLUSH,  /* steps of 32 columns that share a scale; 0: a row does */
    CU_PACK_WIDE,   /* there are zero points; of CSR: columns are 32 bits */
    CU_PACK_P,      /* N of N:M, rows of a block */
    CU_PACK_Q       /* M of N:M, columns of a block */
};
/* cu_args.at: how many values (blocks) W must have, or nothing is written; negative: any. */
enum { CU_PACK_EXPECT = 3 };

enum { CU_SURVEY_EXTREMES = 1, CU_SURVEY_COUNTS = 2, CU_SURVEY_BLOCKS = 4 };
enum { CU_PACK_SEGMENT = 1024 }; /* columns of a row that a warp takes */
enum { CU_PACK_WARPS = 8 };      /* of a block of every such kernel */
enum { CU_SCAN_BLOCK = 4096 };   /* numbers that a block adds up */

#endif
