/* The host's side of 2:4 in fragments: sizes, packing, and back. */
#ifndef TARE_CUDA_NM24_PACK_H
#define TARE_CUDA_NM24_PACK_H

#include "cuda/layout/nm24.h"
#include "src/internal.h"

typedef struct cu_nm24_shape {
    int quads; /* 1: int8, 2: f16 and bf16 */
    int64_t tiles, units;
    size_t scales_at, bytes;
} cu_nm24_shape;

/* Of a 2:4 format of n x k whose values are i8, f16 or bf16. */
cu_nm24_shape cu_nm24_shape_of(const tare_format *f, int64_t n, int64_t k);

/* `blob` has shape.bytes, zeroed. */
void cu_nm24_pack(const tare_tensor *t, void *blob);

/* One row back, as tare_decode_row gives it of the tensor. */
void cu_nm24_decode_row(const tare_format *f, int64_t n, int64_t k, const void *blob, int64_t row,
                        float *out);

#endif
