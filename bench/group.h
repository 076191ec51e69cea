/* The inside of bench_group: what is shared by its files. */
#ifndef TARE_BENCH_GROUP_H
#define TARE_BENCH_GROUP_H

#include "bench/cell.h"
#include "bench/rotate.h"

/* A sample by a graph should take this long, by so many runs at most. */
#define BENCH_GRAPH_NS 150e3
enum { BENCH_GRAPH_RUNS = 32 };

enum { BENCH_ROWS_MAX = 128, BENCH_HEAT_ROWS = 2, BENCH_COPIES_MAX = 1024 };

/* A row that took part: verified, packed once. */
typedef struct bench_entrant {
    bench_cell cell; /* all but times */
    int scheme;      /* index of its encoding */
    int heat;        /* 1: only the fastest of its scheme is measured */
    int out;         /* lost its heat */
    bench_planted planted;
    double seen_ns; /* its median there; 0: it was in none */
    bench_rotor rotor;
    bench_carry carry;
} bench_entrant;

typedef struct bench_group_state {
    bench_setup *setup;
    const bench_shape *shape;
    int64_t m;
    bench_matrix *matrix;
    tare_buffer *w;         /* on the device, for rows that pack there; made when first asked for */
    void *x[TARE_BF16 + 1]; /* by type */
    tare_buffer *x_buffer[TARE_BF16 + 1];
    void *y_host;
    size_t y_bytes;
    tare_buffer *y;
    tare_stream *stream;
    bench_encoded **encoded; /* a scheme */
    bench_entrant **entrant;
    int entrants, room;
    size_t packed; /* bytes of all packed copies */
    enum bench_threads ran_last;
    bench_cells *refused;
} bench_group_state;

/* Packs a row's weights, on the device where the row can do that; or takes what was packed for
 * another m. */
tare_status bench_pack(bench_group_state *g, bench_entrant *e);

/* Encodes scheme number `index` and enters its rows: `asked` ones as the setup's kernel choice has
 * it, otherwise the candidates for the best. Refusals become cells at once. */
tare_status bench_enter(bench_group_state *g, int index, const bench_scheme *s, int asked);

/* How an entrant is measured now: as its rotor and carry say. */
bench_contestant bench_entrant_contestant(bench_entrant *e);
/* A graph of so many runs, where samples replay one. A kernel that can't be recorded is timed as it
 * is queued; its cell says so, and it is compared with nothing that was recorded. */
void bench_entrant_record(bench_entrant *e, int runs);

/* Keeps a refusal, for a cell like `from`. */
tare_status bench_refuse(bench_group_state *g, const bench_cell *from, enum bench_verdict verdict,
                         const char *kernel, const char *why);

/* After a failure: whether it took the device along (`setup->lost`, with the row, which may be
 * null); the status, with words that say so (lost.c). */
tare_status bench_lost(bench_group_state *g, tare_status s, const bench_cell *running);
/* The same, and a refusal of that row where it did. */
tare_status bench_lost_row(bench_group_state *g, tare_status s, const bench_cell *running);

/* One more entrant, which the group owns from now on. */
tare_status bench_group_keep(bench_group_state *g, bench_entrant *e);
/* A twin of every entrant that goes on, packed anew; rivals that lost by little go on as well
 * (`cell.lost`). */
tare_status bench_twins(bench_group_state *g);

/* Finds the fastest row of each scheme among its candidates (heat.c): the others are `out`. */
tare_status bench_heats(bench_group_state *g);

/* Gives up what an entrant holds on the device. */
void bench_entrant_clear(bench_group_state *g, bench_entrant *e);

/* Measures the entrants in every state that the setup asks for, and appends their cells. */
tare_status bench_passes(bench_group_state *g, bench_cells *out);
/* Appends the refusals alone, where there are no passes to measure. */
tare_status bench_passes_none(bench_group_state *g, bench_cells *out);

void bench_group_tell(const bench_group_state *g, const char *what, const char *scheme,
                      double done);

#endif
