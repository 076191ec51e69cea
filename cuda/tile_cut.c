/* Grids of the kernels over tiles, and what bounds them. */
#include "cuda/tile_cut.h"

#include <stdio.h>

/* Multiprocessors of a device. The number is a constant, not the device's: scratch is sized where
 * the device is not known, and sums come out the same on every device. It is an H100's; not yet
 * measured on one. */
enum { UNITS = 132, MOST_SPLITS = 16 };

enum { FREE_SHARED = 48 << 10 }; /* dynamic shared memory that needs no leave */

/* What a split costs beside its share of k, as a part of all of k: its sums are stored and read
 * again, 8 bytes an element, where a row of W has k / 2 (i4) to 2 k (f16). */
static const double SPLIT = 0.02;
/* What a wave costs beside it: its blocks wait for memory before they have anything to do. */
static const double WAVE = 0.03;

/* Blocks along z are counted in 16 bits, of 8 rows at least; columns in 31; elements of x and y by
 * blocks of 256 in 31. */
static const int64_t MOST_M = 65535 * 8, MOST_K = 1 << 30, MOST_X = (int64_t)1 << 38;

/* Blocks run in waves, and the last one is rarely full: the number of splits is the one that ends
 * first. A grid that fills the device as it is, is not split. */
cu_tile_cut cu_tile_cut_of(const cu_tile_kernel *k, int64_t tiles, int64_t parts, int64_t m) {
    cu_tile_cut c = {.row_blocks = (tiles + k->tiles - 1) / k->tiles,
                     .m_blocks = (m + k->rows - 1) / k->rows,
                     .splits = 1};
    int64_t blocks = c.row_blocks * c.m_blocks, full = UNITS * (k->per_sm ? k->per_sm : 2);
    double least = 0;
    if (blocks >= full || blocks > CU_ARRIVALS) return c; /* a counter each */
    for (int64_t s = 1; s <= MOST_SPLITS && s <= parts; s++) {
        double waves = (double)((blocks * s + full - 1) / full);
        double cost =
            waves / (double)s + WAVE * waves + SPLIT * (double)(s * blocks) / (double)full;
        if (s > 1 && cost >= least) continue;
        least = cost;
        c.splits = s;
    }
    return c;
}

/* Past 64 rows a kernel has 8 rows of x a block or a multiple of it, so the most of so many blocks
 * is at a multiple of 8, or at all rows. Past a full grid nothing is split: with two blocks of 256
 * rows a multiprocessor no later than here. */
size_t cu_tile_most(const tare_problem *p, size_t (*bytes)(const tare_problem *p, int64_t m)) {
    size_t most = bytes(p, p->m), b;
    for (int64_t m = 1; m < p->m && m <= 256 * 2 * UNITS; m = m < 64 ? m + 1 : m + 8)
        if ((b = bytes(p, m)) > most) most = b;
    return most;
}

int cu_tile_counts(const tare_problem *p, tare_fit *f) {
    if (p->m <= MOST_M && p->k <= MOST_K && p->m * (p->k + p->n) <= MOST_X) return 1;
    snprintf(f->why, sizeof f->why, "counts in 31 bits: m, k or m (k + n) is too large");
    return 0;
}

tare_status cu_tile_launch(cu_stream *s, const cu_tile_kernel *k, const cu_tile_cut *c,
                           const cu_args *a) {
    cu_grid g = {.x = (unsigned)c->row_blocks,
                 .y = (unsigned)c->splits,
                 .z = (unsigned)c->m_blocks,
                 .threads = (unsigned)k->threads,
                 .shared = k->shared};
    if (k->shared > FREE_SHARED) TARE_TRY(cu_allow_shared(s->device, k->address, k->shared));
    return cu_launch(s, k->address, &g, a);
}

tare_status cu_tile_launch_sum(cu_stream *s, const void *kernel, const cu_args *a) {
    cu_grid g = {.x = (unsigned)(((int64_t)a->m * a->n + 255) / 256), .threads = 256};
    return cu_launch(s, kernel, &g, a);
}
