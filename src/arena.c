/* The mappings, and the runs of cells in shared ones. */
#include "arena.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, CELL = 4096, LINES = CELL / LINE, CELLS = ARENA_BYTES / CELL };

/* A mapping. A shared one is cut into runs of cells; the first cell of each has its length and
 * whether a block lies there. The notes lie apart, so that looking for room touches no page. */
typedef struct arena {
    char *base;
    size_t bytes;
    int shared;
    int taken;        /* cells */
    int room;         /* no free run is longer */
    unsigned notes[]; /* length * 2 + taken; of shared ones only */
} arena;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static arena **all; /* by address */
static int count, space;
static unsigned turn; /* moves where blocks begin */

static void fork_lock(void) {
    pthread_mutex_lock(&lock);
}

static void fork_unlock(void) {
    pthread_mutex_unlock(&lock);
}

/* A child forked while another thread is in here would wait for that thread, which it lacks. While
 * this lock is held no other is asked for, so it does not matter which the fork takes first, as
 * long as nobody allocates in a handler of theirs. */
__attribute__((constructor)) static void guard_fork(void) {
    pthread_atfork(fork_lock, fork_unlock, fork_unlock);
}

/* ---- mappings ---- */

/* Kernels before 6.7 start mappings anywhere: one page more is asked for and what is too much goes
 * back. */
static char *map(size_t bytes) {
    size_t wide = bytes + ARENA_PAGE;
    if (wide < bytes) return NULL;
    char *p = mmap(NULL, wide, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    size_t before = (size_t)(-(uintptr_t)p & (ARENA_PAGE - 1));
    if (before) munmap(p, before);
    if (before < ARENA_PAGE) munmap(p + before + bytes, ARENA_PAGE - before);
    /* Where there are none to be had, records say so (bench/pages.c). */
    (void)madvise(p + before, bytes, MADV_HUGEPAGE);
    return p + before;
}

static arena *arena_new(size_t bytes, int shared) {
    arena *a = calloc(1, sizeof *a + (shared ? bytes / CELL : 0) * sizeof *a->notes);
    if (!a) return NULL;
    a->base = map(bytes);
    if (!a->base) {
        free(a);
        return NULL;
    }
    a->bytes = bytes;
    a->shared = shared;
    a->room = shared ? (int)(bytes / CELL) : 0;
    if (shared) a->notes[0] = (unsigned)a->room * 2;
    return a;
}

static void arena_drop(arena *a) {
    if (!a) return;
    munmap(a->base, a->bytes);
    free(a);
}

/* ---- the list of them; the lock is held ---- */

/* Index of the first that ends behind p. */
static int place_of(const void *p) {
    int lo = 0, hi = count;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if ((uintptr_t)p < (uintptr_t)all[mid]->base + all[mid]->bytes)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static arena *holding(const void *p) {
    int at = place_of(p);
    return at < count && (uintptr_t)p >= (uintptr_t)all[at]->base ? all[at] : NULL;
}

static int list(arena *a) {
    if (count == space) {
        int wider = space ? 2 * space : 16;
        arena **more = realloc(all, (size_t)wider * sizeof *all);
        if (!more) return 0;
        all = more;
        space = wider;
    }
    int at = place_of(a->base);
    memmove(all + at + 1, all + at, (size_t)(count - at) * sizeof *all);
    all[at] = a;
    count++;
    return 1;
}

static void unlist(const arena *a) {
    int at = place_of(a->base);
    count--;
    memmove(all + at, all + at + 1, (size_t)(count - at) * sizeof *all);
}

/* ---- cells of a shared one; the lock is held ---- */

/* The first run of `want` cells; -1: there is none. Free neighbours become one on the way. */
static int take_cells(arena *a, int want) {
    int cells = (int)(a->bytes / CELL), widest = 0;
    for (int at = 0; at < cells; at += (int)(a->notes[at] / 2)) {
        if (a->notes[at] & 1) continue;
        int next = at + (int)(a->notes[at] / 2);
        while (next < cells && !(a->notes[next] & 1)) next += (int)(a->notes[next] / 2);
        a->notes[at] = (unsigned)(next - at) * 2;
        if (next - at >= want) {
            if (next - at > want) a->notes[at + want] = (unsigned)(next - at - want) * 2;
            a->notes[at] = (unsigned)want * 2 + 1;
            a->taken += want;
            return at;
        }
        if (next - at > widest) widest = next - at;
    }
    a->room = widest;
    return -1;
}

static void *take_shared(size_t cells, size_t offset) {
    for (int i = 0; i < count; i++) {
        arena *a = all[i];
        int at = a->shared && (size_t)a->room >= cells ? take_cells(a, (int)cells) : -1;
        if (at >= 0) return a->base + (size_t)at * CELL + offset;
    }
    size_t least = (cells * CELL + ARENA_PAGE - 1) & ~(ARENA_PAGE - 1);
    arena *a = arena_new(ARENA_BYTES, 1);
    if (!a) a = arena_new(least, 1); /* little address space is left */
    if (!a) return NULL;
    if (!list(a)) {
        arena_drop(a);
        return NULL;
    }
    return a->base + (size_t)take_cells(a, (int)cells) * CELL + offset;
}

/* An arena that lost its last block. One such is kept, so that blocks that come and go do not map
 * and clear pages each time. Returns what the caller is to drop. */
static arena *emptied(arena *a) {
    for (int i = 0; i < count; i++)
        if (all[i] != a && all[i]->shared && all[i]->taken == 0) {
            unlist(a);
            return a;
        }
    if (a->bytes > ARENA_RESERVE)
        (void)madvise(a->base + ARENA_RESERVE, a->bytes - ARENA_RESERVE, MADV_DONTNEED);
    return NULL;
}

/* ---- blocks ---- */

/* Lines by which blocks are moved: 27 and 64 have no common factor, so all places take turns. */
static size_t next_line(void) {
    return turn++ * 27U % LINES;
}

static void *alloc_large(size_t bytes, size_t line) {
    size_t offset = line * (CELL + LINE);
    if (bytes > SIZE_MAX - offset - 2 * ARENA_PAGE) return NULL;
    arena *a = arena_new((bytes + offset + ARENA_PAGE - 1) & ~(ARENA_PAGE - 1), 0);
    if (!a) return NULL;
    pthread_mutex_lock(&lock);
    int listed = list(a);
    pthread_mutex_unlock(&lock);
    if (listed) return a->base + offset;
    arena_drop(a);
    return NULL;
}

void *arena_alloc(size_t bytes) {
    pthread_mutex_lock(&lock);
    size_t line = next_line(), offset = line * LINE;
    void *p = NULL;
    if (bytes < ARENA_LARGE) p = take_shared((bytes + offset + CELL - 1) / CELL, offset);
    pthread_mutex_unlock(&lock);
    return bytes < ARENA_LARGE ? p : alloc_large(bytes, line);
}

/* Huge pages that lie in a large run alone go back to the system at once. The run is still taken.
 */
static void give_back(const arena *a, int at, int cells) {
    size_t from = ((size_t)at * CELL + ARENA_PAGE - 1) & ~(ARENA_PAGE - 1);
    size_t to = ((size_t)(at + cells) * CELL) & ~(ARENA_PAGE - 1);
    if (to > from && to - from >= ARENA_RESERVE)
        (void)madvise(a->base + from, to - from, MADV_DONTNEED);
}

int arena_free(void *p) {
    arena *gone = NULL;
    pthread_mutex_lock(&lock);
    arena *a = holding(p);
    if (a && !a->shared) {
        unlist(a);
        gone = a;
    } else if (a) {
        int at = (int)((size_t)((char *)p - a->base) / CELL), cells = (int)(a->notes[at] / 2);
        pthread_mutex_unlock(&lock);
        give_back(a, at, cells);
        pthread_mutex_lock(&lock);
        a->notes[at] &= ~1U;
        a->taken -= cells;
        a->room = (int)(a->bytes / CELL);
        if (a->taken == 0) gone = emptied(a);
    }
    pthread_mutex_unlock(&lock);
    arena_drop(gone);
    return a != NULL;
}

size_t arena_mapped(void) {
    size_t sum = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < count; i++) sum += all[i]->bytes;
    pthread_mutex_unlock(&lock);
    return sum;
}
