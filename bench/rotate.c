/* Rotation through copies, and eviction by reading or writing. */
#include "bench/clock.h"
#include "bench/replay.h"
#include "src/internal.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum {
    CHUNK = 8 << 20, /* of a write that evicts */
    HOT_RUNS = 16,   /* before a hot sample, */
    HOT_LEAST = 2,   /* but where they take longer than HOT_NS, so many */
    HOT_NS = 5000000,
    LONG_NS = 2000000,
    SETTLE_NS = 300000, /* longer than threads spin: GOMP_SPINCOUNT (src/cli/environment.c), ours */
    RUNWAY = 64 << 20   /* set before a sample by the device's clock, so that the device is still at
                         * it when the host has queued the sample */
};

void bench_cold_clear(bench_cold *c) {
    tare_free(c->buffer);
    tare_buffer_destroy(c->spare);
    memset(c, 0, sizeof *c);
}

typedef struct reading {
    const char *lines;
    atomic_uint sum;
} reading;

static void read_share(void *ctx, int64_t from, int64_t to, int part) {
    reading *r = ctx;
    unsigned sum = 0;
    (void)part;
    for (int64_t i = from; i < to; i++) sum += (unsigned char)r->lines[i * 64];
    atomic_fetch_add_explicit(&r->sum, sum, memory_order_relaxed);
}

static unsigned read_lines(const char *buffer, int64_t from, int64_t count) {
    reading r = {.lines = buffer + from * 64};
    parallel_ranges(count, tare_threads(), read_share, &r);
    return atomic_load(&r.sum);
}

/* Reads `bytes` of the buffer, on all threads: private caches are emptied as well. */
static tare_status read_by(bench_cold *c, size_t bytes) {
    if (!c->buffer) {
        c->buffer = tare_alloc(c->target);
        if (!c->buffer) TARE_FAIL(TARE_E_NOMEM, "measure: no memory for %zu bytes", c->target);
        memset(c->buffer, 1, c->target); /* real pages, each its own */
    }
    int64_t all = (int64_t)(c->target / 64), from = (int64_t)(c->at / 64);
    int64_t lines = (int64_t)(bytes / 64) + 1, first;
    if (lines > all) lines = all;
    first = lines < all - from ? lines : all - from;
    unsigned sum = read_lines(c->buffer, from, first) + read_lines(c->buffer, 0, lines - first);
    c->at = (size_t)((from + lines) % all) * 64;
    c->moved += (double)(lines * 64) + 64;
    /* The sum is used, so the reads stay. */
    if (sum == 0) TARE_FAIL(TARE_E_DEVICE, "measure: the eviction buffer lost its content");
    return TARE_OK;
}

static size_t runway(const bench_cold *c) {
    return c->spare_bytes < RUNWAY ? c->spare_bytes : RUNWAY;
}

/* As much of the target as a quarter of the device's memory holds, and as can be had. */
static tare_status make_spare(bench_cold *c) {
    tare_device *d = c->stream->device;
    size_t most = d->info.memory > 0 ? (size_t)d->info.memory / 4 : c->target;
    if (!d->backend->ops->fill) {
        c->buffer = tare_alloc(CHUNK);
        if (!c->buffer) TARE_FAIL(TARE_E_NOMEM, "measure: no memory for %d bytes", CHUNK);
        memset(c->buffer, 1, CHUNK);
    }
    c->spare_bytes = c->target < most ? c->target : most;
    if (c->buffer && c->spare_bytes < CHUNK) c->spare_bytes = CHUNK;
    tare_status s;
    while ((s = tare_buffer_create(d, c->spare_bytes, &c->spare)) == TARE_E_NOMEM &&
           c->spare_bytes >= 2 * CHUNK)
        c->spare_bytes /= 2;
    return s;
}

/* Sets `one` bytes of the spare buffer, by the device or from the host. */
static tare_status write_chunk(bench_cold *c, size_t one) {
    const tare_device *d = c->stream->device;
    if (c->buffer) return tare_buffer_write(c->stream, c->spare, c->at, c->buffer, one);
    return d->backend->ops->fill(d->state, c->stream->state, c->spare->mem, c->at, one, 1);
}

/* Host memory is the wrong cache there: the device itself writes what is to go by. */
static tare_status write_by(bench_cold *c, size_t bytes, int runs_on) {
    if (!c->spare) TARE_TRY(make_spare(c));
    if (runs_on && !c->buffer && bytes < runway(c)) bytes = runway(c);
    if (bytes > c->spare_bytes) bytes = c->spare_bytes;
    for (size_t done = 0; done < bytes;) {
        size_t most = c->buffer ? CHUNK : c->spare_bytes;
        size_t one = bytes - done < most ? bytes - done : most;
        if (c->at + one > c->spare_bytes) c->at = 0;
        TARE_TRY(write_chunk(c, one));
        c->at += one;
        done += one;
    }
    c->moved += (double)bytes;
    return runs_on && !c->buffer ? TARE_OK : tare_stream_sync(c->stream);
}

static tare_status prepare_cold(bench_rotor *r, int runs) {
    double missing = 0, before = 0;
    int many = runs < r->copies ? runs : r->copies, by_device = r->timing > BENCH_BY_HOST;
    if (r->next + many > r->copies) r->next = 0; /* the same copies make a sample every turn */
    for (int i = 0; i < many; i++) {
        int at = (r->next + i) % r->copies;
        double lack = (double)r->cold->target - (r->cold->moved - r->used[at]) - before;
        before += (double)tare_packed_bytes(r->copy[at]); /* goes by within the sample */
        if (lack > missing) missing = lack;
    }
    if (r->cold->stream && (missing > 0 || by_device))
        return write_by(r->cold, missing > 0 ? (size_t)missing : 0, by_device);
    return missing > 0 ? read_by(r->cold, (size_t)missing) : TARE_OK;
}

void bench_rotor_turn(bench_rotor *r) {
    int i = r->next;
    if (!r->cold) return;
    r->cold->moved += (double)tare_packed_bytes(r->copy[i]);
    r->used[i] = r->cold->moved;
    r->next = i + 1 < r->copies ? i + 1 : 0;
}

tare_status bench_rotor_queue(bench_rotor *r) {
    int i = r->next;
    tare_status s = tare_run(r->plan, r->copy[i], r->stream, r->x, NULL, r->y, 0);
    bench_rotor_turn(r);
    return s;
}

tare_status bench_rotor_run(void *rotor) {
    bench_rotor *r = rotor;
    TARE_TRY(bench_rotor_queue(r));
    return tare_stream_sync(r->stream);
}

/* A device's clock keeps the events of runs until it is asked: asked between samples, it does not
 * sort them out within one. */
tare_status bench_rotor_settle(const bench_rotor *r) {
    tare_times t;
    tare_status s = tare_stream_times(r->stream, &t);
    return s == TARE_E_UNSUPPORTED ? TARE_OK : s;
}

/* Hot samples that replay a graph run on the copy that was recorded. */
static void turn_hot(bench_rotor *r) {
    int places = r->timing == BENCH_BY_GRAPH    ? 1
                 : r->copies < BENCH_HOT_COPIES ? r->copies
                                                : BENCH_HOT_COPIES;
    r->next = r->next + 1 < places ? r->next + 1 : 0;
}

/* Untimed runs until the caches hold what they hold in a program that uses these weights again and
 * again. After other contestants one is not enough: where the last cache takes what the second
 * gives up, sixteen were seen to make a run a quarter faster than one. */
static tare_status heat_up(bench_rotor *r) {
    double start = bench_now_ns();
    for (int i = 0; i < HOT_RUNS && (i < HOT_LEAST || bench_now_ns() - start < HOT_NS); i++)
        TARE_TRY(bench_rotor_run(r));
    return TARE_OK;
}

static int place(void *rotor) {
    const bench_rotor *r = rotor;
    if (r->timing == BENCH_BY_GRAPH) return 0;
    return r->cold && r->runs > 0 ? r->next / r->runs : r->next;
}

/* Waits until threads of the other kind have gone to sleep. */
static void settle_threads(bench_rotor *r) {
    if (!r->ran_last || *r->ran_last == r->threads) return;
    nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
    *r->ran_last = r->threads;
}

static void nothing(void *ctx, int part, int parts) {
    (void)ctx, (void)part, (void)parts;
}

/* A run on the copy used last before a cold sample: it brings back what others displaced of code, x
 * and y, and wakes the threads. Where a run takes long, that is nothing beside it. */
static tare_status run_before(bench_rotor *r) {
    if (!r->ran_last || r->is_long) return TARE_OK;
    if (r->copies == 1) {
        if (r->threads == BENCH_THREADS_OURS) parallel_pieces(tare_threads(), nothing, NULL);
        return TARE_OK;
    }
    double start = bench_now_ns();
    int next = r->next;
    r->next = next > 0 ? next - 1 : r->copies - 1;
    tare_status s = bench_rotor_run(r);
    r->next = next;
    r->is_long = bench_now_ns() - start > LONG_NS;
    return s;
}

/* What is missing is read by our threads: they are the last then. */
static tare_status ready_cold(bench_rotor *r, int runs) {
    double before = r->cold->moved;
    if (r->threads == BENCH_THREADS_OURS) settle_threads(r);
    TARE_TRY(prepare_cold(r, runs));
    if (r->ran_last && r->cold->moved > before) *r->ran_last = BENCH_THREADS_OURS;
    settle_threads(r);
    return run_before(r);
}

static tare_status prepare(void *rotor, int runs) {
    bench_rotor *r = rotor;
    r->runs = runs;
    if (!r->cold) {
        turn_hot(r);
        settle_threads(r);
        TARE_TRY(heat_up(r));
    }
    TARE_TRY(bench_rotor_settle(r));
    return r->cold ? ready_cold(r, runs) : TARE_OK;
}

bench_contestant bench_rotor_contestant(bench_rotor *r) {
    return (bench_contestant){.run = bench_rotor_run,
                              .prepare = prepare,
                              .place = place,
                              .timed = r->timing == BENCH_BY_GRAPH    ? bench_rotor_replay
                                       : r->timing == BENCH_BY_EVENTS ? bench_rotor_events
                                                                      : NULL,
                              .ctx = r,
                              .batch_max = r->cold ? r->copies : 0,
                              .burst = r->cold ? 1 : BENCH_HOT_BURST,
                              .tick_ns = r->tick_ns,
                              .batch = r->timing == BENCH_BY_GRAPH ? r->recorded : 0};
}

static tare_status make_room(bench_rotor *r, int want) {
    if (want <= r->room) return TARE_OK;
    tare_packed **copy = tare_alloc_zeroed((size_t)want * sizeof *copy);
    double *used = tare_alloc_zeroed((size_t)want * sizeof *used);
    if (!copy || !used) {
        tare_free(copy);
        tare_free(used);
        TARE_FAIL(TARE_E_NOMEM, "measure: out of memory for %d copies", want);
    }
    if (r->copies) {
        memcpy(copy, r->copy, (size_t)r->copies * sizeof *copy);
        memcpy(used, r->used, (size_t)r->copies * sizeof *used);
    }
    tare_free(r->copy);
    tare_free(r->used);
    r->copy = copy;
    r->used = used;
    r->room = want;
    return TARE_OK;
}

tare_status bench_rotor_adopt(bench_rotor *r, tare_packed *first) {
    TARE_TRY(make_room(r, 1));
    r->copy[0] = first;
    r->copies = 1;
    return TARE_OK;
}

/* By the host's packer where the device can't copy. */
static tare_status one_more(bench_rotor *r, const tare_tensor *t, tare_packed **out) {
    if (r->copies) {
        tare_status s = tare_packed_copy(r->copy[0], r->stream, out);
        if (s != TARE_E_UNSUPPORTED) return s;
    }
    return tare_pack(r->plan, t, out);
}

tare_status bench_rotor_grow(bench_rotor *r, const tare_tensor *t, int want) {
    TARE_TRY(make_room(r, want));
    if (r->copies < want) bench_rotor_forget(r);
    while (r->copies < want) {
        TARE_TRY(one_more(r, t, &r->copy[r->copies]));
        r->used[r->copies++] = r->cold ? r->cold->moved : 0;
    }
    return TARE_OK;
}

void bench_rotor_clear(bench_rotor *r) {
    bench_rotor_forget(r);
    for (int i = 0; i < r->copies; i++) tare_packed_destroy(r->copy[i]);
    tare_free(r->copy);
    tare_free(r->used);
    memset(r, 0, sizeof *r);
}
