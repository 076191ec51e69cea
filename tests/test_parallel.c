/* The seam of threads: the pool's and a host's, nested and side by side, after a fork, and where
 * there is no thread to be had. */
#include <criterion/criterion.h>

#include "src/parallel.h"
#include "tests/rowdata.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- regions ---- */

typedef struct counts {
    atomic_int of[PARALLEL_MAX];
    atomic_int wrong;
    int pieces;
} counts;

static void count(void *ctx, int piece, int pieces) {
    counts *c = ctx;
    if (piece < 0 || piece >= pieces || pieces != c->pieces) atomic_fetch_add(&c->wrong, 1);
    atomic_fetch_add(&c->of[piece], 1);
}

static int each_once(int pieces) {
    static counts c;
    memset(&c, 0, sizeof c);
    c.pieces = pieces;
    parallel_pieces(pieces, count, &c);
    for (int i = 0; i < PARALLEL_MAX; i++)
        if (atomic_load(&c.of[i]) != (i < pieces)) return 0;
    return atomic_load(&c.wrong) == 0;
}

Test(parallel, every_piece_runs_once) {
    static const int threads[] = {1, 2, 3, 8, 40};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        tare_set_threads(threads[t]);
        for (int round = 0; round < 300; round++)
            for (int pieces = 1; pieces <= 9; pieces++)
                cr_assert(each_once(pieces), "%d threads, %d pieces", threads[t], pieces);
        cr_assert(each_once(PARALLEL_MAX) && each_once(100));
    }
}

static void nest(void *ctx, int piece, int pieces) {
    (void)piece, (void)pieces;
    int64_t *sum = ctx;
    counts c = {.pieces = 5};
    parallel_pieces(5, count, &c);
    for (int i = 0; i < 5; i++) sum[piece] += atomic_load(&c.of[i]);
}

Test(parallel, a_region_inside_a_piece_runs_in_place) {
    int64_t sum[4] = {0};
    tare_set_threads(4);
    parallel_pieces(4, nest, sum);
    for (int i = 0; i < 4; i++) cr_assert_eq(sum[i], 5);
}

static void mark(void *ctx, int64_t from, int64_t to, int part) {
    unsigned char *seen = ctx;
    for (int64_t i = from; i < to; i++) seen[i] = (unsigned char)(seen[i] * 100 + part + 1);
}

static void mark_item(void *ctx, int64_t i, int part) {
    mark(ctx, i, i + 1, part);
}

Test(parallel, shares_and_items_cover_all_once) {
    tare_set_threads(3);
    for (int64_t total = 0; total < 200; total++)
        for (int threads = 1; threads < 6; threads++) {
            unsigned char seen[201] = {0}, taken[201] = {0};
            parallel_ranges(total, threads, mark, seen);
            parallel_items(total, threads, mark_item, taken);
            for (int64_t i = 0; i < total; i++)
                cr_assert(seen[i] >= 1 && seen[i] <= threads && taken[i] >= 1 &&
                          taken[i] <= threads && (i == 0 || seen[i] >= seen[i - 1]));
            cr_assert_eq(seen[total] + taken[total], 0);
        }
}

static void *hammer(void *ok) {
    for (int i = 0; i < 2000; i++) {
        counts c = {.pieces = 4};
        parallel_pieces(4, count, &c);
        for (int j = 0; j < 4; j++)
            if (atomic_load(&c.of[j]) != 1) atomic_store((atomic_int *)ok, 0);
    }
    return NULL;
}

Test(parallel, callers_side_by_side) {
    pthread_t t[4];
    atomic_int ok = 1;
    tare_set_threads(4);
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, hammer, &ok);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    cr_assert(atomic_load(&ok));
}

/* ---- products ---- */

enum { N = 200, K = 256, M = 4 };

typedef struct product {
    tare_plan plan;
    tare_tensor t;
    tare_packed *w;
    tare_stream *s;
    tare_buffer *x, *y;
    float in[M * K], out[M * N], want[M * N];
} product;

static tare_status run(product *p) {
    memset(p->out, 0xff, sizeof p->out);
    return tare_run(&p->plan, p->w, p->s, p->x, NULL, p->y, 0);
}

static void open_product(product *p, const char *format, uint32_t flags) {
    static float w[N * K];
    uint64_t state = 7;
    tare_format f;
    tare_plan_options own = {.own_only = 1};
    tare_device *cpu = tare_device_get(0);
    memset(p, 0, sizeof *p);
    cr_assert_eq(tare_format_parse(format, &f), TARE_OK);
    fill_weights(w, N, K, &f, PATTERN_SPARSE, &state);
    fill_x(p->in, TARE_F32, M, K, &state);
    cr_assert_eq(tare_encode(&f, N, K, w, &p->t), TARE_OK);
    tare_problem q = tare_problem_matmul(&p->t, M, TARE_F32, TARE_F32, flags);
    cr_assert_eq(tare_plan_make(cpu, &q, &own, &p->plan), TARE_OK);
    cr_assert_eq(tare_pack(&p->plan, &p->t, &p->w), TARE_OK);
    cr_assert_eq(tare_stream_create(cpu, &p->s), TARE_OK);
    cr_assert_eq(tare_stream_reserve(p->s, &p->plan), TARE_OK);
    cr_assert_eq(tare_buffer_wrap(cpu, p->in, sizeof p->in, &p->x), TARE_OK);
    cr_assert_eq(tare_buffer_wrap(cpu, p->out, sizeof p->out, &p->y), TARE_OK);
    cr_assert_eq(run(p), TARE_OK);
    memcpy(p->want, p->out, sizeof p->out);
}

static int same(product *p) {
    return run(p) == TARE_OK && memcmp(p->out, p->want, sizeof p->out) == 0;
}

static void close_product(product *p) {
    tare_buffer_destroy(p->x);
    tare_buffer_destroy(p->y);
    tare_stream_destroy(p->s);
    tare_packed_destroy(p->w);
    tare_tensor_clear(&p->t);
}

static const struct {
    const char *format;
    uint32_t flags;
} cases[] = {{"f32", 0},      {"i8-row", TARE_X_I8}, {"i8-row", 0},
             {"csr/f32", 0},  {"i4-g32", TARE_X_I8}, {"bs16x16/i8-row", TARE_X_I8},
             {"2:4/f32", 0},  {"f8-row", TARE_X_F8}, {"bitmap/i8-row", TARE_X_I8},
             {"bs4x4/f32", 0}};
enum { CASES = sizeof cases / sizeof *cases };

/* ---- a host's threads ---- */

typedef struct host {
    int calls, most; /* most: pieces of one call */
    int manner;      /* 0: backwards, 1: forgets odd ones, 2: each twice, and some that are none */
} host;

static void lend(void *ctx, int n, void (*piece)(void *arg, int i), void *arg) {
    host *h = ctx;
    h->calls++;
    if (n > h->most) h->most = n;
    for (int i = n - 1; i >= 0; i--) {
        if (h->manner == 1 && i % 2) continue;
        piece(arg, i);
        if (h->manner == 2) piece(arg, i), piece(arg, n + i), piece(arg, -1);
    }
}

Test(parallel, a_host_lends_its_threads_to_the_process) {
    tare_set_threads(4);
    for (int i = 0; i < CASES; i++) {
        product p;
        open_product(&p, cases[i].format, cases[i].flags);
        for (int manner = 0; manner < 3; manner++) {
            host h = {.manner = manner};
            cr_assert_eq(tare_set_parallel(lend, &h, 4), TARE_OK);
            cr_assert_eq(tare_threads(), 4);
            cr_assert(same(&p), "%s, manner %d", cases[i].format, manner);
            cr_assert(h.calls > 0 && h.most <= 4, "%s: %d calls, %d pieces", cases[i].format,
                      h.calls, h.most);
            int calls = h.calls;
            cr_assert_eq(tare_set_parallel(NULL, NULL, 4), TARE_OK);
            cr_assert(same(&p) && h.calls == calls);
        }
        close_product(&p);
    }
    cr_assert_eq(tare_set_parallel(lend, NULL, 0), TARE_E_ARG);
}

/* Its arrays have as many places as it lends threads, whatever the knob says later. */
Test(parallel, a_host_is_asked_for_no_more_than_it_lends) {
    product p;
    host h = {0};
    tare_set_threads(16);
    open_product(&p, "f32", 0);
    cr_assert_eq(tare_set_parallel(lend, &h, 4), TARE_OK);
    tare_set_threads(16);
    cr_assert(same(&p) && h.calls > 0 && h.most == 4, "%d pieces", h.most);
    cr_assert(each_once(16) && each_once(5) && h.most == 4);
    tare_set_parallel(NULL, NULL, 0);
    close_product(&p);
}

Test(parallel, two_streams_use_their_own_hosts) {
    tare_set_threads(4);
    product p, q;
    host a = {0}, b = {.manner = 1};
    open_product(&p, "f32", 0);
    open_product(&q, "f32", 0);
    cr_assert_eq(tare_stream_set_parallel(p.s, lend, &a, 4), TARE_OK);
    cr_assert_eq(tare_stream_set_parallel(q.s, lend, &b, 2), TARE_OK);
    cr_assert(same(&p) && a.calls > 0 && b.calls == 0);
    int calls = a.calls;
    cr_assert(same(&q) && b.calls > 0 && b.most <= 2 && a.calls == calls);
    cr_assert_eq(tare_stream_set_parallel(p.s, NULL, NULL, 0), TARE_OK);
    cr_assert(same(&p) && a.calls == calls);
    cr_assert_eq(tare_stream_set_parallel(NULL, lend, &a, 1), TARE_E_ARG);
    cr_assert_eq(tare_stream_set_parallel(p.s, lend, &a, 0), TARE_E_ARG);
    close_product(&p);
    close_product(&q);
}

/* Libraries that start threads of their own are not to run beside those of a host. */
static int vendors(void *ctx, const tare_row_report *r) {
    *(int *)ctx += r->vendor && r->fits;
    return 0;
}

Test(parallel, vendor_rows_stand_back_while_threads_are_lent) {
    product p;
    host h = {0};
    int alone = 0, beside = 0, after = 0;
    tare_set_threads(2);
    open_product(&p, "f32", 0);
    tare_explain(p.plan.device, &p.plan.problem, NULL, vendors, &alone);
    tare_set_parallel(lend, &h, 2);
    tare_explain(p.plan.device, &p.plan.problem, NULL, vendors, &beside);
    cr_assert_eq(beside, 0);
    tare_set_parallel(NULL, NULL, 2);
    tare_explain(p.plan.device, &p.plan.problem, NULL, vendors, &after);
    cr_assert_eq(after, alone);
    close_product(&p);
}

/* One thread after another, and none beside the caller's: what a piece waits for would never come.
 * Encoding, packing and the reference use a host's threads as runs do. */
Test(parallel, encoding_and_reference_on_a_hosts_threads) {
    static float w[600 * 400], x[600];
    static double y0[600], y1[600];
    uint64_t state = 3;
    tare_format f;
    for (int i = 0; i < CASES; i++) {
        tare_tensor t, u;
        host h = {0};
        cr_assert_eq(tare_format_parse(cases[i].format, &f), TARE_OK);
        fill_weights(w, 600, 400, &f, PATTERN_SPARSE, &state);
        fill_x(x, TARE_F32, 1, 400, &state);
        tare_set_threads(1);
        cr_assert_eq(tare_encode(&f, 600, 400, w, &t), TARE_OK);
        tare_problem p = tare_problem_matmul(&t, 1, TARE_F32, TARE_F32, cases[i].flags);
        cr_assert_eq(tare_reference(&p, &t, x, NULL, y0, NULL), TARE_OK);
        tare_set_parallel(lend, &h, 5);
        cr_assert_eq(tare_encode(&f, 600, 400, w, &u), TARE_OK);
        cr_assert_eq(tare_reference(&p, &u, x, NULL, y1, NULL), TARE_OK);
        cr_assert(h.calls > 1);
        tare_set_parallel(NULL, NULL, 0);
        for (int a = 0; a < TARE_PARTS; a++)
            cr_assert(
                t.part[a].bytes == u.part[a].bytes &&
                (!t.part[a].bytes || memcmp(t.part[a].data, u.part[a].data, t.part[a].bytes) == 0));
        cr_assert_eq(memcmp(y0, y1, sizeof y0), 0);
        tare_tensor_clear(&t);
        tare_tensor_clear(&u);
    }
}

/* ---- surroundings ---- */

/* The child's answer: 0 is right. It is ended where it hangs. */
static int in_child(int (*what)(void *), void *ctx) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(what(ctx));
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int still_same(void *ctx) {
    return !same(ctx);
}

static int encode_again(void *ctx) {
    static float w[600 * 400];
    product *p = ctx;
    tare_tensor t;
    for (int i = 0; i < 600 * 400; i++) w[i] = 1 + (float)(i % 13);
    if (tare_encode(&p->t.format, 600, 400, w, &t) != TARE_OK) return 2;
    tare_tensor_clear(&t);
    return in_child(still_same, p); /* a child of the child */
}

Test(parallel, a_forked_child_works) {
    tare_set_threads(3);
    for (int i = 0; i < CASES; i++) {
        product p;
        open_product(&p, cases[i].format, cases[i].flags);
        cr_assert_eq(in_child(still_same, &p), 0, "%s after a run", cases[i].format);
        cr_assert_eq(in_child(encode_again, &p), 0, "%s after an encoding", cases[i].format);
        cr_assert(same(&p));
        close_product(&p);
    }
}

static void *nothing(void *arg) {
    return arg;
}

static void *plan_for_ever(void *ctx) {
    product *p = ctx;
    for (;;) {
        tare_plan plan;
        tare_plan_options own = {.own_only = 1}; /* whose fits take less time than the locks */
        tare_plan_make(p->plan.device, &p->plan.problem, &own, &plan);
    }
    return NULL;
}

/* While another thread plans, a fork happens between its locks and within them. */
static int plan_again(void *ctx) {
    product *p = ctx;
    tare_plan plan;
    tare_plan_options own = {.own_only = 1};
    return tare_plan_make(p->plan.device, &p->plan.problem, &own, &plan) != TARE_OK;
}

static int forks_beside_a_planner(void *ctx) {
    pthread_t t;
    if (pthread_create(&t, NULL, plan_for_ever, ctx) != 0) return 3;
    for (int i = 0; i < 1000; i++)
        if (in_child(plan_again, ctx) != 0) return 1;
    return 0;
}

Test(parallel, a_fork_while_another_thread_plans) {
    product p;
    tare_set_threads(2);
    open_product(&p, "f32", 0);
    cr_assert_eq(in_child(forks_beside_a_planner, &p), 0);
    close_product(&p);
}

/* Root is exempt from the limit, so it is not root that tries. 77: the limit does not bite here. */
static int without_threads(void *ctx) {
    struct rlimit none = {1, 1};
    pthread_t t;
    setrlimit(RLIMIT_NPROC, &none);
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 77;
    if (pthread_create(&t, NULL, nothing, NULL) == 0) return 77;
    tare_set_threads(8);
    if (!same(ctx)) return 1;
    return !each_once(8);
}

Test(parallel, no_thread_to_be_had_means_fewer) {
    product p;
    tare_set_threads(8);
    open_product(&p, "f32", 0);
    cr_assert_eq(in_child(without_threads, &p), 0);
    close_product(&p);
}

/* Threads of this process other than the caller that do not sleep; `all` counts those that do. */
static int awake(int *all) {
    int found = 0;
    *all = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[300], text[300] = "";
        if (atoi(e->d_name) == getpid() || e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", e->d_name);
        FILE *f = fopen(path, "r");
        if (!f) continue;
        if (fgets(text, sizeof text, f)) {
            const char *after = strrchr(text, ')');
            found += after && after[2] != 'S';
            ++*all;
        }
        fclose(f);
    }
    if (d) closedir(d);
    return found;
}

static int sleeps(void *ctx) {
    int workers;
    tare_set_threads(2);
    if (!same(ctx)) return 2;
    for (int i = 0; i < 200;
         i++) { /* on a busy machine a thread may not get to its sleep at once */
        usleep(50000);
        if (!awake(&workers)) return workers != 1; /* or there was nothing to sleep */
    }
    return 1;
}

Test(parallel, an_idle_pool_sleeps) {
    product p;
    tare_set_threads(2);
    open_product(&p, "f32", 0);
    cr_assert_eq(in_child(sleeps, &p), 0);
    close_product(&p);
}
