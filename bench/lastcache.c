/* The knee, and the reading that shows it. */
#include "bench/lastcache.h"

#include "bench/clock.h"
#include "bench/noise.h"
#include "bench/stats.h"
#include "src/internal.h"
#include "src/room.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 3, PASSES = 3 };
#define NEAR_MEMORY 1.25                 /* times its rate */
#define PLAUSIBLE ((size_t)4 << 20)      /* a thread; past the caches of its core */
#define CHUNK ((size_t)1 << 20)          /* a thread */
#define MOST_BYTES ((size_t)512 << 20)   /* past what virtual machines of one die can have */
#define UNKNOWN_BYTES ((size_t)64 << 20) /* where nothing is reported */
#define MOST_NS 0.3e9

/* ---- the knee of a curve ---- */

static size_t size_at(size_t least, int half) {
    double whole = (double)least * (double)((size_t)1 << half / 2);
    return (size_t)(half % 2 ? whole * 1.41421356 : whole);
}

/* A cache that is read around in a circle keeps nothing of what is a little too large for it, or by
 * cleverer rules a part that shrinks as the circle grows. So the first size that is near memory is
 * past the cache. Those behind it must be, too: a slow pass is no knee. */
bench_knee bench_knee_find(bench_read_rate *rate, void *ctx, double memory, size_t least,
                           size_t most) {
    bench_knee k = {0};
    size_t first = 0;
    for (int half = 0, slow = 0; size_at(least, half) <= most; half++) {
        size_t bytes = size_at(least, half);
        double v = rate(ctx, bytes);
        if (!(v > 0)) break;
        if (v > NEAR_MEMORY * memory) {
            k.held = bytes;
            slow = 0;
            continue;
        }
        if (!k.held) break;
        if (++slow == 1) first = bytes;
        if (slow < 3) continue;
        k.from = first;
        k.sure = bytes;
        break;
    }
    return k;
}

size_t bench_knee_cache(const bench_knee *k, size_t told, int guest) {
    if (!k->from) return told > k->held ? told : k->held;
    return told < k->from ? k->from : guest && told > k->sure ? k->sure : told;
}

/* ---- reading ---- */

typedef struct reader {
    bench_noise noise;
    char *buffer;
    size_t filled;
    double end;
    int64_t from; /* first line of the chunk at hand */
    atomic_uint sum;
    double rate[PASSES * (int)(MOST_BYTES / CHUNK)];
} reader;

static int64_t chunk_lines(void) {
    return (int64_t)(CHUNK / 64) * tare_threads();
}

/* Each thread has its own share of a chunk, and always the same. */
static void fill_share(void *ctx, int64_t from, int64_t to, int part) {
    const reader *r = ctx;
    (void)part;
    for (int64_t i = r->from + from; i < r->from + to; i++) r->buffer[i * 64] = 1;
}

static void read_share(void *ctx, int64_t from, int64_t to, int part) {
    reader *r = ctx;
    unsigned sum = 0;
    (void)part;
    for (int64_t i = r->from + from; i < r->from + to; i++) sum += (unsigned char)r->buffer[i * 64];
    atomic_fetch_add_explicit(&r->sum, sum, memory_order_relaxed);
}

/* The median chunk: what interrupts a pass makes one chunk slow and not the pass, and where the
 * cache keeps a part of the circle, more than half of it must be gone. */
static double median_chunk(reader *r, int64_t lines) {
    int64_t one = chunk_lines();
    size_t n = 0;
    for (int pass = 0; pass <= PASSES; pass++)
        for (r->from = 0; r->from + one <= lines; r->from += one) {
            double t = bench_now_ns();
            parallel_ranges(one, tare_threads(), read_share, r);
            if (pass > 0) r->rate[n++] = (double)one * 64 / (bench_now_ns() - t);
        }
    bench_sort(r->rate, n);
    return bench_median(r->rate, n);
}

static void fill(reader *r, size_t bytes) {
    int64_t one = chunk_lines(), lines = (int64_t)(bytes / 64);
    for (r->from = (int64_t)(r->filled / 64) / one * one; r->from + one <= lines; r->from += one)
        parallel_ranges(one, tare_threads(), fill_share, r);
    r->filled = bytes;
}

/* A size that is slow beside a low noise probe would look like memory: again, and then not at all.
 */
static double rate_of(void *ctx, size_t bytes) {
    reader *r = ctx;
    if (bytes > r->filled) fill(r, bytes);
    double before = bench_noise_probe(&r->noise);
    for (int i = 0; i < TRIES && bench_now_ns() < r->end; i++) {
        double v = median_chunk(r, (int64_t)(bytes / 64)), after = bench_noise_probe(&r->noise);
        if (!bench_noise_low(&r->noise, before) && !bench_noise_low(&r->noise, after)) return v;
        before = after;
    }
    return 0;
}

/* ---- this machine ---- */

static struct {
    int asked, guest;
    bench_knee knee;
} here;

/* From memory, the lower of two: where that moves, less looks as slow as it. */
static double memory_rate(tare_device *d) {
    double one = 0, other = 0;
    if (tare_device_probe(d, TARE_PROBE_READ, 0.01, &one) != TARE_OK ||
        tare_device_probe(d, TARE_PROBE_READ, 0.01, &other) != TARE_OK)
        return 0;
    return one < other ? one : other;
}

/* x86 says so among its flags; others are taken at their word. */
static int is_guest(void) {
    char word[64];
    int found = 0;
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && !found && fscanf(f, "%63s", word) == 1) found = strcmp(word, "hypervisor") == 0;
    if (f) fclose(f);
    return found;
}

static void look(const bench_setup *s) {
    size_t least = PLAUSIBLE * (size_t)tare_threads(), most = tare_room_now().left / 4;
    double end = bench_now_ns() + MOST_NS, memory = memory_rate(s->device);
    here.asked = 1;
    here.guest = is_guest();
    if (most > MOST_BYTES) most = MOST_BYTES;
    if (most < 2 * least || !(memory > 0)) return;
    reader *r = tare_alloc_zeroed(sizeof *r);
    if (r) r->buffer = tare_alloc(most);
    if (r && r->buffer) {
        r->noise = s->noise;
        r->end = end;
        here.knee = bench_knee_find(rate_of, r, memory, least, most);
        if (atomic_load(&r->sum) == 0) here.knee = (bench_knee){0}; /* nothing was read */
    }
    if (r) tare_free(r->buffer);
    tare_free(r);
}

static int is_cpu(const bench_setup *s) {
    return s->device && s->device->backend == &tare_cpu_backend;
}

static size_t told(const bench_setup *s) {
    return s->info.cache > 0 ? (size_t)s->info.cache : UNKNOWN_BYTES;
}

size_t bench_last_cache(const bench_setup *s) {
    if (!is_cpu(s)) return told(s);
    if (!here.asked) look(s);
    return bench_knee_cache(&here.knee, told(s), here.guest);
}

size_t bench_last_cache_measured(const bench_setup *s) {
    return is_cpu(s) && here.knee.from ? bench_knee_cache(&here.knee, told(s), here.guest) : 0;
}

int bench_last_cache_holds(const bench_setup *s, size_t bytes) {
    if (!is_cpu(s)) return bytes < (size_t)s->info.cache;
    return bytes < PLAUSIBLE || bytes < bench_last_cache(s);
}
