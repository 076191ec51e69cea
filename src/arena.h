/* Blocks of data on huge pages, whatever their size.
 *
 * What a kernel streams misses the TLB less on huge pages, and a comparison of two kernels is about
 * the kernels only where both find their data on pages of one size. So blocks from ARENA_LEAST on
 * lie in mappings that start on a border of 2 MiB, are whole multiples of it and ask for huge pages
 * as a whole (most systems give them only when asked). Blocks below ARENA_LARGE share mappings of
 * ARENA_BYTES; of those only the huge pages that were touched take memory, so many copies of a blob
 * of 2.1 MB take 2.1 MB each. A larger block has a mapping of its own: its last page, half of which
 * is lost on average, is a sixteenth of the smallest of them.
 *
 * No two blocks in a row begin at the same place in a page (in a window of 256 KiB, large ones):
 * blocks that all begin at one offset would fall into the same sets of a cache, and a store to y
 * would look like one to the x that is 4 KiB away. */
#ifndef TARE_ARENA_H
#define TARE_ARENA_H

#include <stddef.h>

#define ARENA_LEAST ((size_t)4 << 10)
#define ARENA_PAGE ((size_t)2 << 20)
#define ARENA_BYTES ((size_t)32 << 20)
#define ARENA_LARGE ((size_t)16 << 20)
/* What is kept of mappings in which no block is left: one, this much of it in memory. */
#define ARENA_RESERVE ((size_t)4 << 20)

/* A block of at least ARENA_LEAST bytes, 64-byte aligned; null: there is no mapping to be had. */
void *arena_alloc(size_t bytes);
/* 0: it is no block of an arena. */
int arena_free(void *p);
/* Bytes of address space that arenas hold, for tests. */
size_t arena_mapped(void);

#endif
