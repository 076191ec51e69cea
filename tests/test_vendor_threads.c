/* Rows of libraries that share out work by a count of threads: right with as many as the runtime
 * really gives, whatever was planned. CTest runs this under OpenMP's limits as well
 * (tests/CMakeLists.txt), and with other builds of the libraries where they are there. */
#include "cpu/cpu.h"
#include "cpu/lib/onednn.h"
#include "cpu/lib/openblas.h"
#include "tests/rowdata.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 200, K = 256, M = 12, THREADS = 3 };

typedef struct rig {
    const char *row;
    tare_problem p;
    tare_plan plan;
    tare_tensor t;
    tare_packed *w;
    float x[M * K], y[M * N];
    double ref[M * N], mag[M * N];
} rig;

static tare_device *cpu(void) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cpu", &d), TARE_OK);
    return d;
}

static const struct {
    const char *row, *format;
    uint32_t flags, library;
} rows[] = {{"matmul_f32_openblas", "f32", 0, 0},
            {"matmul_f32_onednn", "f32", 0, 1},
            {"matmul_w8a8_onednn", "i8-row", TARE_X_I8, 1}};
enum { ROWS = sizeof rows / sizeof *rows };

static int is_there(int i) {
    uint64_t needs = !rows[i].library ? CPU_OPENBLAS : i == 2 ? CPU_ONEDNN_I8 : CPU_ONEDNN;
    return (cpu()->features & needs) != 0;
}

static void skip_without(void) {
    int there = 0;
    for (int i = 0; i < ROWS; i++) there += is_there(i);
    if (!there) cr_skip_test("%s, %s", openblas_text(), onednn_text());
}

static rig *rig_of(int i) {
    rig *r = calloc(1, sizeof *r);
    float *w = malloc(sizeof(float) * N * K);
    tare_format f;
    uint64_t state = 5;
    cr_assert_eq(tare_format_parse(rows[i].format, &f), TARE_OK);
    fill_weights(w, N, K, &f, PATTERN_FULL, &state);
    fill_x(r->x, TARE_F32, M, K, &state);
    cr_assert_eq(tare_encode(&f, N, K, w, &r->t), TARE_OK);
    free(w);
    r->row = rows[i].row;
    r->p = tare_problem_matmul(&r->t, M, TARE_F32, TARE_F32, rows[i].flags);
    cr_assert_eq(tare_reference(&r->p, &r->t, r->x, NULL, r->ref, r->mag), TARE_OK);
    return r;
}

static void plan(rig *r) {
    tare_plan_options only = {.only = r->row};
    cr_assert_eq(tare_plan_make(cpu(), &r->p, &only, &r->plan), TARE_OK, "%s", tare_last_error());
}

static void pack(rig *r) {
    cr_assert_eq(tare_pack(&r->plan, &r->t, &r->w), TARE_OK, "%s", tare_last_error());
}

/* No Criterion here: it runs in other threads and other processes too. 0: wrong, and said so. */
static int run(rig *r, float *y) {
    tare_stream *s = NULL;
    tare_buffer *bx = NULL, *by = NULL;
    for (int i = 0; i < M * N; i++) y[i] = NAN;
    tare_status st = tare_stream_create(r->plan.device, &s);
    if (st == TARE_OK) st = tare_stream_reserve(s, &r->plan);
    if (st == TARE_OK) st = tare_buffer_wrap(r->plan.device, r->x, sizeof r->x, &bx);
    if (st == TARE_OK) st = tare_buffer_wrap(r->plan.device, y, sizeof(float) * M * N, &by);
    if (st == TARE_OK) st = tare_run(&r->plan, r->w, s, bx, NULL, by, 0);
    if (st != TARE_OK) fprintf(stderr, "%s: %s\n", r->row, tare_last_error());
    tare_buffer_destroy(bx);
    tare_buffer_destroy(by);
    tare_stream_destroy(s);
    int ok = st == TARE_OK;
    for (int i = 0; ok && i < M * N; i++)
        ok = fabs((double)y[i] - r->ref[i]) <= tare_error_bound(&r->p, r->ref[i], r->mag[i]);
    if (!ok) fprintf(stderr, "%s: wrong\n", r->row);
    return ok;
}

static void drop(rig *r) {
    tare_packed_destroy(r->w);
    tare_tensor_clear(&r->t);
    free(r);
}

/* A function of the OpenMP runtime that a library brought; null: there is none. */
static void *openmp_function(const char *name) {
    void *h = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
    void *at = h ? dlsym(h, name) : NULL;
    if (h) dlclose(h);
    return at;
}

/* How many threads regions of the calling thread may have: 0 levels make all of them one. */
static void set_levels(int levels) {
    void (*set)(int);
    *(void **)&set = openmp_function("omp_set_max_active_levels");
    if (set) set(levels);
}

/* Fewer or more are granted to the run than there were to plan and pack. */
static void planned_otherwise(int i, int plan_levels, int pack_levels, int run_levels) {
    rig *r = rig_of(i);
    set_levels(plan_levels);
    plan(r);
    set_levels(pack_levels);
    pack(r);
    set_levels(run_levels);
    cr_expect(run(r, r->y), "%s: levels %d, %d, %d", r->row, plan_levels, pack_levels, run_levels);
    tare_set_threads(2);
    cr_expect(run(r, r->y), "%s: fewer threads", r->row);
    tare_set_threads(THREADS);
    cr_expect(run(r, r->y), "%s: as many again", r->row);
    drop(r);
}

Test(vendor_threads, whatever_is_granted, .timeout = 120) {
    skip_without();
    tare_set_threads(THREADS);
    for (int i = 0; i < ROWS; i++)
        for (int how = 0; is_there(i) && how < 8; how++)
            planned_otherwise(i, how & 1, how >> 1 & 1, how >> 2 & 1);
}

/* ---- within a region of the host's ---- */

typedef struct host {
    rig *r;
    int bad;
} host;

static void in_region(void *ctx) {
    host *h = ctx;
    float *y = malloc(sizeof(float) * M * N);
    if (!run(h->r, y)) __atomic_fetch_add(&h->bad, 1, __ATOMIC_RELAXED);
    free(y);
}

Test(vendor_threads, inside_a_region, .timeout = 120) {
    void (*parallel)(void (*)(void *), void *, unsigned, unsigned);
    skip_without();
    *(void **)&parallel = openmp_function("GOMP_parallel");
    if (!parallel) cr_skip_test("the libraries here use no libgomp");
    tare_set_threads(THREADS);
    for (int i = 0; i < ROWS; i++) {
        if (!is_there(i)) continue;
        host h = {rig_of(i), 0};
        plan(h.r);
        pack(h.r);
        parallel(in_region, &h, 2, 0);
        cr_expect(!h.bad, "%s: wrong within a region", h.r->row);
        drop(h.r);
    }
}

/* ---- in a child ---- */

/* 1: it ended by itself, in time and with right answers, or refused both runs if it was to. */
static int child_is_well(rig *r, void (*first)(void), int refuses) {
    pid_t child = fork();
    if (child == 0) {
        alarm(40);
        if (first) first();
        int ok = run(r, r->y) + run(r, r->y);
        _exit(ok != (refuses ? 0 : 2));
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Test(vendor_threads, in_a_forked_child, .timeout = 240) {
    skip_without();
    tare_set_threads(THREADS);
    for (int i = 0; i < ROWS; i++) {
        if (!is_there(i)) continue;
        rig *r = rig_of(i);
        plan(r);
        pack(r);
        cr_expect(run(r, r->y), "%s", r->row);
        cr_expect(child_is_well(r, NULL, 0), "%s: not in a child", r->row);
        cr_expect(run(r, r->y), "%s: after the fork", r->row);
        drop(r);
    }
}

/* ---- where no thread can be started ---- */

static void forbid_threads(void) {
    struct rlimit none = {1, 1};
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2); /* limits do not bind root */
    if (setrlimit(RLIMIT_NPROC, &none) != 0) _exit(2);
}

/* In a child for the sake of its own limits. An OpenBLAS with a pool of its own can't do without
 * it, and would end the process. */
Test(vendor_threads, without_threads, .timeout = 240) {
    skip_without();
    tare_set_threads(THREADS);
    for (int i = 0; i < ROWS; i++) {
        if (!is_there(i)) continue;
        rig *r = rig_of(i);
        plan(r);
        pack(r);
        int pool = !rows[i].library && strstr(openblas_text(), "own threads");
        cr_expect(child_is_well(r, forbid_threads, pool), "%s: not without threads", r->row);
        drop(r);
    }
}

/* ---- several callers, each with another number ---- */

typedef struct caller {
    rig *r;
    int first, bad;
} caller;

static void *call_often(void *ctx) {
    caller *c = ctx;
    float *y = malloc(sizeof(float) * M * N);
    for (int i = 0; i < 30; i++) {
        tare_set_threads(1 + (c->first + i) % THREADS);
        c->bad += !run(c->r, y);
    }
    free(y);
    return NULL;
}

Test(vendor_threads, several_at_once, .timeout = 120) {
    enum { CALLERS = 3 };
    skip_without();
    tare_set_threads(THREADS);
    for (int i = 0; i < ROWS; i++) {
        pthread_t id[CALLERS];
        caller c[CALLERS];
        if (!is_there(i)) continue;
        rig *r = rig_of(i);
        plan(r);
        pack(r);
        for (int j = 0; j < CALLERS; j++) {
            c[j] = (caller){r, j, 0};
            cr_assert_eq(pthread_create(&id[j], NULL, call_often, &c[j]), 0);
        }
        for (int j = 0; j < CALLERS; j++) {
            pthread_join(id[j], NULL);
            cr_expect_eq(c[j].bad, 0, "%s: %d of 30 wrong", r->row, c[j].bad);
        }
        drop(r);
    }
}
