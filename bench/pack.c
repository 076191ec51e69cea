/* Packing for a contestant. */
#include "bench/clock.h"
#include "bench/data.h"
#include "bench/group.h"
#include "src/internal.h"

static tare_status upload(bench_group_state *g, const float *w, tare_buffer **out) {
    size_t bytes = (size_t)g->shape->n * (size_t)g->shape->k * sizeof *w;
    TARE_TRY(tare_buffer_create(g->setup->device, bytes, out));
    TARE_TRY(tare_buffer_write(g->stream, *out, 0, w, bytes));
    return tare_stream_sync(g->stream);
}

/* From W in f32 on the device: the one matrix of all schemes that keep everything, or one that was
 * pruned for this scheme. */
static tare_status pack_there(bench_group_state *g, bench_entrant *e, tare_packed **out) {
    float *pruned;
    tare_buffer *own = NULL;
    tare_status s =
        bench_data_pruned(&e->cell.scheme, g->matrix->w, g->shape->n, g->shape->k, &pruned);
    if (s == TARE_OK && pruned) s = upload(g, pruned, &own);
    if (s == TARE_OK && !pruned && !g->w) s = upload(g, g->matrix->w, &g->w);
    if (s == TARE_OK) s = tare_pack_values(e->rotor.plan, g->stream, own ? own : g->w, out);
    tare_buffer_destroy(own);
    tare_free(pruned);
    return s;
}

/* Where the device can't (no room for W), the host can. */
static tare_status pack(bench_group_state *g, bench_entrant *e, tare_packed **out) {
    if (e->rotor.plan->row->pack_values && pack_there(g, e, out) == TARE_OK) return TARE_OK;
    return tare_pack(e->rotor.plan, &g->encoded[e->scheme]->t, out);
}

tare_status bench_pack(bench_group_state *g, bench_entrant *e) {
    double start = bench_now_ns();
    tare_packed *w = bench_store_take(&g->setup->store, e->rotor.plan, e->cell.scheme.sparsity,
                                      &e->cell.pack_ns);
    if (!w) {
        TARE_TRY(pack(g, e, &w));
        e->cell.pack_ns = bench_now_ns() - start;
    }
    tare_status s = bench_rotor_adopt(&e->rotor, w);
    if (s != TARE_OK) tare_packed_destroy(w);
    return s;
}
