/* From a scheme to packed and verified contestants. */
#include "bench/group.h"
#include "bench/verify.h"
#include "src/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct row_list {
    tare_row_report row[BENCH_ROWS_MAX];
    int count;
} row_list;

static int collect(void *ctx, const tare_row_report *r) {
    row_list *l = ctx;
    if (l->count == BENCH_ROWS_MAX) return 1;
    l->row[l->count++] = *r;
    return 0;
}

static int is_reference(const tare_row_report *r) {
    return r->fits && (r->plan.row->flags & TARE_ROW_REFERENCE) != 0;
}

static int by_cost(const tare_row_report *x, const tare_row_report *y) {
    int xr = is_reference(x), yr = is_reference(y);
    if (x->fits != y->fits) return y->fits - x->fits;
    if (!x->fits) return 0;
    if (xr != yr) return xr - yr;
    if (x->plan.cost_ns != y->plan.cost_ns) return x->plan.cost_ns < y->plan.cost_ns ? -1 : 1;
    return 0;
}

/* By insertion, so that rows of equal cost stay in the table's order, best first. */
static void sort_rows(row_list *l) {
    for (int i = 1; i < l->count; i++) {
        tare_row_report r = l->row[i];
        int at = i;
        for (; at > 0 && by_cost(&r, &l->row[at - 1]) < 0; at--) l->row[at] = l->row[at - 1];
        l->row[at] = r;
    }
}

static bench_cell blank(const bench_group_state *g, const bench_scheme *s, int asked) {
    bench_cell c = {
        .device = g->setup->device, .shape = *g->shape, .m = g->m, .scheme = *s, .asked = asked};
    c.error = c.pack_ns = c.pct_peak = NAN;
    c.transfer = (bench_transfer){NAN, NAN, NAN, NAN};
    c.ratio = c.ratio_lo = c.ratio_hi = NAN;
    c.ratio_int8 = c.ratio_int8_lo = c.ratio_int8_hi = NAN;
    c.ratio_int4 = c.ratio_int4_lo = c.ratio_int4_hi = NAN;
    c.against_ratio = c.against_lo = c.against_hi = NAN;
    bench_result_summarise(&c.result);
    return c;
}

tare_status bench_refuse(bench_group_state *g, const bench_cell *from, enum bench_verdict verdict,
                         const char *kernel, const char *why) {
    bench_cell *c = bench_cells_add(g->refused);
    if (!c) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
    *c = *from;
    snprintf(c->kernel, sizeof c->kernel, "%s", kernel);
    snprintf(c->refusal, sizeof c->refusal, "%s", why);
    c->verdict = verdict;
    return TARE_OK;
}

/* y full of NaN, whatever its type: set on the device where that can be. */
static tare_status wipe_y(bench_group_state *g, size_t bytes) {
    const tare_device *d = g->setup->device;
    if (d->backend->ops->fill)
        return d->backend->ops->fill(d->state, g->stream->state, g->y->mem, 0, bytes, 0xff);
    memset(g->y_host, 0xff, bytes);
    TARE_TRY(tare_buffer_write(g->stream, g->y, 0, g->y_host, bytes));
    return tare_stream_sync(g->stream);
}

static tare_status run_once(bench_group_state *g, bench_entrant *e) {
    size_t bytes = e->carry.y_bytes;
    TARE_TRY(wipe_y(g, bytes));
    TARE_TRY(bench_rotor_run(&e->rotor));
    TARE_TRY(tare_buffer_read(g->stream, g->y, 0, g->y_host, bytes));
    return tare_stream_sync(g->stream);
}

static tare_status pack_and_run(bench_group_state *g, bench_entrant *e) {
    TARE_TRY(tare_stream_reserve(g->stream, &e->cell.plan));
    TARE_TRY(bench_pack(g, e));
    e->cell.packed_bytes = tare_packed_bytes(e->rotor.copy[0]);
    return run_once(g, e);
}

/* Whether so many bytes more can lie on the device; what is kept for later gives way. */
static int has_room(bench_group_state *g, size_t bytes) {
    size_t most = g->setup->memory;
    if (bytes > most || g->packed > most - bytes) return 0;
    if (g->setup->store.bytes > most - bytes - g->packed) bench_store_clear(&g->setup->store);
    return 1;
}

tare_status bench_group_keep(bench_group_state *g, bench_entrant *e) {
    if (g->entrants == g->room) {
        int room = g->room ? 2 * g->room : 16;
        bench_entrant **more = realloc(g->entrant, (size_t)room * sizeof *more);
        if (!more) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
        g->entrant = more;
        g->room = room;
    }
    g->entrant[g->entrants++] = e;
    g->packed += e->cell.packed_bytes;
    return TARE_OK;
}

/* One that took the device along ends the group: no other can be tried. */
static tare_status row_failed(bench_group_state *g, const bench_cell *cell, tare_status s) {
    s = bench_lost_row(g, s, cell);
    if (g->setup->lost) return s;
    return bench_refuse(g, cell, BENCH_UNSUPPORTED, cell->kernel, tare_last_error());
}

/* Packs a row's weights, runs it once, checks the answer. A row that fails in any of these is
 * recorded and takes no further part; only what would hit every row alike is an error, as the loss
 * of the device does. */
static tare_status try_row(bench_group_state *g, int index, const bench_cell *from,
                           const tare_row_report *r, const bench_oracle *oracle, int heat) {
    char why[200];
    if (!has_room(g, r->plan.packed_bytes)) {
        snprintf(why, sizeof why, "left out: packing %.1f GB more passes the budget of %.1f GB",
                 (double)r->plan.packed_bytes * 1e-9, (double)g->setup->memory * 1e-9);
        return bench_refuse(g, from, BENCH_UNSUPPORTED, r->kernel, why);
    }
    bench_entrant *e = calloc(1, sizeof *e);
    if (!e) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
    e->cell = *from;
    e->cell.plan = r->plan;
    e->cell.vendor = r->vendor;
    snprintf(e->cell.kernel, sizeof e->cell.kernel, "%s", r->kernel);
    e->scheme = index;
    e->heat = heat;
    e->rotor = (bench_rotor){
        .plan = &e->cell.plan, .stream = g->stream, .x = g->x_buffer[r->plan.problem.x], .y = g->y};
    if (g->setup->device->backend->host_memory) e->rotor.ran_last = &g->ran_last;
    e->rotor.threads = r->vendor ? BENCH_THREADS_VENDORS : BENCH_THREADS_OURS;
    size_t type = tare_type_bytes(r->plan.problem.x), rows = (size_t)g->m;
    e->carry =
        (bench_carry){.rotor = &e->rotor,
                      .x = g->x_buffer[r->plan.problem.x],
                      .x_host = g->x[r->plan.problem.x],
                      .y_host = g->y_host,
                      .x_bytes = rows * (size_t)g->shape->k * type,
                      .y_bytes = rows * (size_t)g->shape->n * tare_type_bytes(r->plan.problem.y)};
    tare_status s = pack_and_run(g, e);
    if (s == TARE_OK) e->cell.error = bench_oracle_check(oracle, g->y_host, why);
    if (s == TARE_OK && e->cell.error <= 1) return bench_group_keep(g, e);
    if (s == TARE_OK)
        s = bench_refuse(g, &e->cell, BENCH_WRONG, r->kernel, why);
    else
        s = row_failed(g, &e->cell, s);
    bench_rotor_clear(&e->rotor);
    free(e);
    return s;
}

/* The rows that may be the best of a scheme: the cheapest own and the cheapest vendor rows by the
 * cost model, which is trusted to leave out what is hopeless and no further. The reference only
 * where it is alone. `skip`: a row that takes part already. */
static tare_status candidates(bench_group_state *g, int index, const bench_cell *from,
                              const row_list *rows, const bench_oracle *o, const char *skip) {
    int entered[2] = {0};
    for (int i = 0; i < rows->count; i++) {
        const tare_row_report *r = &rows->row[i];
        if (!r->fits || (is_reference(r) && i > 0)) break;
        if (entered[r->vendor != NULL]++ >= BENCH_HEAT_ROWS) continue;
        if (skip && strcmp(r->kernel, skip) == 0) continue;
        TARE_TRY(try_row(g, index, from, r, o, 1));
    }
    return TARE_OK;
}

static tare_status every_row(bench_group_state *g, int index, const bench_cell *from,
                             const row_list *rows, const bench_oracle *o) {
    for (int i = 0; i < rows->count; i++) {
        const tare_row_report *r = &rows->row[i];
        if (!r->fits)
            TARE_TRY(bench_refuse(g, from, BENCH_UNSUPPORTED, r->kernel, r->reason));
        else if (i == 0 || !is_reference(r))
            TARE_TRY(try_row(g, index, from, r, o, 0));
    }
    return TARE_OK;
}

static tare_status named_row(bench_group_state *g, int index, const bench_cell *from,
                             const row_list *rows, const bench_oracle *o, const char *name) {
    for (int i = 0; i < rows->count; i++) {
        const tare_row_report *r = &rows->row[i];
        if (strcmp(r->kernel, name) != 0) continue;
        if (!r->fits) return bench_refuse(g, from, BENCH_UNSUPPORTED, r->kernel, r->reason);
        return try_row(g, index, from, r, o, 0);
    }
    return bench_refuse(g, from, BENCH_UNSUPPORTED, name, "the device has no kernel of this name");
}

static tare_status enter_rows(bench_group_state *g, int index, const bench_cell *from,
                              const row_list *rows, const bench_oracle *o) {
    const char *kernel = g->setup->kernel;
    if (!from->asked || !kernel) return candidates(g, index, from, rows, o, NULL);
    if (strcmp(kernel, "all") == 0) return every_row(g, index, from, rows, o);
    TARE_TRY(named_row(g, index, from, rows, o, kernel));
    /* A forced dense row is still compared with the best of its scheme. */
    if (from->scheme.family == BENCH_SPARSE) return TARE_OK;
    bench_cell base = *from;
    base.asked = 0;
    return candidates(g, index, &base, rows, o, kernel);
}

static tare_status fitting_rows(bench_group_state *g, const tare_problem *p, row_list *rows) {
    rows->count = 0;
    TARE_TRY(tare_explain(g->setup->device, p, NULL, collect, rows));
    sort_rows(rows);
    return TARE_OK;
}

static tare_status with_oracle(bench_group_state *g, int index, const bench_cell *from,
                               const tare_problem *p, row_list *rows) {
    bench_oracle o;
    TARE_TRY(
        bench_oracle_make(&from->scheme, p, g->encoded[index], g->x[p->x], g->setup->seed, &o));
    tare_status s = enter_rows(g, index, from, rows, &o);
    bench_oracle_clear(&o);
    return s;
}

/* No row takes the problem, or it is none. */
static tare_status refuse_all(bench_group_state *g, const bench_cell *from, tare_status explained,
                              const tare_problem *p) {
    char why[sizeof from->refusal];
    if (explained != TARE_OK)
        return bench_refuse(g, from, BENCH_UNSUPPORTED, "", tare_last_error());
    tare_plan_reasons(g->setup->device, p, NULL, why, sizeof why);
    return bench_refuse(g, from, BENCH_UNSUPPORTED, "", why);
}

tare_status bench_enter(bench_group_state *g, int index, const bench_scheme *s, int asked) {
    bench_cell from = blank(g, s, asked);
    tare_status st = bench_matrix_encode(g->matrix, s, &g->encoded[index]);
    if (st != TARE_OK) return bench_refuse(g, &from, BENCH_UNSUPPORTED, "", tare_last_error());
    const tare_tensor *t = &g->encoded[index]->t;
    tare_problem p = bench_scheme_problem(s, t, g->m);
    from.nnz = t->nnz;
    for (int i = 0; i < TARE_PARTS; i++) from.part[i] = t->part[i].bytes;
    row_list *rows = malloc(sizeof *rows);
    if (!rows) TARE_FAIL(TARE_E_NOMEM, "bench: out of memory");
    st = fitting_rows(g, &p, rows);
    int fits = st == TARE_OK && rows->count > 0 && (rows->row[0].fits || g->setup->kernel);
    if (fits)
        st = with_oracle(g, index, &from, &p, rows);
    else
        st = refuse_all(g, &from, st, &p);
    free(rows);
    return st;
}
