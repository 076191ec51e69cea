/* Bit layouts shared by every backend. Valid in C11, CUDA C and OpenCL C: macros over unsigned
 * integers only, no types and no includes of its own.
 *
 * i4       two values a byte along k: even k in the low nibble, odd k in the high one, unsigned
 *          0..15. Symmetric formats store q + 8 (q in -7..7), so that both kinds decode as
 *          scale * (nibble - zero) with zero = 8 where there are no zero points. Each row starts on
 *          a byte; the last high nibble of an odd k holds 8 (symmetric) or the group's zero.
 * N:M      the columns of kept values within their group of M, ascending, TARE_NM_BITS(M) bits
 *          each, first value in the lowest bits of the first byte; each row starts on a byte.
 * bitmap   64-bit little-endian words, bit j of word w stands for column 64 w + j; bits past k are
 * 0.
 */
#ifndef TARE_BITS_H
#define TARE_BITS_H

#define TARE_I4_ZERO 8
/* The nibble of column k in the byte that holds columns k & ~1 and k | 1. */
#define TARE_I4_GET(byte, k) (((unsigned)(byte) >> (((k)&1) * 4)) & 15u)
#define TARE_I4_PUT(even, odd) ((unsigned char)(((even)&15u) | (((odd)&15u) << 4)))
#define TARE_I4_ROW_BYTES(k) (((k) + 1) / 2)

/* Bits of one N:M column: 2 for M <= 4, 4 for M <= 16, so that no field crosses a byte. */
#define TARE_NM_BITS(m) ((m) <= 4 ? 2 : 4)
#define TARE_NM_PER_BYTE(m) (8 / TARE_NM_BITS(m))
/* The column within its group of kept value i (0-based within the row). */
#define TARE_NM_GET(bytes, i, m)                                                                   \
    (((unsigned)(bytes)[(i) / TARE_NM_PER_BYTE(m)] >>                                              \
      (((i) % TARE_NM_PER_BYTE(m)) * TARE_NM_BITS(m))) &                                           \
     ((1u << TARE_NM_BITS(m)) - 1u))

#define TARE_BITMAP_WORDS(k) (((k) + 63) / 64)
#define TARE_BITMAP_GET(words, k) (((words)[(k) / 64] >> ((k) % 64)) & 1u)

/* Column indices of CSR (and block columns) are 16 bits wide where they fit, else 32. */
#define TARE_INDEX_BYTES(columns) ((columns) <= 65536 ? 2 : 4)

#endif
