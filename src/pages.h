/* On which pages memory lies. */
#ifndef TARE_PAGES_H
#define TARE_PAGES_H

#include <stddef.h>

typedef struct tare_block {
    const void *p;
    size_t bytes;
} tare_block;

/* Bytes of these blocks that lie on huge pages now. 1: `huge` is exact; 0: nobody says.
 *
 * Kernels from 6.7 on tell it page by page (PAGEMAP_SCAN). Before, /proc/self/smaps counts what a
 * whole mapping has, and neighbours of one kind are one mapping there: that is an answer only where
 * it leaves no choice, none of it huge, or all of it. Blocks are taken to be in memory. */
int tare_pages_huge(const tare_block *b, int count, size_t *huge);

/* The second way alone, with the text of such a file, for tests. */
int tare_pages_huge_from(const char *smaps, const tare_block *b, int count, size_t *huge);

#endif
