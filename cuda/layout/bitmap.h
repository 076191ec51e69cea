/* Bitmap weights on CUDA: tiles of 16 rows by chunks of 64 columns as in cuda/layout/tile.h, so
 * that what a lane decodes is its fragment of mma.m16n8k16.
 *
 *   masks     uint32 [tiles][chunks][32]: a lane's 32 positions of a chunk, lowest bit first: step
 *             (32 columns), row g or g + 8, one of the eight columns 8t .. 8t + 7
 *   offsets   uint32 [tiles][chunks + 1]: where the values of a chunk begin, in units of 16 bytes;
 *             the entry behind a tile's last chunk is where that one ends
 *   scales    float [16 tiles], for int8
 *   values    as the format has them, lane by lane, in the order of the bits; each chunk starts on
 *             16 bytes, with zeros before it
 *
 * (Values of a tile side by side behind a bitmap, decoded by the lanes of a warp in parallel: Fan
 * et al., SpInfer, EuroSys 2025, section 4.2; their tiles are of 8 x 8 and staged in shared
 * memory.) */
#ifndef TARE_CUDA_BITMAP_LAYOUT_H
#define TARE_CUDA_BITMAP_LAYOUT_H

#include "cuda/layout/tile.h"

/* cu_args.at; SCALES is that of tiles. */
enum { CU_BITMAP_OFFSETS = 1, CU_BITMAP_VALUES };

enum { CU_BITMAP_PIECE = 16 };

typedef struct cu_bitmap_at {
    int64_t mask; /* index into the masks */
    int bit;
} cu_bitmap_at;

CU_HD cu_bitmap_at cu_bitmap_find(int64_t chunks, int64_t row, int64_t column) {
    int r = (int)(row % CU_TILE_ROWS), k = (int)(column % CU_TILE_CHUNK);
    int lane = r % 8 * 4 + k % CU_TILE_STEP / 8;
    cu_bitmap_at p;
    p.mask = ((row / CU_TILE_ROWS) * chunks + column / CU_TILE_CHUNK) * 32 + lane;
    p.bit = k / CU_TILE_STEP * 16 + r / 8 * 8 + k % 8;
    return p;
}

/* The other way: the row within the tile and the column within the chunk of a lane's bit. */
CU_HD int cu_bitmap_row(int lane, int bit) {
    return lane / 4 + bit / 8 % 2 * 8;
}
CU_HD int cu_bitmap_column(int lane, int bit) {
    return bit / 16 * CU_TILE_STEP + lane % 4 * 8 + bit % 8;
}

#endif
