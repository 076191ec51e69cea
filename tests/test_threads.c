/* One plan and one set of packed weights, several threads: each with its own stream and buffers,
 * all must get the same bits, while further threads plan, explain, tune and fail. Regions of
 * several callers at once, too. Meant for TSan; useful everywhere. A plain program: TSan and a
 * forking test framework do not mix. */
#include "src/parallel.h"
#include "tests/rowdata.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 96, K = 160, M = 5, THREADS = 4, ROUNDS = 20 };

typedef struct shared {
    tare_device *device;
    tare_plan plan;
    tare_packed *w;
    tare_tensor t;
    float x[M * K], want[M * N];
} shared;

static atomic_int failures;

static void complain(const char *what) {
    fprintf(stderr, "test_threads: %s: %s\n", what, tare_last_error());
    atomic_fetch_add(&failures, 1);
}

static tare_status multiply(shared *s, float *y) {
    tare_stream *stream = NULL;
    tare_buffer *x = NULL, *out = NULL;
    tare_status st = tare_stream_create(s->device, &stream);
    if (st == TARE_OK) st = tare_stream_reserve(stream, &s->plan);
    if (st == TARE_OK) st = tare_buffer_wrap(s->device, s->x, sizeof s->x, &x);
    if (st == TARE_OK) st = tare_buffer_wrap(s->device, y, sizeof(float) * M * N, &out);
    for (int i = 0; st == TARE_OK && i < ROUNDS; i++)
        st = tare_run(&s->plan, s->w, stream, x, NULL, out, 0);
    tare_buffer_destroy(x);
    tare_buffer_destroy(out);
    tare_stream_destroy(stream);
    return st;
}

static void *runner(void *arg) {
    shared *s = arg;
    float y[M * N];
    if (multiply(s, y) != TARE_OK)
        complain("run");
    else if (memcmp(y, s->want, sizeof y) != 0)
        complain("another answer in another thread");
    return NULL;
}

static void *planner(void *arg) {
    shared *s = arg;
    for (int i = 0; i < ROUNDS; i++) {
        tare_plan plan;
        tare_device *none;
        if (tare_plan_make(s->device, &s->plan.problem, NULL, &plan) != TARE_OK) complain("plan");
        if (tare_device_find("nowhere", &none) == TARE_OK)
            complain("found a device that is not there");
        if (!strstr(tare_last_error(), "nowhere")) complain("another thread's error text");
        if (i % 8 == 0 && tare_tune(s->device, &s->plan.problem, &s->t, NULL, 0.001) != TARE_OK)
            complain("tune");
    }
    return NULL;
}

static int check(const char *name, uint32_t flags) {
    static shared s;
    static float w[N * K];
    tare_format f;
    uint64_t state = 5;
    pthread_t t[2 * THREADS];
    memset(&s, 0, sizeof s);
    s.device = tare_device_get(0);
    if (tare_format_parse(name, &f) != TARE_OK) return 0;
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    fill_x(s.x, TARE_F32, M, K, &state);
    if (tare_encode(&f, N, K, w, &s.t) != TARE_OK) return 0;
    tare_problem p = tare_problem_matmul(&s.t, M, TARE_F32, TARE_F32, flags);
    if (tare_plan_make(s.device, &p, NULL, &s.plan) != TARE_OK) return 0;
    if (tare_pack(&s.plan, &s.t, &s.w) != TARE_OK || multiply(&s, s.want) != TARE_OK) return 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&t[2 * i], NULL, runner, &s);
        pthread_create(&t[2 * i + 1], NULL, planner, &s);
    }
    for (int i = 0; i < 2 * THREADS; i++) pthread_join(t[i], NULL);
    tare_packed_destroy(s.w);
    tare_tensor_clear(&s.t);
    return 1;
}

/* Callers side by side: one has the pool, the others do their pieces themselves. */
typedef struct tally {
    int done[THREADS * 2];
    int64_t sum[THREADS];
} tally;

static void mark(void *ctx, int piece, int pieces) {
    tally *t = ctx;
    if (piece < pieces) t->done[piece]++;
}

static void add(void *ctx, int64_t item, int part) {
    ((tally *)ctx)->sum[part] += item;
}

static void *hammer(void *arg) {
    (void)arg;
    for (int round = 0; round < 2000; round++) {
        tally t = {{0}, {0}};
        int pieces = 2 + round % (2 * THREADS - 1), wrong = 0;
        parallel_pieces(pieces, mark, &t);
        for (int i = 0; i < 2 * THREADS; i++) wrong += t.done[i] != (i < pieces);
        parallel_items(100, THREADS, add, &t);
        for (int i = 1; i < THREADS; i++) t.sum[0] += t.sum[i];
        if (wrong || t.sum[0] != 4950) complain("a region");
    }
    return NULL;
}

static void regions(void) {
    pthread_t t[THREADS];
    for (int threads = 2; threads <= THREADS + 1; threads++) {
        tare_set_threads(threads);
        for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, hammer, NULL);
        for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    }
    tare_set_threads(0);
}

int main(void) {
    regions();
    static const struct {
        const char *format;
        uint32_t flags;
    } cases[] = {{"f32", 0},
                 {"i8-row", TARE_X_I8},
                 {"i8-row", 0},
                 {"i4-g32", 0},
                 {"i4-g32", TARE_X_I8},
                 {"2:4/f32", 0},
                 {"csr/f32", 0},
                 {"bs4x4/f32", 0},
                 {"bitmap/f32", 0},
                 {"bitmap/i8-row", TARE_X_I8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!check(cases[i].format, cases[i].flags)) complain(cases[i].format);
    printf("test_threads: %zu formats, %d threads each, %d failures\n",
           sizeof cases / sizeof *cases, 2 * THREADS, atomic_load(&failures));
    return atomic_load(&failures) != 0;
}
