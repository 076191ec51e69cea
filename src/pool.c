/* A pool of sleeping threads with one job at a time.
 *
 * A job is published by its number: the fields are written while the number is odd and hold while
 * it is even (a sequence lock). Each piece has a word with the number of the last job in which it
 * was taken, so that a piece is taken once, by a compare and swap, and a worker that comes late, to
 * a job that is over, finds all of its pieces taken and touches nothing. A region therefore waits
 * for pieces, never for threads: one that is off its CPU delays what it has taken and no more.
 *
 * Thread t begins with piece t, so that from run to run a core meets the weights that lie in its
 * cache; what others have not begun by then it takes over.
 *
 * Waiting, for a job or for the end of one, spins for SPIN_NS and then sleeps on a futex. That
 * bridges the gap from a layer to the next; more would burn the time of whoever else wants the
 * CPU. Where threads outnumber the CPUs there is no spinning at all. */
#include "src/pool.h"

#include "src/cpus.h"
#include "src/fpenv.h"
#include "src/internal.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 50000, PAUSES = 32, STACK = 4 << 20 };

typedef atomic_ullong number;

static struct pool {
    _Alignas(64) number job; /* odd: being written */
    _Atomic(parallel_piece *) piece;
    _Atomic(void *) ctx;
    atomic_int pieces;
    atomic_int stop;
    _Alignas(64) atomic_int left; /* pieces not yet done; the caller sleeps on it */
    atomic_int caller_sleeps;
    _Alignas(64) atomic_uint bell; /* workers sleep on it */
    atomic_int sleepers;
    _Alignas(64) atomic_int busy; /* a caller has the pool */
    int workers, refused;         /* under `busy`; refused: a thread was not to be had */
    atomic_int spin;
    pthread_t thread[PARALLEL_MAX];
    _Alignas(64) number taken[PARALLEL_MAX];
} pool;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- waiting ---- */

static void futex_wait(void *word, unsigned value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(void *word, int threads) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static void breathe(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Spins until ready() or for SPIN_NS; returns whether it is. */
static int spin(int (*ready)(uint64_t what), uint64_t what) {
    if (ready(what)) return 1;
    if (!atomic_load_explicit(&pool.spin, memory_order_relaxed)) return 0;
    int64_t end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < PAUSES; i++) {
            breathe();
            if (ready(what)) return 1;
        }
    } while (now_ns() < end);
    return 0;
}

/* ---- a job ---- */

typedef struct view {
    parallel_piece *piece;
    void *ctx;
    int pieces;
} view;

/* The fields of job `n`; 0 where it is over. */
static int read_job(uint64_t n, view *v) {
    v->piece = atomic_load_explicit(&pool.piece, memory_order_acquire);
    v->ctx = atomic_load_explicit(&pool.ctx, memory_order_acquire);
    v->pieces = atomic_load_explicit(&pool.pieces, memory_order_acquire);
    return atomic_load_explicit(&pool.job, memory_order_acquire) == n;
}

static int take(uint64_t n, int piece) {
    unsigned long long last = atomic_load_explicit(&pool.taken[piece], memory_order_relaxed);
    return last < n &&
           atomic_compare_exchange_strong_explicit(&pool.taken[piece], &last, n,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

static void take_part(uint64_t n, const view *v, int thread) {
    int at = thread % v->pieces;
    for (int i = 0; i < v->pieces; i++, at = at + 1 == v->pieces ? 0 : at + 1) {
        if (!take(n, at)) continue;
        v->piece(v->ctx, at, v->pieces);
        if (atomic_fetch_sub(&pool.left, 1) == 1 && atomic_load(&pool.caller_sleeps))
            futex_wake(&pool.left, 1);
    }
}

/* ---- workers ---- */

static int another(uint64_t last) {
    uint64_t n = atomic_load_explicit(&pool.job, memory_order_acquire);
    return n != last && !(n & 1);
}

static uint64_t await_job(uint64_t last) {
    while (!spin(another, last)) {
        unsigned bell = atomic_load(&pool.bell);
        atomic_fetch_add(&pool.sleepers, 1);
        if (atomic_load(&pool.job) == last) futex_wait(&pool.bell, bell);
        atomic_fetch_sub(&pool.sleepers, 1);
    }
    return atomic_load_explicit(&pool.job, memory_order_acquire);
}

/* Signals are for the host's threads; rounding and subnormals are as C has them, whatever the
 * thread that made this one had set. */
static void *work(void *arg) {
    int thread = (int)(intptr_t)arg;
    uint64_t last = 0;
    tare_fp_enter(); /* for good */
    for (;;) {
        view v;
        uint64_t n = await_job(last);
        if (atomic_load(&pool.stop)) return NULL;
        if (!(n & 1) && read_job(n, &v)) take_part(n, &v, thread);
        last = n & 1 ? last : n;
    }
}

/* Of the thread that makes them: the host's handler gets them, wherever a piece ran. */
static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

static int start(int thread) {
    pthread_attr_t a;
    sigset_t all, before;
    if (pthread_attr_init(&a) != 0) return 0;
    pthread_attr_setstacksize(&a, STACK);
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&pool.thread[thread], &a, work, (void *)(intptr_t)thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&a);
    return !failed;
}

/* Under `busy`. One that was refused is not asked for again: each try would cost a run its time. */
static void grow(int want) {
    while (pool.workers < want && !pool.refused) {
        if (start(pool.workers + 1))
            pool.workers++;
        else
            pool.refused = 1;
    }
}

/* ---- fork, unloading ---- */

/* None of the threads is in the child, whatever they were at. */
static void forget(void) {
    memset(&pool, 0, sizeof pool);
}

static void init(void) {
    pthread_atfork(NULL, NULL, forget);
}

/* The library may be unloaded: its threads must be gone by then. */
__attribute__((destructor)) static void end(void) {
    if (!pool.workers || atomic_exchange(&pool.busy, 1)) return;
    atomic_store(&pool.stop, 1);
    atomic_fetch_add(&pool.job, 2);
    atomic_fetch_add(&pool.bell, 1);
    futex_wake(&pool.bell, INT_MAX);
    for (int i = 1; i <= pool.workers; i++) pthread_join(pool.thread[i], NULL);
    pool.workers = 0;
}

/* ---- the caller ---- */

static void publish(const view *v) {
    uint64_t n = atomic_load_explicit(&pool.job, memory_order_relaxed);
    atomic_store_explicit(&pool.left, v->pieces, memory_order_relaxed);
    atomic_store_explicit(&pool.job, n + 1, memory_order_relaxed);
    atomic_store_explicit(&pool.piece, v->piece, memory_order_release);
    atomic_store_explicit(&pool.ctx, v->ctx, memory_order_release);
    atomic_store_explicit(&pool.pieces, v->pieces, memory_order_release);
    atomic_store(&pool.job, n + 2);
    /* Those awake come by themselves. One that is about to sleep sees the job before it does. */
    int asleep = atomic_load(&pool.sleepers), need = v->pieces - 1 - (pool.workers - asleep);
    if (asleep == 0 || need <= 0) return;
    atomic_fetch_add(&pool.bell, 1);
    futex_wake(&pool.bell, need);
}

static int done(uint64_t unused) {
    (void)unused;
    return atomic_load_explicit(&pool.left, memory_order_acquire) == 0;
}

static void await_end(void) {
    if (spin(done, 0)) return;
    atomic_store(&pool.caller_sleeps, 1);
    for (int left; (left = atomic_load(&pool.left)) != 0;) futex_wait(&pool.left, (unsigned)left);
    atomic_store(&pool.caller_sleeps, 0);
}

int pool_run(int pieces, parallel_piece *piece, void *ctx) {
    pthread_once(&once, init);
    int want = pieces < tare_threads() ? pieces - 1 : tare_threads() - 1;
    if (want < 1 || atomic_exchange_explicit(&pool.busy, 1, memory_order_acquire)) return 0;
    if (pool.workers < want) grow(want);
    int some = pool.workers > 0;
    if (some) {
        atomic_store_explicit(&pool.spin, want < tare_cpus(), memory_order_relaxed);
        view v = {piece, ctx, pieces};
        publish(&v);
        take_part(atomic_load_explicit(&pool.job, memory_order_relaxed), &v, 0);
        await_end();
    }
    atomic_store_explicit(&pool.busy, 0, memory_order_release);
    return some;
}
