/* The .tare file, all numbers little-endian, nothing padded:
 *
 *     file header     "TAREMDL1"  u32 version  u32 layers  u64 file bytes  scheme[32]
 *     layer headers   i32 value layout scaling zero_points group nm_n nm_m block_r block_c
 *                     u32 x y flags   i64 n k nnz   u64 bytes of each of the five parts
 *     layer data      bias f32[n], then the parts in order as docs/formats.md lays them out
 *     trailer         u32 CRC-32 of all that is before it
 */
#ifndef TARE_MODEL_LAYOUT_H
#define TARE_MODEL_LAYOUT_H

#include <stdint.h>
#include <string.h>

#define MODEL_MAGIC "TAREMDL1"
enum {
    MODEL_VERSION = 1,
    MODEL_HEADER = 8 + 4 + 4 + 8 + 32,
    MODEL_LAYER = 9 * 4 + 3 * 4 + 3 * 8 + 5 * 8,
    MODEL_TRAILER = 4
};

static inline void put_u32(uint8_t **at, uint32_t v) {
    for (int i = 0; i < 4; i++) *(*at)++ = (uint8_t)(v >> (8 * i));
}
static inline void put_u64(uint8_t **at, uint64_t v) {
    for (int i = 0; i < 8; i++) *(*at)++ = (uint8_t)(v >> (8 * i));
}
static inline uint32_t get_u32(const uint8_t **at) {
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) v |= (uint32_t)(*(*at)++) << (8 * i);
    return v;
}
static inline uint64_t get_u64(const uint8_t **at) {
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v |= (uint64_t)(*(*at)++) << (8 * i);
    return v;
}

#endif
