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
 * gives. f16 has 11 bits from 2^-14 to 65504: larger values become infinite, smaller ones lose bits
 * and below 2^-25 all of them. Weights of i8 or i4 are near their scale times 1..127 or 1..7, so
 * scales below 2^-14 lose bits already; bf16 has the range of f32 and 8 bits, one too few for the
 * codes 129..255 of zero points and for 11-bit products of f16 scales. So there are two ways to
 * keep every bit:
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
