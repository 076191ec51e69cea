/* Entrants that a group has only where the scale weighs itself. */
#include "bench/group.h"
#include "src/internal.h"

#include <stdlib.h>

/* Farther behind in the heat than this nobody was the best by mistake. */
static const double near_rival = 1.3;

static double fastest_seen(const bench_group_state *g, int scheme) {
    for (int i = 0; i < g->entrants; i++)
        if (!g->entrant[i]->out && g->entrant[i]->scheme == scheme) return g->entrant[i]->seen_ns;
    return 0;
}

static void call_back_rivals(bench_group_state *g) {
    for (int i = 0; i < g->entrants; i++) {
        bench_entrant *e = g->entrant[i];
        if (e->out && e->seen_ns <= near_rival * fastest_seen(g, e->scheme)) e->cell.lost = 1;
    }
    for (int i = 0; i < g->entrants; i++)
        if (g->entrant[i]->cell.lost) g->entrant[i]->out = 0;
}

static tare_status add_twin(bench_group_state *g, const bench_entrant *of) {
    bench_entrant *e = calloc(1, sizeof *e);
    if (!e) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
    e->cell = of->cell;
    e->cell.twin = 1;
    e->scheme = of->scheme;
    e->seen_ns = of->seen_ns;
    e->rotor = (bench_rotor){.plan = &e->cell.plan,
                             .stream = of->rotor.stream,
                             .x = of->rotor.x,
                             .y = of->rotor.y,
                             .cold = of->rotor.cold,
                             .threads = of->rotor.threads,
                             .ran_last = of->rotor.ran_last,
                             .timing = of->rotor.timing,
                             .tick_ns = of->rotor.tick_ns};
    e->carry = of->carry;
    e->carry.rotor = &e->rotor;
    e->carry.blob = NULL;
    tare_status s = bench_rotor_grow(&e->rotor, &g->encoded[e->scheme]->t, 1);
    if (s == TARE_OK) s = bench_group_keep(g, e);
    if (s != TARE_OK) {
        bench_rotor_clear(&e->rotor);
        free(e);
    }
    return s;
}

tare_status bench_twins(bench_group_state *g) {
    int count = g->entrants;
    call_back_rivals(g);
    for (int i = 0; i < count; i++)
        if (!g->entrant[i]->out && !g->entrant[i]->cell.lost) TARE_TRY(add_twin(g, g->entrant[i]));
    for (int i = 0; i < g->entrants; i++)
        bench_plant_make(&g->entrant[i]->planted, g->setup->plant, g->entrant[i]->cell.twin,
                         g->setup->seed + (uint64_t)i);
    return TARE_OK;
}
