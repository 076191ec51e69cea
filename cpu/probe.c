/* Ceilings of this machine, measured: what rows are compared with.
 *
 * A rate is that of the best burst: other guests of a shared machine can only take away. A burst
 * lasts a quarter of the time asked for (20 ms at most), long enough that a short probe, which the
 * harness takes before and after each cell, falls when a neighbour holds the core. The memory
 * probe's burst is a pass over a buffer several times the last cache level. The launch is a
 * quartile.
 *
 * Threads: tare_threads() of them, each on its own share. Instruction sets: cpu_features(), so a
 * mask lowers the ceilings with the rows. */
#include "cpu/probe.h"
#include "src/room.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES = 256, LAUNCHES = 32, READ_UNIT = 512, BURSTS = 6, FIRST_OPS = 1 << 22 };

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

static burst burst_of(const probe_math *p, int64_t rounds) {
    double threads = 0, sum = 0, work = 0, start = now();
#pragma omp parallel num_threads(tare_threads()) reduction(+ : threads, sum) reduction(max : work)
    {
        double t = now();
        sum += p->run(rounds);
        work = now() - t;
        threads += 1;
    }
    sink = sum;
    return (burst){threads * (double)rounds * p->ops, now() - start, work};
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

static const probe_math *f32_of(uint64_t f) {
    return f & CPU_AVX512 ? &probe_f32_avx512 : f & CPU_AVX2 ? &probe_f32_avx2 : &probe_f32_c;
}

static const probe_math *i8_of(uint64_t f) {
    if (f & CPU_VNNI) return &probe_i8_vnni;
    return f & CPU_AVX512 ? &probe_i8_avx512 : f & CPU_AVX2 ? &probe_i8_avx2 : &probe_i8_c;
}

/* ---- reading ---- */

static probe_read *read_of(uint64_t f) {
    return f & CPU_AVX512 ? probe_read_avx512 : f & CPU_AVX2 ? probe_read_avx2 : probe_read_c;
}

/* A contiguous share a thread. Filling uses the same split, so that a page lies near its reader. */
static void fill(char *buf, size_t units, int parts) {
#pragma omp parallel for num_threads(parts) schedule(static)
    for (int part = 0; part < parts; part++) {
        size_t from = (size_t)cpu_share((int64_t)units, part, parts),
               to = (size_t)cpu_share((int64_t)units, part + 1, parts);
        for (size_t i = from * READ_UNIT; i < to * READ_UNIT; i++) buf[i] = (char)(i >> 12);
    }
}

static void read_all(probe_read *read, const char *buf, size_t units, int parts, int passes) {
    uint64_t sum = 0;
#pragma omp parallel for num_threads(parts) schedule(static) reduction(^ : sum)
    for (int part = 0; part < parts; part++) {
        size_t from = (size_t)cpu_share((int64_t)units, part, parts),
               to = (size_t)cpu_share((int64_t)units, part + 1, parts);
        for (int i = 0; i < passes; i++)
            sum ^= read(buf + from * READ_UNIT, (to - from) * READ_UNIT) + (uint64_t)i;
    }
    sink = (double)sum;
}

/* GB/s over `bytes`, `passes` of them a burst. */
static tare_status read_rate(size_t bytes, int passes, double seconds, double *rate) {
    size_t units = bytes / READ_UNIT;
    int parts = tare_threads();
    char *buf = tare_alloc(units * READ_UNIT);
    if (!buf) TARE_FAIL(TARE_E_NOMEM, "cpu: no memory for a read probe of %zu bytes", bytes);
    probe_read *read = read_of(cpu_features());
    fill(buf, units, parts);
    read_all(read, buf, units, parts, 1);
    double start = now(), best = 0;
    do {
        double t = now();
        read_all(read, buf, units, parts, passes);
        double one = (double)(units * READ_UNIT) * passes / (now() - t);
        if (one > best) best = one;
    } while (now() - start < seconds);
    tare_free(buf);
    *rate = best * 1e-9;
    return TARE_OK;
}

static size_t cache_level(int name, size_t otherwise) {
    long v = sysconf(name);
    return v > 0 ? (size_t)v : otherwise;
}

static tare_status memory(double seconds, double *rate) {
    size_t last = cache_level(_SC_LEVEL3_CACHE_SIZE, cache_level(_SC_LEVEL2_CACHE_SIZE, 8 << 20));
    size_t want = 4 * last < ((size_t)64 << 20) ? (size_t)64 << 20 : 4 * last;
    size_t free_bytes = tare_room_now().left;
    if (want > free_bytes / 2) want = free_bytes / 2;
    /* Less than that, and the cache would answer for the memory: no figure is better. */
    if (want < 2 * last)
        TARE_FAIL(
            TARE_E_NOMEM,
            "cpu: reading past a cache of %zu MiB needs %zu MiB free twice over, %zu are free",
            last >> 20, last >> 19, free_bytes >> 20);
    return read_rate(want, 1, seconds, rate);
}

/* Each thread's set is past its own second level and well within its part of the last. */
static tare_status cache(double seconds, double *rate) {
    size_t l2 = cache_level(_SC_LEVEL2_CACHE_SIZE, 1 << 20), threads = (size_t)tare_threads();
    size_t last = cache_level(_SC_LEVEL3_CACHE_SIZE, l2);
    size_t set = 4 * l2 < last / (2 * threads) ? 4 * l2 : last / (2 * threads);
    if (set < READ_UNIT) set = READ_UNIT;
    int64_t passes = (int64_t)(((size_t)32 << 20) / set);
    return read_rate(set * threads, passes < 1 ? 1 : (int)passes, seconds, rate);
}

/* ---- launch ---- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ns of a parallel region that does nothing, back to back, as a layer follows a layer. Each is
 * timed alone, and LAUNCHES at least: where something else holds a core, a region takes
 * milliseconds, and only those between count. */
static double launch(double seconds) {
    double ns[SAMPLES], start = now();
    int count = 0;
    do {
        double threads = 0, t = now();
#pragma omp parallel num_threads(tare_threads()) reduction(+ : threads)
        threads += 1;
        sink = threads;
        ns[count++ % SAMPLES] = (now() - t) * 1e9;
    } while ((now() - start < seconds || count < LAUNCHES) && count < 1 << 24);
    int kept = count < SAMPLES ? count : SAMPLES;
    qsort(ns, (size_t)kept, sizeof *ns, ascending);
    return ns[kept / 4];
}

tare_status cpu_probe(void *state, tare_probe_kind what, double seconds, double *rate) {
    (void)state;
    uint64_t f = cpu_features();
    switch (what) {
    case TARE_PROBE_READ:
        return memory(seconds, rate);
    case TARE_PROBE_CACHE:
        return cache(seconds, rate);
    case TARE_PROBE_F32:
        *rate = math_rate(f32_of(f), seconds);
        return TARE_OK;
    case TARE_PROBE_I8:
        *rate = math_rate(i8_of(f), seconds);
        return TARE_OK;
    case TARE_PROBE_LAUNCH:
        *rate = launch(seconds);
        return TARE_OK;
    case TARE_PROBE_BF16:
        if (!(f & CPU_BF16)) TARE_FAIL(TARE_E_UNSUPPORTED, "cpu: no bf16 dot products here");
        *rate = math_rate(&probe_bf16_bf16, seconds);
        return TARE_OK;
    case TARE_PROBE_H2D:
    case TARE_PROBE_D2H:
        TARE_FAIL(TARE_E_UNSUPPORTED, "cpu: works in host memory");
    }
    TARE_FAIL(TARE_E_ARG, "cpu: no probe %d", (int)what);
}
