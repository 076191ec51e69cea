/* Tiles: the packed layout of dense weights on CUDA, shaped for mma.m16n8k16 with W's rows as the
 * mma's M, so that few rows of x waste nothing.
 *
 * A tile is 16 rows of W, cut along k into chunks of 64 = two steps of 32. Within a step, lane
 * (g, t) = (lane / 4, lane % 4) of a warp holds columns 8t .. 8t + 7 of rows g and g + 8: eight
 * neighbours, so that x is read 16 bytes at a time straight from its rows. Products don't mind the
 * order of k, as long as W and x agree: the first mma of a step takes a lane's columns 0, 1 and 2,
 * 3, the second the rest.
 *
 *   words    uint32 [tiles][chunks][Q][32 lanes][4]; Q = bits / 4 quads of 16 bytes a lane; word
 *            w = 4 quad + i of a lane's chunk is step w / (W / 2), row g + 8 (w / (W / 4) % 2),
 *            where W = 4 Q words
 *   scales   by group: uint32 [tiles][groups][8]: the f16 scale of row g low, of row g + 8 high;
 *            else float [16 tiles]
 *   zeros    uint16 [tiles][groups][8]: the zero point of row g low, of g + 8 high, as unsigned
 *            as the stored integer
 *
 * Integers are stored unsigned: i8 as q + 128; f8 as their codes. The i4 of a word are ordered so
 * that a mask leaves two columns that are neighbours in the halves of a register: nibbles 0..3 are
 * columns 0, 2, 4, 6, nibbles 4..7 columns 1, 3, 5, 7. (The idea of storing weights in the order
 * the instruction wants them, and of masking them into the mantissa of 1024.0: Frantar et al.,
 * Marlin, 2024; Kim et al., "Who says elephants can't run", 2022, section 4.) */
#ifndef TARE_CUDA_TILE_H
#define TARE_CUDA_TILE_H

#include "cuda/args.h"

enum { CU_TILE_ROWS = 16, CU_TILE_CHUNK = 64, CU_TILE_STEP = 32 };

/* cu_args.at and .i of the kernels over tiles. */
enum { CU_TILE_SCALES, CU_TILE_ZEROS, CU_TILE_X_SUMS }; /* X_SUMS: from aux on */
enum {
    CU_TILE_CHUNKS,
    CU_TILE_GROUPS,
    CU_TILE_FLUSH,  /* steps that share a scale; 0: all of k do */
    CU_TILE_SPLITS, /* more than one: sums go to `extra`, [split][m][n] */
    CU_TILE_LDX,    /* elements from one row of x to the next */
    CU_TILE_HEADS   /* what there is: CU_HAS_* */
};
enum { CU_HAS_SCALES = 1, CU_HAS_ZEROS = 2 };

/* Where in the blob's words an element lies. */
typedef struct cu_tile_at {
    int64_t word;
    int shift;
} cu_tile_at;

CU_HD cu_tile_at cu_tile_find(int64_t chunks, int bits, int64_t row, int64_t column) {
    int64_t quads = bits / 4, tile = row / CU_TILE_ROWS, chunk = column / CU_TILE_CHUNK;
    int r = (int)(row % CU_TILE_ROWS), k = (int)(column % CU_TILE_CHUNK), e = k % 8;
    int lane = r % 8 * 4 + k % CU_TILE_STEP / 8, per_word = 32 / bits,
        words = bits / 4; /* words: of a row's step, 8 columns */
    int at = k / CU_TILE_STEP * 2 * words + r / 8 * words;
    cu_tile_at p;
    at += bits == 4 ? 0 : e / per_word;
    p.shift = bits == 4 ? 4 * (e / 2 + e % 2 * 4) : e % per_word * bits;
    p.word = (((tile * chunks + chunk) * quads + at / 4) * 32 + lane) * 4 + at % 4;
    return p;
}

/* The 16 bytes of quad q of a lane, in units of 16 bytes. */
CU_HD int64_t cu_tile_quad(int64_t chunks, int quads, int64_t tile, int64_t chunk, int q,
                           int lane) {
    return ((tile * chunks + chunk) * quads + q) * 32 + lane;
}

/* The pair of scales or zeros of rows g and g + 8. */
CU_HD int64_t cu_tile_head(int64_t groups, int64_t tile, int64_t group, int g) {
    return (tile * groups + group) * 8 + g;
}

#endif
