/* Small things that rows and layouts share: sizes rounded up, and how a problem is refused. */
#ifndef TARE_CUDA_SMALL_H
#define TARE_CUDA_SMALL_H

#include "src/internal.h"

#include <stdio.h>

/* Sections of blobs and scratch begin at multiples of 256 bytes. */
static inline size_t cu_up256(size_t v) {
    return (v + 255) / 256 * 256;
}
static inline size_t cu_up16(size_t v) {
    return (v + 15) / 16 * 16;
}
/* The next multiple of `to`. */
static inline int64_t cu_up(int64_t v, int64_t to) {
    return (v + to - 1) / to * to;
}
/* How many pieces of `size` hold v. */
static inline int64_t cu_pieces(int64_t v, int64_t size) {
    return (v + size - 1) / size;
}

/* What `fit` returns where it does not take a problem. */
static inline int cu_refuse(tare_fit *f, const char *why) {
    snprintf(f->why, sizeof f->why, "%s", why);
    return 0;
}

#endif
