/* 2:4 weights on CUDA, as the sparse tensor cores take them (mma.sp: m16n8k64 of int8, m16n8k32 of
 * f16 and bf16): nothing is decoded, a lane's 16 bytes are its fragment and a word its metadata.
 *
 * W is cut into tiles of 16 rows by units of 256 columns = four chunks of 64, so that metadata come
 * in 16 bytes a lane as well:
 *
 *   pieces   uint4 [tiles][units][1 + 4 Q][32 lanes]; piece 0 is metadata, a word a chunk; piece
 *            1 + Q chunk + q the lane's values for the q-th mma of a chunk; Q = 1 for int8, of 64
 *            columns, 2 for 16 bits, of 32 columns each
 *   scales   float [16 tiles], for int8
 *
 * Products don't mind the order of k as long as groups of four stay together: the order here is the
 * one in which x is read 16 bytes a lane. Int8: lane t of four has columns 8t .. 8t + 7 of a step
 * of 32, then those of the next (cuda/layout/x_int8.h); the first four are its share of the mma's
 * columns 0 .. 15, the next of 16 .. 31, and so on. 16 bits: a lane gives an mma two neighbouring
 * columns at a time, half a group, so lanes 2s and 2s + 1 swap halves of what they read (kernels/
 * nm24.cuh): group 4s + i of a step becomes the mma's group 2i + s.
 *
 * Groups that W lacks (past k, past n) hold zeros at places 0 and 1: metadata must ascend. */
#ifndef TARE_CUDA_NM24_LAYOUT_H
#define TARE_CUDA_NM24_LAYOUT_H

#include "cuda/layout/tile.h"

enum { CU_NM24_CHUNKS = 4, CU_NM24_UNIT = CU_NM24_CHUNKS * CU_TILE_CHUNK };

/* cu_args.i, beside those of tiles. */
enum { CU_NM24_UNITS = CU_TILE_CHUNKS };

/* Where a group's two values and their four bits of places lie: bytes from the blob's begin. */
typedef struct cu_nm24_at {
    int64_t values, places;
    int shift; /* of the places, in a word of 32 bits */
} cu_nm24_at;

/* A piece of a lane, in units of 16 bytes. */
CU_HD int64_t cu_nm24_piece(int64_t units, int quads, int64_t tile, int64_t unit, int piece,
                            int lane) {
    return ((tile * units + unit) * (1 + CU_NM24_CHUNKS * quads) + piece) * 32 + lane;
}

/* quads 1: int8; 2: 16 bits. `column`: the first of a group of four. */
CU_HD cu_nm24_at cu_nm24_find(int64_t units, int quads, int64_t row, int64_t column) {
    int64_t tile = row / CU_TILE_ROWS, unit = column / CU_NM24_UNIT;
    int g = (int)(row % 8), high = (int)(row % CU_TILE_ROWS / 8);
    int in = (int)(column % CU_NM24_UNIT), chunk = in / CU_TILE_CHUNK;
    int step = in % CU_TILE_CHUNK / CU_TILE_STEP, group = in % CU_TILE_STEP / 4;
    int piece, lane, word, byte, bits, owner;
    cu_nm24_at at;
    if (quads == 1) {
        int mma = 8 * step + group % 2 * 4 + group / 2; /* the group's number in the mma */
        lane = 4 * g + mma % 8 / 2;
        word = mma / 8 * 2 + high;
        byte = mma % 2 * 2;
        piece = 1 + chunk;
        owner = 4 * g + mma / 8 * 2 + high;
        bits = mma % 8 * 4;
    } else {
        int mma = group % 4 * 2 + group / 4;
        lane = 4 * g + mma % 4;
        word = mma / 4 * 2 + high;
        byte = 0;
        piece = 1 + 2 * chunk + step;
        owner = 4 * g + 2 * step + mma / 4; /* the pair of lanes that mma.sp's selector names */
        bits = high * 16 + mma % 4 * 4;
    }
    at.values = cu_nm24_piece(units, quads, tile, unit, piece, lane) * 16 + word * 4 + byte;
    at.places = cu_nm24_piece(units, quads, tile, unit, 0, owner) * 16 + chunk * 4;
    at.shift = bits;
    return at;
}

#endif
