#include "bench/store.h"
#include "src/internal.h"

#include <stdlib.h>
#include <string.h>

void bench_store_clear(bench_store *s) {
    for (int i = 0; i < s->count; i++) tare_packed_destroy(s->kept[i].w);
    free(s->kept);
    size_t most = s->most;
    memset(s, 0, sizeof *s);
    s->most = most;
}

void bench_store_open(bench_store *s, int64_t n, int64_t k, uint64_t seed) {
    if (s->n == n && s->k == k && s->seed == seed) return;
    bench_store_clear(s);
    s->n = n;
    s->k = k;
    s->seed = seed;
}

tare_packed *bench_store_take(bench_store *s, const tare_plan *p, double sparsity,
                              double *pack_ns) {
    for (int i = 0; i < s->count; i++) {
        bench_kept one = s->kept[i];
        if (one.sparsity != sparsity || !tare_packed_rebind(one.w, p)) continue;
        s->kept[i] = s->kept[--s->count];
        s->bytes -= tare_packed_bytes(one.w);
        *pack_ns = one.pack_ns;
        return one.w;
    }
    return NULL;
}

static int make_room(bench_store *s) {
    if (s->count < s->room) return 1;
    int room = s->room ? 2 * s->room : 16;
    bench_kept *more = realloc(s->kept, (size_t)room * sizeof *more);
    if (!more) return 0;
    s->kept = more;
    s->room = room;
    return 1;
}

void bench_store_give(bench_store *s, tare_packed *w, double sparsity, double pack_ns) {
    size_t bytes = tare_packed_bytes(w);
    tare_plan same = w->plan;
    if (!tare_packed_rebind(w, &same) || bytes > s->most || s->bytes > s->most - bytes ||
        !make_room(s)) {
        tare_packed_destroy(w);
        return;
    }
    s->kept[s->count++] = (bench_kept){w, sparsity, pack_ns};
    s->bytes += bytes;
}
