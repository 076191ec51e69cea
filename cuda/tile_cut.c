/* Grids of the kernels over tiles, and what bounds them. */
#include "cuda/tile_cut.h"

#include <stdio.h>

/* A device is full with about two blocks on each of some 130 multiprocessors. The number is a
 * constant, not the device's: scratch is sized where the device is not known, and sums come out the
 * same on every device. Not yet measured on one. */
enum { FULL = 264, MOST_SPLITS = 16 };

/* Blocks along z are counted in 16 bits, of 8 rows at least; columns in 31; elements of x and y by
 * blocks of 256 in 31. */
static const int64_t MOST_M = 65535 * 8, MOST_K = 1 << 30, MOST_X = (int64_t)1 << 38;

cu_tile_cut cu_tile_cut_of(const cu_tile_kernel *k, int64_t tiles, int64_t parts, int64_t m) {
    cu_tile_cut c = {.row_blocks = (tiles + k->tiles - 1) / k->tiles,
                     .m_blocks = (m + k->rows - 1) / k->rows};
    c.splits = (FULL + c.row_blocks * c.m_blocks - 1) / (c.row_blocks * c.m_blocks);
    if (c.splits > parts) c.splits = parts;
    if (c.splits > MOST_SPLITS) c.splits = MOST_SPLITS;
    if (c.splits < 1) c.splits = 1;
    return c;
}

/* Past FULL blocks nothing is split. */
size_t cu_tile_most(const tare_problem *p, size_t (*bytes)(const tare_problem *p, int64_t m)) {
    size_t most = bytes(p, p->m), b;
    for (int64_t m = 1; m < p->m && m <= 64 * FULL; m = m < 64 ? m + 1 : m + 64)
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
    return cu_launch(s, k->address, &g, a);
}

tare_status cu_tile_launch_sum(cu_stream *s, const void *kernel, const cu_args *a) {
    cu_grid g = {.x = (unsigned)(((int64_t)a->m * a->n + 255) / 256), .threads = 256};
    return cu_launch(s, kernel, &g, a);
}
