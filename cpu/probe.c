/* Ceilings of this machine, measured: what rows are compared with.
 *
 * A rate is that of the best burst: other guests of a shared machine can only take away. A burst
 * lasts a quarter of the time asked for (20 ms at most), long enough that a short probe, which the
 * harness takes before and after each cell, falls when a neighbour holds the core. The memory
 * probe's burst is a pass over a buffer that was put out of all caches just before; where user code
 * can't do that, over one several times the last cache level. The launch is a quartile.
 *
 * Threads: tare_threads() of them, each on its own share. Instruction sets: cpu_features(), so a
 * mask lowers the ceilings with the rows. */
#include "cpu/family.h"
#include "cpu/machine.h"
#include "src/room.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    SAMPLES = 256,
    LAUNCHES = 32,
    READ_UNIT = 512,
    LEAST_READS = 4,
    BURSTS = 6,
    FIRST_OPS = 1 << 22
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Results of the loops end here, so that none is dead. */
static volatile double sink;

/* ---- arithmetic ---- */

typedef struct burst {
    double ops;  /* of all threads together */
    double wall; /* seconds, with the start and the end of the parallel region */
    double work; /* of the slowest thread within it */
} burst;

typedef struct math_job {
    const probe_math *p;
    int64_t rounds;
    double work[PARALLEL_MAX], result[PARALLEL_MAX];
} math_job;

static void math_piece(void *ctx, int part, int parts) {
    math_job *j = ctx;
    double t = now();
    (void)parts;
    j->result[part] = j->p->run(j->rounds);
    j->work[part] = now() - t;
}

static burst burst_of(const probe_math *p, int64_t rounds) {
    int threads = tare_threads();
    math_job j = {.p = p, .rounds = rounds};
    double work = 0, start = now();
    parallel_pieces(threads, math_piece, &j);
    double wall = now() - start;
    for (int i = 0; i < threads; i++)
        work = j.work[i] > work ? j.work[i] : work, sink = j.result[i];
    return (burst){threads * (double)rounds * p->ops, wall, work};
}

/* Bursts grow until the work in them lasts long enough: on a busy machine starting the threads may
 * take longer than a small burst. There are BURSTS at least. */
static double math_rate(const probe_math *p, double seconds) {
    double start = now(), length = seconds / 4 < 0.02 ? seconds / 4 : 0.02, best = 0;
    int64_t rounds = 1 + (int64_t)(FIRST_OPS / p->ops);
    burst_of(p, 1); /* starts the threads */
    for (int count = 0; count < BURSTS || now() - start < seconds; count++) {
        burst b = burst_of(p, rounds);
        if (b.ops / b.wall > best) best = b.ops / b.wall;
        if (b.work < length / 2 && rounds < INT64_MAX / 8) rounds *= b.work < length / 8 ? 4 : 2;
    }
    return best * 1e-9;
}

/* ---- reading ---- */

/* A contiguous share a thread. Filling uses the same split, so that a page lies near its reader. */
typedef struct read_job {
    char *buf;
    probe_read *read;
    probe_flush *flush;
    int passes;
    atomic_ullong sum;
} read_job;

static void fill(void *ctx, int64_t from, int64_t to, int part) {
    const read_job *j = ctx;
    (void)part;
    for (int64_t i = from * READ_UNIT; i < to * READ_UNIT; i++) j->buf[i] = (char)(i >> 12);
}

static void read_share(void *ctx, int64_t from, int64_t to, int part) {
    read_job *j = ctx;
    uint64_t sum = 0;
    (void)part;
    for (int i = 0; i < j->passes; i++)
        sum ^= j->read(j->buf + from * READ_UNIT, (size_t)(to - from) * READ_UNIT) + (uint64_t)i;
    atomic_fetch_xor_explicit(&j->sum, sum, memory_order_relaxed);
}

static void flush_share(void *ctx, int64_t from, int64_t to, int part) {
    const read_job *j = ctx;
    (void)part;
    j->flush(j->buf + from * READ_UNIT, (size_t)(to - from) * READ_UNIT);
}

/* GB/s over `bytes`, `passes` of them a burst; out of memory where `flush` puts them there. */
static tare_status read_rate(size_t bytes, int passes, probe_flush *flush, double seconds,
                             double *rate) {
    int64_t units = (int64_t)(bytes / READ_UNIT);
    int parts = tare_threads();
    read_job j = {.buf = tare_alloc(bytes),
                  .read = cpu_family_here.loops(cpu_features()).read,
                  .flush = flush,
                  .passes = 1};
    if (!j.buf) TARE_FAIL(TARE_E_NOMEM, "cpu: no memory for a read probe of %zu bytes", bytes);
    parallel_ranges(units, parts, fill, &j);
    parallel_ranges(units, parts, read_share, &j);
    j.passes = passes;
    double start = now(), best = 0;
    for (int count = 0; count < LEAST_READS || now() - start < seconds; count++) {
        if (flush) parallel_ranges(units, parts, flush_share, &j);
        double t = now();
        parallel_ranges(units, parts, read_share, &j);
        double one = (double)(units * READ_UNIT) * passes / (now() - t);
        if (one > best) best = one;
    }
    sink = (double)atomic_load(&j.sum);
    tare_free(j.buf);
    *rate = best * 1e-9;
    return TARE_OK;
}

static size_t or_else(long v, size_t otherwise) {
    return v > 0 ? (size_t)v : otherwise;
}

static size_t last_cache(void) {
    return or_else(cpu_caches(3), or_else(cpu_caches(2), 8 << 20));
}

/* Of a flushed buffer: 2 MiB a thread make a burst long beside its start, and 32 MiB in all are
 * spread over every channel. */
static size_t flushed_bytes(void) {
    size_t threads = (size_t)tare_threads();
    return ((size_t)2 << 20) * (threads < 16 ? 16 : threads);
}

/* Past the last cache by its size. */
static tare_status memory_by_size(double seconds, double *rate) {
    size_t last = last_cache();
    size_t want = 4 * last < ((size_t)64 << 20) ? (size_t)64 << 20 : 4 * last;
    size_t free_bytes = tare_room_now().left;
    if (want > free_bytes / 2) want = free_bytes / 2;
    /* Less than that, and the cache would answer for the memory: no figure is better. */
    if (want < 2 * last)
        TARE_FAIL(
            TARE_E_NOMEM,
            "cpu: reading past a cache of %zu MiB needs %zu MiB free twice over, %zu are free",
            last >> 20, last >> 19, free_bytes >> 20);
    return read_rate(want, 1, NULL, seconds, rate);
}

static tare_status memory(double seconds, double *rate) {
    probe_flush *flush = cpu_family_here.flush();
    return flush ? read_rate(flushed_bytes(), 1, flush, seconds, rate)
                 : memory_by_size(seconds, rate);
}

/* Each thread's set is past its own second level and well within its part of the last. */
static tare_status cache(double seconds, double *rate) {
    size_t l2 = or_else(cpu_cache(2), 1 << 20), threads = (size_t)tare_threads();
    size_t last = or_else(cpu_caches(3), threads * l2);
    size_t set = 4 * l2 < last / (2 * threads) ? 4 * l2 : last / (2 * threads);
    if (set < READ_UNIT) set = READ_UNIT;
    int64_t passes = (int64_t)(((size_t)32 << 20) / set);
    return read_rate(set * threads, passes < 1 ? 1 : (int)passes, NULL, seconds, rate);
}

/* ---- launch ---- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void nothing(void *ctx, int part, int parts) {
    (void)ctx, (void)part, (void)parts;
}

/* ns of a parallel region that does nothing, back to back, as a layer follows a layer. Each is
 * timed alone, and LAUNCHES at least: where something else holds a core, a region takes
 * milliseconds, and only those between count. */
static double launch(double seconds) {
    double ns[SAMPLES], start = now();
    int count = 0;
    do {
        double t = now();
        parallel_pieces(tare_threads(), nothing, NULL);
        ns[count++ % SAMPLES] = (now() - t) * 1e9;
    } while ((now() - start < seconds || count < LAUNCHES) && count < 1 << 24);
    int kept = count < SAMPLES ? count : SAMPLES;
    qsort(ns, (size_t)kept, sizeof *ns, ascending);
    return ns[kept / 4];
}

tare_status cpu_probe(void *state, tare_probe_kind what, double seconds, double *rate) {
    (void)state;
    cpu_loops loops = cpu_family_here.loops(cpu_features());
    switch (what) {
    case TARE_PROBE_READ:
        return memory(seconds, rate);
    case TARE_PROBE_CACHE:
        return cache(seconds, rate);
    case TARE_PROBE_F32:
        *rate = math_rate(loops.f32, seconds);
        return TARE_OK;
    case TARE_PROBE_I8:
        *rate = math_rate(loops.i8, seconds);
        return TARE_OK;
    case TARE_PROBE_LAUNCH:
        *rate = launch(seconds);
        return TARE_OK;
    case TARE_PROBE_BF16:
        if (!loops.bf16) TARE_FAIL(TARE_E_UNSUPPORTED, "cpu: no bf16 dot products here");
        *rate = math_rate(loops.bf16, seconds);
        return TARE_OK;
    case TARE_PROBE_H2D:
    case TARE_PROBE_D2H:
        TARE_FAIL(TARE_E_UNSUPPORTED, "cpu: works in host memory");
    }
    TARE_FAIL(TARE_E_ARG, "cpu: no probe %d", (int)what);
}
