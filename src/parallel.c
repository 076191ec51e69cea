/* Regions: where they run. */
#include "src/parallel.h"

#include "src/fpenv.h"
#include "src/internal.h"
#include "src/pool.h"

#include <stdatomic.h>
#include <string.h>

static parallel_host process;                      /* fn null: the pool */
static _Thread_local const parallel_host *streams; /* while a stream's own is in use */
static _Thread_local int inside;                   /* a piece runs on this thread */

tare_status tare_set_parallel(tare_parallel_fn fn, void *ctx, int threads) {
    if (fn && threads < 1)
        TARE_FAIL(TARE_E_ARG, "set_parallel: a host that lends threads lends one at least");
    process = (parallel_host){fn, fn ? ctx : NULL, threads};
    tare_set_threads(threads);
    return TARE_OK;
}

const parallel_host *parallel_enter(const parallel_host *h) {
    const parallel_host *before = streams;
    streams = h;
    return before;
}

void parallel_leave(const parallel_host *before) {
    streams = before;
}

/* The host of this thread's regions. */
static const parallel_host *here(void) {
    return streams ? streams : &process;
}

int parallel_lent(void) {
    return here()->fn != NULL;
}

/* ---- pieces ---- */

static void in_place(int pieces, parallel_piece *piece, void *ctx) {
    for (int i = 0; i < pieces; i++) piece(ctx, i, pieces);
}

/* What a host gets to run. A piece that it runs twice, or that is none, is passed over; those that
 * it leaves out are run by us: an answer may not depend on its manners. */
typedef struct lent {
    parallel_piece *piece;
    void *ctx;
    int pieces;
    atomic_uchar taken[PARALLEL_MAX];
} lent;

static void run_lent(void *arg, int i) {
    lent *l = arg;
    if (i < 0 || i >= l->pieces || atomic_exchange(&l->taken[i], 1)) return;
    TARE_FP_DEFAULT;
    int before = inside;
    inside = 1;
    l->piece(l->ctx, i, l->pieces);
    inside = before;
}

static void on_host(const parallel_host *h, int pieces, parallel_piece *piece, void *ctx) {
    lent l;
    l.piece = piece;
    l.ctx = ctx;
    l.pieces = pieces;
    for (int i = 0; i < pieces; i++) atomic_init(&l.taken[i], 0);
    h->fn(h->ctx, pieces, run_lent, &l);
    for (int i = 0; i < pieces; i++) run_lent(&l, i);
}

void parallel_pieces(int pieces, parallel_piece *piece, void *ctx) {
    const parallel_host *h = here();
    if (pieces <= 1 || inside || pieces > PARALLEL_MAX) {
        in_place(pieces, piece, ctx);
    } else if (h->fn) {
        on_host(h, pieces, piece, ctx);
    } else {
        inside = 1;
        if (!pool_run(pieces, piece, ctx)) in_place(pieces, piece, ctx);
        inside = 0;
    }
}
