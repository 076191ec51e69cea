/* Huge pages under a block: the kernel's scan of page tables, or what smaps leaves no choice about.
 */
#include "pages.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What is asked of the kernel; headers before 6.7 lack it. */
typedef struct region {
    uint64_t start, end, categories;
} region;

typedef struct question {
    uint64_t size, flags, start, end, walked_to, regions, room, most_pages;
    uint64_t inverted, all_of, any_of, told;
} question;

#define SCAN _IOWR('f', 16, question)
enum { IS_HUGE = 1 << 6, REGIONS = 64 };

static size_t overlap(uint64_t a, uint64_t b, uint64_t from, uint64_t to) {
    uint64_t lo = a > from ? a : from, hi = b < to ? b : to;
    return hi > lo ? (size_t)(hi - lo) : 0;
}

static int scan_block(int fd, uint64_t from, uint64_t to, size_t *sum) {
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t start = from / page * page, end = (to + page - 1) / page * page;
    region found[REGIONS];
    while (start < end) {
        question q = {.size = sizeof q,
                      .start = start,
                      .end = end,
                      .regions = (uintptr_t)found,
                      .room = REGIONS,
                      .all_of = IS_HUGE,
                      .told = IS_HUGE};
        int n = ioctl(fd, SCAN, &q);
        if (n < 0 || n > REGIONS || q.walked_to <= start) return 0;
        for (int i = 0; i < n; i++) *sum += overlap(found[i].start, found[i].end, from, to);
        start = q.walked_to;
    }
    return 1;
}

static int scan(const tare_block *b, int count, size_t *huge) {
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), known = fd >= 0;
    *huge = 0;
    for (int i = 0; i < count && known; i++)
        known = scan_block(fd, (uintptr_t)b[i].p, (uintptr_t)b[i].p + b[i].bytes, huge);
    if (fd >= 0) close(fd);
    return known;
}

/* ---- the mappings that they lie in ---- */

typedef struct mapping {
    size_t within;                /* bytes of the blocks */
    unsigned long long rss, huge; /* of all of it */
} mapping;

typedef struct tally {
    size_t met, least, most;
} tally;

/* What is not huge in the mapping may all be in the blocks, or nothing of it. */
static void add(tally *t, const mapping *m) {
    size_t small = m->rss > m->huge ? (size_t)(m->rss - m->huge) : 0;
    t->met += m->within;
    t->least += m->within > small ? m->within - small : 0;
    t->most += m->within < m->huge ? m->within : (size_t)m->huge;
}

static size_t within(uint64_t from, uint64_t to, const tare_block *b, int count) {
    size_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += overlap(from, to, (uintptr_t)b[i].p, (uintptr_t)b[i].p + b[i].bytes);
    return sum;
}

int tare_pages_huge_from(const char *smaps, const tare_block *b, int count, size_t *huge) {
    unsigned long long from, to, kb;
    char line[512];
    mapping m = {0};
    tally t = {0};
    size_t all = 0;
    FILE *f = fopen(smaps, "re");
    if (!f) return 0;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2) {
            add(&t, &m);
            m = (mapping){.within = within(from, to, b, count)};
        } else if (sscanf(line, "Rss: %llu kB", &kb) == 1) {
            m.rss = kb * 1024;
        } else if (sscanf(line, "AnonHugePages: %llu kB", &kb) == 1) {
            m.huge = kb * 1024;
        }
    }
    add(&t, &m);
    fclose(f);
    for (int i = 0; i < count; i++) all += b[i].bytes;
    *huge = t.most;
    return t.met == all && t.least == t.most;
}

int tare_pages_huge(const tare_block *b, int count, size_t *huge) {
    return scan(b, count, huge) || tare_pages_huge_from("/proc/self/smaps", b, count, huge);
}
