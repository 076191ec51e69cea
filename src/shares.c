/* Shapes of work that are built on pieces: neighbouring shares, and items taken one by one. Backend
 * modules carry this file; their pieces are run by the library that loaded them. */
#include "src/parallel.h"

#include <stdatomic.h>

typedef struct ranges {
    parallel_range *range;
    void *ctx;
    int64_t total;
} ranges;

static void share(void *ctx, int part, int parts) {
    const ranges *r = ctx;
    r->range(r->ctx, parallel_share(r->total, part, parts),
             parallel_share(r->total, part + 1, parts), part);
}

static int at_most(int64_t total, int threads) {
    if (threads > PARALLEL_MAX) threads = PARALLEL_MAX;
    return total < threads ? (int)total : threads;
}

void parallel_ranges(int64_t total, int threads, parallel_range *range, void *ctx) {
    ranges r = {range, ctx, total};
    parallel_pieces(at_most(total, threads), share, &r);
}

typedef struct items {
    parallel_item *item;
    void *ctx;
    int64_t total;
    _Alignas(64) atomic_llong next;
} items;

static void take(void *ctx, int part, int parts) {
    items *w = ctx;
    (void)parts;
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed);
        if (i >= w->total) return;
        w->item(w->ctx, i, part);
    }
}

void parallel_items(int64_t total, int threads, parallel_item *item, void *ctx) {
    items w;
    w.item = item;
    w.ctx = ctx;
    w.total = total;
    atomic_init(&w.next, 0);
    parallel_pieces(at_most(total, threads), take, &w);
}
