/* Packed weights of any layout of cuda/layout decoded to row-major W on the device: for
 * tare_unpack_values, and for rows that hand W to a library of NVIDIA's in 16 bits. */
#ifndef TARE_CUDA_UNPACK_H
#define TARE_CUDA_UNPACK_H

#include "cuda/cu.h"

/* Queues out[row * ld + column] = scale (q - zero), n rows of ld >= k elements of type `to` (f32,
 * f16, bf16), zeros from column k on. `out` is aligned to 16 bytes; rows go out in stores of 16
 * bytes where ld is a multiple of 4 (f32) or 8.
 *
 * Rounding: once, from the exact product to the nearest, ties to even: f32 is what tare_decode_row
 * gives. (Blocks of i8 hold that f32, and it is what is rounded.) The range of f16 is narrow: past
 * 65504 values become infinite, below 2^-14 they lose bits, below 2^-25 all of them. Values of i8
 * and i4 are their scale times 1..255 or 1..15, so a scale below 2^-14 costs bits, and one above
 * 255 may overflow; scales near the 1/sqrt(k) of weights are well inside. bf16 has the range of f32
 * and 8 bits. Two ways to lose less:
 *
 *   factors   n floats on the device, powers of two: row i is multiplied by factors[i] before it is
 *             rounded; whoever uses W divides. Null: 1. A scale times its factor must be a normal
 *             float.
 *   bare      1: scales are left out, q - zero is given, which all three types hold exactly (up to
 *             255); the user applies the scale of the row. Of i8 scaled by row or tensor, in tiles,
 *             bitmaps, N:M and CSR; TARE_E_UNSUPPORTED of others. */
typedef struct cu_unpack_how {
    const float *factors;
    int bare;
} cu_unpack_how;

/* how: null is { NULL, 0 }. */
tare_status cu_unpack_queue(cu_stream *s, const tare_problem *p, const void *blob, tare_type to,
                            void *out, int64_t ld, const cu_unpack_how *how);

#endif
