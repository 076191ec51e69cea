/* Opening OpenBLAS, and calls of it that end. */
#include "cpu/lib/openblas.h"
#include "cpu/lib/library.h"
#include "cpu/lib/onednn.h"
#include "cpu/lib/openmp.h"
#include "src/internal.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { NO_THREADS, OWN_THREADS, OPENMP_THREADS }; /* what get_parallel() says */
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

static struct {
    const char *(*get_config)(void);
    const char *(*get_corename)(void);
    int (*get_parallel)(void), (*get_num_threads)(void);
    void (*set_num_threads)(int);
    void (*sgemv)(int order, int trans, int rows, int cols, float alpha, const float *a, int lda,
                  const float *x, int incx, float beta, float *y, int incy);
    void (*sgemm)(int order, int transa, int transb, int m, int n, int k, float alpha,
                  const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
} api;

static const cpu_symbol symbols[] = {{"openblas_get_config", &api.get_config, 0},
                                     {"openblas_get_corename", &api.get_corename, 0},
                                     {"openblas_get_parallel", &api.get_parallel, 0},
                                     {"openblas_get_num_threads", &api.get_num_threads, 0},
                                     {"openblas_set_num_threads", &api.set_num_threads, 0},
                                     {"cblas_sgemv", &api.sgemv, 0},
                                     {"cblas_sgemm", &api.sgemm, 0},
                                     {NULL, NULL, 0}};

static const char *const files[] = {"libopenblas.so.0", NULL};
static const char *no_room(void);
static cpu_library library = {"OpenBLAS", "TARE_OPENBLAS", files, no_room, NULL, ""};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static openmp runtime;
static int parallel;

/* ---- what it needs and does not ask for ---- */

/* A buffer for each thread at work and one for its caller, mapped at first use and kept. It tries
 * for ever where there is no room. */
enum { BUFFER = 128 << 20, ROOM_BESIDE = 64 << 20 };

static size_t buffers(int threads) {
    return ((size_t)threads + 1) * BUFFER;
}

/* The count it starts with: a build with a pool of its own starts them as it is loaded, and ends
 * the process where one can't be. */
static int threads_at_load(void) {
    static const char *const asked[] = {"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
                                        "OMP_NUM_THREADS"};
    cpu_set_t set;
    int most = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                           : (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const char *text = getenv(asked[i]);
        int n = text ? atoi(text) : 0;
        if (n > 0) return n < most ? n : most;
    }
    return most > 1 ? most : 1;
}

static const char *no_room(void) {
    int threads = threads_at_load();
    if (!cpu_memory_fits(buffers(threads) + ROOM_BESIDE)) return "no memory for its buffers";
    if (openmp_startable(threads) < threads) return "its threads can't be started";
    return NULL;
}

/* ---- one count for the whole process ---- */

/* Its number of threads belongs to the process. Runs with the same number go side by side; one with
 * another waits until they are done. The number that was found is put back after the last. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t left;
    int users, threads, before;
    int most;      /* threads of a pool of its own */
    int started;   /* those of them that are there, or were seen to be possible */
    size_t mapped; /* of buffers, at least */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

/* Other threads of the parent's may have been at work; none of them is here. It starts its pool
 * again by itself. */
static void in_child(void) {
    pthread_mutex_init(&gate.lock, NULL);
    pthread_cond_init(&gate.left, NULL);
    gate.users = 0;
    gate.started = 1;
}

/* It stops its pool before a fork, in the parent too. */
static void in_parent(void) {
    pthread_mutex_lock(&gate.lock);
    gate.started = 1;
    pthread_mutex_unlock(&gate.lock);
}

static void gate_begin(void) {
    gate.most = gate.started = api.get_num_threads();
    gate.mapped = parallel == OPENMP_THREADS ? buffers(gate.started - 1) : 0;
    pthread_atfork(NULL, in_parent, in_child);
}

/* Under the lock. 0: there is none. */
static int make_room(int threads) {
    size_t wanted = (size_t)(gate.users + 1) * buffers(threads);
    if (threads > gate.most) gate.most = threads;
    if (parallel == OWN_THREADS && gate.most > gate.started) {
        if (openmp_startable(gate.most) < gate.most) return 0;
        gate.started = gate.most;
    }
    if (wanted <= gate.mapped) return 1;
    if (!cpu_memory_fits(wanted - gate.mapped + ROOM_BESIDE / 4)) return 0;
    gate.mapped = wanted;
    return 1;
}

static int enter(int threads) {
    pthread_mutex_lock(&gate.lock);
    while (gate.users && gate.threads != threads) pthread_cond_wait(&gate.left, &gate.lock);
    int room = make_room(threads);
    if (room && !gate.users++) {
        gate.threads = threads;
        gate.before = api.get_num_threads();
        if (gate.before != threads) api.set_num_threads(threads);
    }
    pthread_mutex_unlock(&gate.lock);
    return room;
}

static void leave(void) {
    pthread_mutex_lock(&gate.lock);
    if (!--gate.users) {
        if (gate.before != gate.threads) api.set_num_threads(gate.before);
        pthread_cond_broadcast(&gate.left);
    }
    pthread_mutex_unlock(&gate.lock);
}

/* ---- opening ---- */

/* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
static void describe(void) {
    static const char *const kind[] = {"one thread", "own threads", "OpenMP"};
    const char *config = api.get_config();
    int version = (int)strcspn(config, " ");
    if (config[version]) version += 1 + (int)strcspn(config + version + 1, " ");
    snprintf(library.text, sizeof library.text, "%.*s %s %s", version, config, api.get_corename(),
             kind[parallel]);
}

/* Whether this processor has what a core's kernels are made of. OPENBLAS_CORETYPE may name any, and
 * the library takes it at its word. Names that are not here need no more than SSE. */
static int core_runs(const char *core) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx = __builtin_cpu_supports("avx") != 0;
    int fma = avx && __builtin_cpu_supports("fma"), avx2 = fma && __builtin_cpu_supports("avx2");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    int bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
    const struct {
        const char *core;
        int runs;
    } cores[] = {{"Sandybridge", avx}, {"Bulldozer", avx && __builtin_cpu_supports("fma4")},
                 {"Piledriver", fma},  {"Steamroller", fma},
                 {"Excavator", avx2},  {"Haswell", avx2},
                 {"Zen", avx2},        {"SkylakeX", avx512},
                 {"Cooperlake", bf16}, {"SapphireRapids", bf16 && onednn_has_amx()}};
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        if (strcasecmp(core, cores[i].core) == 0) return cores[i].runs;
#endif
    (void)core;
    return 1;
}

static int take(void) {
    openmp_look();
    if (!cpu_library_open(&library) || !cpu_library_fill(&library, symbols)) return 0;
    if (strstr(api.get_config(), "USE64BITINT"))
        return cpu_library_refuse(&library, "its integers have 64 bits");
    parallel = api.get_parallel();
    if (parallel < NO_THREADS || parallel > OPENMP_THREADS)
        return cpu_library_refuse(&library, "threads of an unknown kind");
    if (parallel == OPENMP_THREADS && !openmp_find(&runtime, library.handle))
        return cpu_library_refuse(&library, "its OpenMP is an unknown one");
    if (!core_runs(api.get_corename()))
        return cpu_library_refuse(&library, "it runs %s kernels, not this processor's",
                                  api.get_corename());
    describe();
    gate_begin();
    return 1;
}

static void open_once(void) {
    (void)take();
}

int openblas_open(void) {
    pthread_once(&once, open_once);
    return library.handle != NULL;
}

const char *openblas_text(void) {
    return library.text;
}

const char *openblas_core(void) {
    return api.get_corename();
}

const char *openblas_core_wanted(void) {
#if defined(__x86_64__)
    static const char *const sse[] = {"Prescott",  "Core2",  "Penryn",    "Dunnington",
                                      "Nehalem",   "Athlon", "Opteron",   "Opteron_SSE3",
                                      "Barcelona", "Nano",   "Northwood", "Katmai"};
    cpu_library l = library;
    const char *(*corename)(void);
    const cpu_symbol ask[] = {{"openblas_get_corename", &corename, 0}, {NULL, NULL, 0}};
    char core[40];
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return NULL;
    int wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    openmp_look();
    if (!cpu_library_open(&l) || !cpu_library_fill(&l, ask)) return NULL;
    snprintf(core, sizeof core, "%s", corename());
    dlclose(l.handle);
    for (size_t i = 0; i < sizeof sse / sizeof *sse; i++)
        if (strcasecmp(sse[i], core) == 0) return wide ? "SkylakeX" : "Haswell";
#endif
    return NULL;
}

/* ---- products ---- */

typedef struct product {
    int m, n, k;
    const float *x, *w;
    float *y;
    int threads;
    int failed; /* the text of it belongs to the thread that asked */
} product;

static void multiply(const product *p) {
    if (p->m == 1)
        api.sgemv(ROW_MAJOR, NO_TRANS, p->n, p->k, 1, p->w, p->k, p->x, 1, 0, p->y, 1);
    else
        api.sgemm(ROW_MAJOR, NO_TRANS, TRANS, p->m, p->n, p->k, 1, p->x, p->k, p->w, p->k, 0, p->y,
                  p->n);
}

/* Setting its number sets OpenMP's too, for the thread that does it. */
static void enter_and_multiply(void *ctx) {
    product *p = ctx;
    p->failed = !enter(p->threads);
    if (p->failed) return;
    multiply(p);
    leave();
}

tare_status openblas_multiply(int m, int n, int k, const float *x, const float *w, float *y,
                              int threads) {
    product p = {m, n, k, x, w, y, parallel == NO_THREADS || parallel_lent() ? 1 : threads, 0};
    if (parallel != OPENMP_THREADS) {
        enter_and_multiply(&p);
    } else {
        p.threads = openmp_granted(&runtime, p.threads);
        p.failed = !openmp_call(&runtime, p.threads, enter_and_multiply, &p) || p.failed;
    }
    if (p.failed) TARE_FAIL(TARE_E_NOMEM, "OpenBLAS: no memory for its buffers, or no threads");
    return TARE_OK;
}
