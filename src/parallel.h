/* The one seam under everything that works on several threads: kernels, encoders, packers, the
 * reference, training, the harness.
 *
 * Work is cut into pieces. Who runs them is another matter: the pool of src/pool.c, or a host that
 * lends its own threads (tare_set_parallel, tare_stream_set_parallel), which may run one piece
 * after another. So no piece may wait for another: what needs a barrier is two regions.
 *
 * A region inside a piece runs in place, piece by piece, on the thread that asks. */
#ifndef TARE_PARALLEL_H
#define TARE_PARALLEL_H

#include <tare/tare.h>

/* Piece `piece` of `pieces`. Two pieces of one region may run at the same time, the same piece
 * never does: what belongs to a piece (scratch, partial sums) needs no lock. */
typedef void parallel_piece(void *ctx, int piece, int pieces);
/* Items from..to-1, the share of `part`. */
typedef void parallel_range(void *ctx, int64_t from, int64_t to, int part);
typedef void parallel_item(void *ctx, int64_t item, int part);

enum { PARALLEL_MAX = 1024 }; /* threads, and pieces of a region */

/* Each returns once all is done. What pieces write is visible to the caller then. */
void parallel_pieces(int pieces, parallel_piece *piece, void *ctx);
/* `total` items in at most `threads` neighbouring shares that differ by one item at most. */
void parallel_ranges(int64_t total, int threads, parallel_range *range, void *ctx);
/* `total` items, each taken by the part (0..threads-1) that is free next. */
void parallel_items(int64_t total, int threads, parallel_item *item, void *ctx);

/* Half-open share `part` of `parts` of `total` items: sizes differ by at most one. */
static inline int64_t parallel_share(int64_t total, int part, int parts) {
    return total / parts * part + (part < total % parts ? part : total % parts);
}

/* Threads that a host lends. fn null: none, the pool's are used. */
typedef struct parallel_host {
    tare_parallel_fn fn;
    void *ctx;
    int threads;
} parallel_host;

/* Makes `h` (null: the process's choice) what regions of this thread run on; returns what was. */
const parallel_host *parallel_enter(const parallel_host *h);
void parallel_leave(const parallel_host *before);
/* Whether regions of this thread run on threads that a host lends: libraries that start threads of
 * their own are not to run beside them. */
int parallel_lent(void);

#endif
