/* The kernels over tiles, as the host asks for them: instances of templates, by address. */
#ifndef TARE_CUDA_TILE_KERNELS_H
#define TARE_CUDA_TILE_KERNELS_H

#include "cuda/args.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A kernel and what a block of it does: grid = row tiles / tiles, splits of k, rows of x / rows. */
typedef struct cu_tile_kernel {
    const void *address; /* null: there is none */
    int tiles, rows, threads;
    size_t shared; /* dynamic, bytes */
    int warps_k;   /* warps of a block that share out k, whose last block adds up the splits; 0:
                      others, which leave that to cu_tile_sum */
    int per_sm;    /* blocks that a multiprocessor holds; 0: two */
} cu_tile_kernel;

/* In the place of bits, e4m3 in 8 of them. */
enum { CU_TILE_F8 = 108 };

/* bits 4, 8 or 16 of a weight, or CU_TILE_F8; bf16: x and the tensor cores' operands are bf16, else
 * f16; mt: tiles of 8 rows of x, 1, 2 or 4. */
cu_tile_kernel cu_tile_stream(int bits, int bf16, int grouped, int zeros, int mt);
/* For many rows of x: 64 a block, by way of shared memory. */
cu_tile_kernel cu_tile_block(int bits, int bf16, int grouped, int zeros);
/* f32 x, and any type of weights, on the plain cores; value is a tare_type; mt 1, 4 or 8 rows. */
cu_tile_kernel cu_tile_fma(int value, int grouped, int mt);

/* The first two with int8 activations; bits 4 or 8. */
cu_tile_kernel cu_tile_int8_stream(int bits, int grouped, int zeros, int mt);
cu_tile_kernel cu_tile_int8_block(int bits, int grouped);

/* 2:4 weights on the sparse tensor cores; value TARE_I8, TARE_F16 or TARE_BF16, of W and of x. */
cu_tile_kernel cu_nm24_stream(int value, int mt);
cu_tile_kernel cu_nm24_block(int value);

/* Bitmap weights; value is a tare_type; on tensor cores 8 rows of x a block, else mt 1, 4 or 8. */
cu_tile_kernel cu_bitmap(int value, int on_tensor_cores, int mt);
/* On tensor cores, for 9 rows of x and more: 8 mt a block, mt 2, 4 or 8. */
cu_tile_kernel cu_bitmap_block(int bf16, int mt);
/* Those of int8 with int8 activations; mt 1, 2 or 4. */
cu_tile_kernel cu_bitmap_int8(int mt);
/* CSR weights, x turned; `tiles` are rows of W; mt 1, 4 or 8 rows of x in all, else 64 a block. */
cu_tile_kernel cu_csr(int mt);
/* Block-sparse weights; as cu_bitmap. */
cu_tile_kernel cu_blocks(int value, int on_tensor_cores, int mt);
/* Those of int8 with int8 activations; mt 1, 2 or 4. */
cu_tile_kernel cu_blocks_int8(int mt);
/* 16-bit ones, where blocks are whole 64 rows high, by 256 rows of x a block. */
cu_tile_kernel cu_blocks_wide(int bf16);
/* Of blocks whose sides are whole 64s, by 256 rows of x a block on sm_90a; `tiles` of 64 rows of W
 * that have the same columns: 1 or 2. */
cu_tile_kernel cu_blocks_wgmma(int bf16, int tiles);

#ifdef __cplusplus
}
#endif

#endif
