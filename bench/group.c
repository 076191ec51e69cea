/* One shape: data, contestants, then the contest (contest.c). */
#include "bench/group.h"
#include "bench/clock.h"
#include "bench/data.h"
#include "bench/interrupt.h"
#include "src/internal.h"
#include "src/room.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bench_cell *bench_cells_add(bench_cells *c) {
    if (c->count == c->room) {
        int room = c->room ? 2 * c->room : 32;
        bench_cell *more = realloc(c->cell, (size_t)room * sizeof *more);
        if (!more) return NULL;
        c->cell = more;
        c->room = room;
    }
    memset(&c->cell[c->count], 0, sizeof *c->cell);
    return &c->cell[c->count++];
}

void bench_cells_clear(bench_cells *c) {
    for (int i = 0; i < c->count; i++) bench_result_clear(&c->cell[i].result);
    free(c->cell);
    memset(c, 0, sizeof *c);
}

tare_status bench_setup_init(bench_setup *s, tare_device *d) {
    memset(s, 0, sizeof *s);
    s->device = d;
    s->caches = BENCH_COLD;
    s->weights = BENCH_RESIDENT;
    s->seconds = 1;
    s->window = bench_options_default().window;
    s->samples = 30;
    s->seed = 1;
    TARE_TRY(bench_ceilings(d, 0.2, &s->rates));
    TARE_TRY(tare_device_describe(d, &s->info));
    s->memory = s->info.memory > 0 ? (size_t)s->info.memory / 2 : (size_t)1 << 32;
    size_t left = tare_room_now().left;
    if (d->backend->host_memory && s->memory > left / 2) s->memory = left / 2;
    s->store.most = s->memory / 4;
    TARE_TRY(bench_timing_choose(d, BENCH_AUTO, &s->timing));
    bench_noise_init(&s->noise, bench_noise_device(d));
    return TARE_OK;
}

void bench_setup_clear(bench_setup *s) {
    bench_matrix_clear(&s->own);
    bench_store_clear(&s->store);
}

void bench_group_tell(const bench_group_state *g, const char *what, const char *scheme,
                      double done) {
    char text[160];
    if (!g->setup->progress) return;
    snprintf(text, sizeof text, "%.31s %.31s %lldx%lld m %lld: %.32s %.40s", g->setup->info.id,
             g->shape->name, (long long)g->shape->n, (long long)g->shape->k, (long long)g->m, what,
             scheme);
    g->setup->progress(g->setup->ctx, text, done);
}

/* W in f32, its encodings and packings all live at once; a machine that promises memory which it
 * does not have would end the process instead of the call. */
static tare_status check_room(const bench_group_state *g) {
    double values = (double)g->shape->n * (double)g->shape->k,
           other = (double)g->m * ((double)g->shape->n + (double)g->shape->k);
    double have = (double)tare_room_now().all;
    double need = 4 * 4 * values + 3 * 8 * other;
    if (have > 0 && need > have)
        TARE_FAIL(TARE_E_NOMEM, "%s %lldx%lld, m %lld: needs about %.1f GB, there are %.1f",
                  g->shape->name, (long long)g->shape->n, (long long)g->shape->k, (long long)g->m,
                  need * 1e-9, have * 1e-9);
    return TARE_OK;
}

static tare_status make_data(bench_group_state *g) {
    tare_device *d = g->setup->device;
    uint64_t seed = g->setup->seed;
    TARE_TRY(check_room(g));
    bench_group_tell(g, "making data", "", 0);
    TARE_TRY(bench_matrix_make(g->matrix, g->shape->n, g->shape->k, seed));
    bench_store_open(&g->setup->store, g->shape->n, g->shape->k, seed);
    TARE_TRY(tare_stream_create(d, &g->stream));
    for (int t = TARE_F32; t <= TARE_BF16; t++) {
        size_t bytes = (size_t)g->m * (size_t)g->shape->k * tare_type_bytes((tare_type)t);
        TARE_TRY(bench_data_x(g->m, g->shape->k, (tare_type)t, seed, &g->x[t]));
        TARE_TRY(tare_buffer_create(d, bytes, &g->x_buffer[t]));
        TARE_TRY(tare_buffer_write(g->stream, g->x_buffer[t], 0, g->x[t], bytes));
    }
    g->y_bytes = (size_t)g->m * (size_t)g->shape->n * sizeof(float);
    g->y_host = tare_alloc(g->y_bytes);
    if (!g->y_host) TARE_FAIL(TARE_E_NOMEM, "bench: no memory for y, %zu bytes", g->y_bytes);
    TARE_TRY(tare_buffer_create(d, g->y_bytes, &g->y));
    return tare_stream_sync(g->stream);
}

/* ---- the group ---- */

/* The schemes that everything is judged against; tf32 where the device has something to make of
 * it. */
static const char *baseline(const bench_group_state *g, int i) {
    if (g->setup->baselines) return g->setup->baselines[i];
    int usual = 0;
    while (bench_baseline(usual)) usual++;
    if (i < usual) return bench_baseline(i);
    return i == usual && bench_tf32_counts(g->setup->device) ? "tf32" : NULL;
}

static int among(const bench_scheme *schemes, int count, const bench_scheme *s) {
    for (int i = 0; i < count; i++)
        if (strcmp(schemes[i].name, s->name) == 0) return 1;
    return 0;
}

/* Sparse weights in f8 are held against dense ones in f8, which are no usual baseline. */
static int sparse_f8(const bench_scheme *schemes, int count) {
    for (int i = 0; i < count; i++)
        if (schemes[i].w.value == TARE_F8 && schemes[i].w.layout != TARE_DENSE) return 1;
    return 0;
}

/* Baselines first, then what else was asked for. */
static tare_status enter_all(bench_group_state *g, const bench_scheme *schemes, int count) {
    bench_scheme base[BENCH_SCHEMES_MAX];
    int bases = 0, index = 0;
    for (; bases < BENCH_SCHEMES_MAX && baseline(g, bases); bases++)
        TARE_TRY(bench_scheme_parse(baseline(g, bases), &base[bases]));
    if (!g->setup->baselines && sparse_f8(schemes, count))
        TARE_TRY(bench_scheme_parse("fp8", &base[bases++]));
    for (int i = 0; i < bases + count; i++) {
        const bench_scheme *s = i < bases ? &base[i] : &schemes[i - bases];
        if (i >= bases && among(base, bases, s)) continue;
        TARE_TRY(bench_go_on());
        bench_group_tell(g, "encoding and checking", s->name, 0.3 * i / (bases + count));
        TARE_TRY(bench_enter(g, index++, s, i >= bases || among(schemes, count, s)));
    }
    return TARE_OK;
}

/* The first copy may serve the shape's next m. */
void bench_entrant_clear(bench_group_state *g, bench_entrant *e) {
    bench_rotor *r = &e->rotor;
    tare_packed *first = r->copies ? r->copy[0] : NULL;
    bench_carry_clear(&e->carry);
    if (first) r->copy[0] = NULL;
    bench_rotor_clear(r);
    if (first) bench_store_give(&g->setup->store, first, e->cell.scheme.sparsity, e->cell.pack_ns);
}

static void clear(bench_group_state *g) {
    for (int i = 0; i < g->entrants; i++) {
        bench_entrant_clear(g, g->entrant[i]);
        free(g->entrant[i]);
    }
    free(g->entrant);
    free(g->encoded);
    for (int t = TARE_F32; t <= TARE_BF16; t++) {
        tare_buffer_destroy(g->x_buffer[t]);
        tare_free(g->x[t]);
    }
    tare_buffer_destroy(g->y);
    tare_buffer_destroy(g->w);
    tare_free(g->y_host);
    tare_stream_destroy(g->stream);
    free(g->refused->cell); /* shallow: the cells were copied out, and have no samples */
    bench_matrix_tidy(g->matrix);
}

tare_status bench_group(bench_setup *s, const bench_shape *shape, int64_t m,
                        const bench_scheme *schemes, int count, bench_cells *out) {
    bench_cells refused = {0};
    bench_group_state g = {.setup = s, .shape = shape, .m = m, .refused = &refused};
    g.matrix = s->shared ? s->shared : &s->own;
    g.encoded = calloc((size_t)count + BENCH_SCHEMES_MAX, sizeof *g.encoded);
    tare_status st = TARE_OK;
    if (!g.encoded) st = tare_fail(TARE_E_NOMEM, "bench: out of memory");
    if (st == TARE_OK) st = make_data(&g);
    if (st == TARE_OK) {
        st = enter_all(&g, schemes, count);
        if (s->lost) (void)bench_passes_none(&g, out);
    }
    if (st == TARE_OK) st = bench_passes(&g, out);
    st = bench_lost(&g, st, NULL);
    bench_peaks(s, out);
    clear(&g);
    if (s->lost) return tare_fail(TARE_E_DEVICE, "%s", s->lost_why); /* not what clearing said */
    return st;
}
