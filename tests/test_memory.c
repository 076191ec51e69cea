/* Blocks of data: sizes, places, reuse, what goes back to the system, threads, forks, no memory;
 * and on which pages they lie. */
#include "src/arena.h"
#include "src/internal.h"
#include "src/pages.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tools that end the process where too much is asked for, and need address space themselves. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define WATCHED
#endif
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define WATCHED
#endif

enum { BLOCKS = 200, THREADS = 4, ROUNDS = 300 };

static uint64_t next(uint64_t *state) {
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

static size_t some_size(uint64_t *state) {
    return 1 + next(state) % ((size_t)1 << (1 + next(state) % 22));
}

static void mark(void *p, size_t bytes, int with) {
    memset(p, with, bytes);
}

static int marked(const void *p, size_t bytes, int with) {
    const unsigned char *c = p;
    for (size_t i = 0; i < bytes; i++)
        if (c[i] != (unsigned char)with) return 0;
    return 1;
}

Test(memory, sizes_and_alignment) {
    size_t edges[] = {0,
                      1,
                      64,
                      ARENA_LEAST - 1,
                      ARENA_LEAST,
                      ARENA_LEAST + 1,
                      ARENA_PAGE - 1,
                      ARENA_PAGE,
                      ARENA_PAGE + 1,
                      ARENA_LARGE - 1,
                      ARENA_LARGE,
                      ARENA_LARGE + 1,
                      ARENA_BYTES,
                      ARENA_BYTES + 1};
    enum { N = sizeof edges / sizeof *edges };
    void *p[N];
    long live = tare_alloc_live();
    for (int i = 0; i < N; i++) {
        p[i] = tare_alloc(edges[i]);
        cr_assert(p[i], "%zu bytes", edges[i]);
        cr_expect_eq((uintptr_t)p[i] % 64, 0, "%zu bytes", edges[i]);
        mark(p[i], edges[i], i + 1);
    }
    for (int i = 0; i < N; i++) {
        cr_expect(marked(p[i], edges[i], i + 1), "%zu bytes: another block wrote here", edges[i]);
        tare_free(p[i]);
    }
    tare_free(NULL);
    cr_expect_eq(tare_alloc_live(), live);
    cr_expect_null(tare_alloc(SIZE_MAX));
#ifndef WATCHED
    cr_expect_null(tare_alloc(SIZE_MAX - 64));
    cr_expect_null(tare_alloc(SIZE_MAX / 2));
#endif
    cr_expect_null(arena_alloc(SIZE_MAX - ARENA_PAGE), "and no sum wraps around");
    cr_expect_eq(tare_alloc_live(), live);
}

Test(memory, blocks_stay_apart) {
    uint64_t state = 1;
    void *p[BLOCKS] = {0};
    size_t bytes[BLOCKS];
    for (int round = 0; round < 20 * BLOCKS; round++) {
        int i = (int)(next(&state) % BLOCKS);
        if (p[i]) {
            cr_assert(marked(p[i], bytes[i], i), "block %d, round %d", i, round);
            tare_free(p[i]);
        }
        bytes[i] = some_size(&state) / 16 + 1;
        p[i] = tare_alloc(bytes[i]);
        cr_assert(p[i]);
        mark(p[i], bytes[i], i);
    }
    for (int i = 0; i < BLOCKS; i++) tare_free(p[i]);
}

Test(memory, zeroed_again) {
    for (int i = 0; i < 3; i++) {
        unsigned char *p = tare_alloc_zeroed(100000);
        cr_assert(p);
        cr_expect(marked(p, 100000, 0));
        mark(p, 100000, 255);
        tare_free(p);
    }
}

Test(memory, blocks_begin_at_different_places) {
    int seen[64] = {0}, most = 0;
    void *p[64];
    for (int i = 0; i < 64; i++) {
        p[i] = arena_alloc((size_t)64 << 10);
        cr_assert(p[i]);
        int *here = &seen[(uintptr_t)p[i] % 4096 / 64];
        if (++*here > most) most = *here;
    }
    for (int i = 0; i < 64; i++) cr_expect(arena_free(p[i]));
    cr_expect_eq(most, 1, "%d of 64 in one place", most);
    void *large = arena_alloc(ARENA_LARGE), *other = arena_alloc(ARENA_LARGE);
    cr_assert(large && other);
    cr_expect_neq((uintptr_t)large % 4096, (uintptr_t)other % 4096);
    cr_expect_lt((uintptr_t)large % ARENA_PAGE, (size_t)256 << 10, "near the border");
    arena_free(large);
    arena_free(other);
}

/* 2.1 MB each: seven share 16 MiB. */
Test(memory, copies_share_mappings) {
    enum { COPIES = 60 };
    size_t one = 2200000;
    void *p[COPIES];
    size_t before = arena_mapped();
    for (int i = 0; i < COPIES; i++) cr_assert(p[i] = arena_alloc(one));
    size_t all = arena_mapped() - before;
    cr_expect_leq(all, COPIES * one * 5 / 4, "%zu for %zu", all, COPIES * one);
    for (int i = 0; i < COPIES; i++) cr_expect(arena_free(p[i]));
}

Test(memory, freed_runs_become_one) {
    void *p[16];
    for (int i = 0; i < 16; i++) cr_assert(p[i] = arena_alloc((size_t)1 << 20));
    size_t mapped = arena_mapped();
    for (int i = 1; i < 15; i++) cr_expect(arena_free(p[i]));
    void *wide = arena_alloc((size_t)13 << 20);
    cr_assert(wide);
    cr_expect_eq(arena_mapped(), mapped, "it fits where they were");
    arena_free(wide);
    arena_free(p[0]);
    arena_free(p[15]);
}

Test(memory, goes_back_to_the_system) {
    enum { MANY = 40 };
    void *p[MANY];
    for (int i = 0; i < MANY; i++) cr_assert(p[i] = arena_alloc((size_t)9 << 20));
    cr_expect_geq(arena_mapped(), MANY * ((size_t)9 << 20));
    for (int i = 0; i < MANY; i++) cr_expect(arena_free(p[i]));
    cr_expect_leq(arena_mapped(), ARENA_BYTES, "one is kept");
    for (int i = 0; i < MANY; i++) cr_assert(p[i] = arena_alloc(ARENA_LARGE));
    for (int i = 0; i < MANY; i++) cr_expect(arena_free(p[i]));
    cr_expect_leq(arena_mapped(), ARENA_BYTES, "of large ones none");
    int here;
    cr_expect_eq(arena_free(&here), 0, "no block of an arena");
    cr_expect_eq(arena_free(NULL), 0);
}

static void *worker(void *arg) {
    uint64_t state = (uint64_t)(uintptr_t)arg;
    void *p[8] = {0};
    size_t bytes[8];
    int with = (int)state & 255;
    for (int round = 0; round < ROUNDS; round++) {
        int i = (int)(next(&state) % 8);
        if (p[i] && !marked(p[i], bytes[i], with + i)) return arg;
        tare_free(p[i]);
        bytes[i] = round % 50 == 0 ? ARENA_LARGE : some_size(&state) / 4 + 1;
        p[i] = tare_alloc(bytes[i]);
        if (!p[i]) return arg;
        mark(p[i], bytes[i], with + i);
    }
    for (int i = 0; i < 8; i++) tare_free(p[i]);
    return NULL;
}

Test(memory, threads) {
    pthread_t t[THREADS];
    long live = tare_alloc_live();
    for (uintptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, worker, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(t[i], &failed);
        cr_expect_null(failed, "thread %d", i);
    }
    cr_expect_eq(tare_alloc_live(), live);
}

static volatile int stop;

static void *busy(void *arg) {
    while (!stop) tare_free(tare_alloc(50000));
    return arg;
}

/* Children of a process whose other threads are at it all the time. */
Test(memory, forks, .timeout = 60) {
    pthread_t t[2];
    unsigned char *mine = tare_alloc(300000);
    cr_assert(mine);
    mark(mine, 300000, 7);
    for (int i = 0; i < 2; i++) cr_assert_eq(pthread_create(&t[i], NULL, busy, NULL), 0);
    for (int i = 0; i < 50; i++) {
        int status = -1;
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            alarm(20);
            void *p = tare_alloc(70000);
            int right = p && marked(mine, 300000, 7);
            if (p) mark(p, 70000, 9);
            tare_free(mine);
            tare_free(p);
            _exit(right ? 0 : 1);
        }
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d: %x", i, status);
    }
    stop = 1;
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    cr_expect(marked(mine, 300000, 7), "what the children did is theirs");
    tare_free(mine);
}

#ifndef WATCHED
Test(memory, no_mapping_to_be_had) {
    struct rlimit none = {1 << 20,
                          RLIM_INFINITY}; /* less than there already is: nothing is mapped */
    long live = tare_alloc_live();
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    cr_expect_null(arena_alloc(5000));
    cr_expect_null(arena_alloc(ARENA_LARGE));
    cr_expect_null(tare_alloc(ARENA_LARGE));
    void *p = tare_alloc(5000); /* of what malloc still has, if it has */
    long with = tare_alloc_live();
    none.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    cr_expect_eq(with, live + (p != NULL));
    tare_free(p);
    p = tare_alloc(ARENA_LARGE);
    cr_expect(p, "again, when there is room");
    tare_free(p);
    cr_expect_eq(tare_alloc_live(), live);
}
#endif

/* ---- pages ---- */

static const char *file_of(const char *text) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/tare-smaps-%d", (int)getpid());
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static int told(const char *text, uintptr_t at, size_t bytes, size_t *huge) {
    const char *path = file_of(text);
    int known = tare_pages_huge_from(path, &(tare_block){(const void *)at, bytes}, 1, huge);
    unlink(path);
    return known;
}

Test(pages, smaps_only_where_it_leaves_no_choice) {
    static const char all[] = "10000000-10800000 rw-p 00000000 00:00 0 \n"
                              "Rss:                8192 kB\nAnonHugePages:      8192 kB\n"
                              "VmFlags: rd wr\n";
    static const char none[] = "10000000-10800000 rw-p 00000000 00:00 0 \n"
                               "Rss:                8192 kB\nAnonHugePages:         0 kB\n";
    static const char some[] = "10000000-10800000 rw-p 00000000 00:00 0 \n"
                               "Rss:                8192 kB\nAnonHugePages:      4096 kB\n";
    static const char two[] = "10000000-10400000 rw-p 00000000 00:00 0 \n"
                              "Rss:                4096 kB\nAnonHugePages:      4096 kB\n"
                              "10400000-10800000 rw-p 00000000 00:00 0 [heap]\n"
                              "Rss:                4096 kB\nAnonHugePages:         0 kB\n";
    size_t huge = 1;
    cr_expect(told(all, 0x10001000, 5000, &huge));
    cr_expect_eq(huge, 5000);
    cr_expect(told(none, 0x10001000, 5000, &huge));
    cr_expect_eq(huge, 0);
    cr_expect_not(told(some, 0x10001000, 5000, &huge), "half of the mapping, but which?");
    cr_expect(told(two, 0x10300000, 0x200000, &huge));
    cr_expect_eq(huge, 0x100000);
    cr_expect_not(told(all, 0x107ff000, 8192, &huge), "a part lies nowhere");
    cr_expect_not(told("", 0x10000000, 1, &huge));
    cr_expect_not(tare_pages_huge_from("/nowhere/smaps", &(tare_block){all, 1}, 1, &huge));
}

Test(pages, blocks_of_one_mapping_together) {
    static const char text[] = "10000000-10800000 rw-p 00000000 00:00 0 \n"
                               "Rss:                8192 kB\nAnonHugePages:      4096 kB\n";
    const char *path = file_of(text);
    tare_block both[] = {{(void *)0x10000000, 0x400000}, {(void *)0x10400000, 0x400000}};
    size_t huge = 0;
    cr_expect(tare_pages_huge_from(path, both, 2, &huge), "half of all of it, whichever");
    cr_expect_eq(huge, 0x400000);
    cr_expect_not(tare_pages_huge_from(path, both, 1, &huge));
    unlink(path);
}

/* Pages that were told to be small are; the rest is the system's choice, within the block. */
Test(pages, of_this_process) {
    size_t bytes = (size_t)8 << 20, huge = 1;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(p, MAP_FAILED);
    if (madvise(p, bytes, MADV_NOHUGEPAGE) == 0) {
        memset(p, 1, bytes);
        if (tare_pages_huge(&(tare_block){p + 100, bytes - 200}, 1, &huge)) cr_expect_eq(huge, 0);
    }
    munmap(p, bytes);
    void *block = tare_alloc(3000000);
    cr_assert(block);
    memset(block, 1, 3000000);
    if (tare_pages_huge(&(tare_block){block, 3000000}, 1, &huge)) {
        cr_expect_leq(huge, 3000000);
        printf("%zu of 3000000 bytes on huge pages\n", huge);
    }
    tare_free(block);
}
