/* Rotation through copies, and eviction by reading. */
#include "bench/rotate.h"
#include "src/internal.h"

#include <string.h>

enum { CHUNK = 8 << 20 }; /* of a write that evicts */

void bench_cold_clear(bench_cold *c) {
    tare_free(c->buffer);
    tare_buffer_destroy(c->spare);
    memset(c, 0, sizeof *c);
}

static unsigned read_lines(const char *buffer, int64_t from, int64_t count) {
    unsigned sum = 0;
#pragma omp parallel for reduction(+ : sum) num_threads(tare_threads())
    for (int64_t i = from; i < from + count; i++) sum += (unsigned char)buffer[i * 64];
    return sum;
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

/* As much of the target as a quarter of the device's memory holds, and as can be had. */
static tare_status make_spare(bench_cold *c) {
    tare_device *d = c->stream->device;
    size_t most = d->info.memory > 0 ? (size_t)d->info.memory / 4 : c->target;
    c->buffer = tare_alloc(CHUNK);
    if (!c->buffer) TARE_FAIL(TARE_E_NOMEM, "measure: no memory for %d bytes", CHUNK);
    memset(c->buffer, 1, CHUNK);
    c->spare_bytes = c->target < most ? c->target : most;
    if (c->spare_bytes < CHUNK) c->spare_bytes = CHUNK;
    tare_status s;
    while ((s = tare_buffer_create(d, c->spare_bytes, &c->spare)) == TARE_E_NOMEM &&
           c->spare_bytes >= 2 * CHUNK)
        c->spare_bytes /= 2;
    return s;
}

/* Host memory is the wrong cache there: the device itself writes what is to go by. */
static tare_status write_by(bench_cold *c, size_t bytes) {
    if (!c->spare) TARE_TRY(make_spare(c));
    if (bytes > c->spare_bytes) bytes = c->spare_bytes;
    for (size_t done = 0; done < bytes;) {
        size_t one = bytes - done < CHUNK ? bytes - done : CHUNK;
        if (c->at + one > c->spare_bytes) c->at = 0;
        TARE_TRY(tare_buffer_write(c->stream, c->spare, c->at, c->buffer, one));
        c->at += one;
        done += one;
    }
    c->moved += (double)bytes;
    return tare_stream_sync(c->stream);
}

static tare_status prepare_cold(bench_rotor *r, int runs) {
    double missing = 0;
    int many = runs < r->copies ? runs : r->copies;
    for (int i = 0; i < many; i++) {
        double since = r->cold->moved - r->used[(r->next + i) % r->copies];
        double lack = (double)r->cold->target - since;
        if (lack > missing) missing = lack;
    }
    if (!(missing > 0)) return TARE_OK;
    return r->cold->stream ? write_by(r->cold, (size_t)missing) : read_by(r->cold, (size_t)missing);
}

tare_status bench_rotor_queue(bench_rotor *r) {
    int i = r->next;
    tare_status s = tare_run(r->plan, r->copy[i], r->stream, r->x, NULL, r->y, 0);
    if (r->cold) {
        r->cold->moved += (double)tare_packed_bytes(r->copy[i]);
        r->used[i] = r->cold->moved;
        r->next = i + 1 < r->copies ? i + 1 : 0;
    }
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
    return r->stream->device->backend->ops->stream_times ? tare_stream_times(r->stream, &t)
                                                         : TARE_OK;
}

static tare_status prepare(void *rotor, int runs) {
    bench_rotor *r = rotor;
    TARE_TRY(bench_rotor_settle(r));
    return r->cold ? prepare_cold(r, runs) : bench_rotor_run(r);
}

bench_contestant bench_rotor_contestant(bench_rotor *r) {
    return (bench_contestant){
        .run = bench_rotor_run, .prepare = prepare, .ctx = r, .batch_max = r->cold ? r->copies : 0};
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

tare_status bench_rotor_grow(bench_rotor *r, const tare_tensor *t, int want) {
    TARE_TRY(make_room(r, want));
    while (r->copies < want) {
        TARE_TRY(tare_pack(r->plan, t, &r->copy[r->copies]));
        r->used[r->copies++] = r->cold ? r->cold->moved : 0;
    }
    return TARE_OK;
}

void bench_rotor_clear(bench_rotor *r) {
    for (int i = 0; i < r->copies; i++) tare_packed_destroy(r->copy[i]);
    tare_free(r->copy);
    tare_free(r->used);
    memset(r, 0, sizeof *r);
}
