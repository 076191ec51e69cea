/* Regions: where they run. */
#include "src/parallel.h"

#include "src/fpenv.h"
#include "src/internal.h"
#include "src/pool.h"

#include <stdatomic.h>
#include <string.h>

static parallel_host process;                        /* fn null: the pool */
static _Thread_local const parallel_host *of_stream; /* while a stream's own is in use */
static _Thread_local int inside;                     /* a piece runs on this thread */

tare_status tare_set_parallel(tare_parallel_fn fn, void *ctx, int threads) {
    if (fn && threads < 1)
        TARE_FAIL(TARE_E_ARG, "set_parallel: a host that lends threads lends one at least");
    process = (parallel_host){fn, fn ? ctx : NULL, threads};
    tare_set_threads(threads);
    return TARE_OK;
}

const parallel_host *parallel_enter(const parallel_host *h) {
    const parallel_host *before = of_stream;
    of_stream = h;
    return before;
}

void parallel_leave(const parallel_host *before) {
    of_stream = before;
}

/* The host of this thread's regions. */
static const parallel_host *here(void) {
    return of_stream ? of_stream : &process;
}

int parallel_lent(void) {
    return here()->fn != NULL;
}

/* ---- pieces ---- */

static void in_place(int pieces, parallel_piece *piece, void *ctx) {
    for (int i = 0; i < pieces; i++) piece(ctx, i, pieces);
}

/* What a host gets to run: at most as many calls as it lends threads, each of one piece or of
 * several. A call that it makes twice, or that is none, is passed over; those that it leaves out
 * are made by us: an answer may not depend on its manners. */
typedef struct lent {
    parallel_piece *piece;
    void *ctx;
    int pieces, calls;
    atomic_uchar taken[PARALLEL_MAX];
} lent;

static void run_lent(void *arg, int i) {
    lent *l = arg;
    if (i < 0 || i >= l->calls || atomic_exchange(&l->taken[i], 1)) return;
    TARE_FP_DEFAULT;
    int before = inside;
    inside = 1;
    for (int p = i; p < l->pieces; p += l->calls) l->piece(l->ctx, p, l->pieces);
    inside = before;
}

static void on_host(const parallel_host *h, int pieces, parallel_piece *piece, void *ctx) {
    lent l;
    l.piece = piece;
    l.ctx = ctx;
    l.pieces = pieces;
    l.calls = pieces < h->threads ? pieces : h->threads;
    for (int i = 0; i < l.calls; i++) atomic_init(&l.taken[i], 0);
    /* What else the host may run on this thread meanwhile is none of the stream's. */
    const parallel_host *before = parallel_enter(NULL);
    if (l.calls > 1) h->fn(h->ctx, l.calls, run_lent, &l);
    parallel_leave(before);
    for (int i = 0; i < l.calls; i++) run_lent(&l, i);
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
