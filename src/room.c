#include "room.h"

#include "cgroup.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH = 1024 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The number after `key` at the start of a line, or the first of the file where key is empty;
 * SIZE_MAX where there is none: "max" is no bound. */
static size_t number_in(const char *path, const char *key) {
    char line[256];
    unsigned long long v;
    size_t found = SIZE_MAX, length = strlen(key);
    FILE *f = fopen(path, "re");
    if (!f) return SIZE_MAX;
    while (found == SIZE_MAX && fgets(line, sizeof line, f))
        if (strncmp(line, key, length) == 0 && sscanf(line + length, " %llu", &v) == 1)
            found = (size_t)v;
    fclose(f);
    return found;
}

static size_t in_folder(const char *folder, const char *file, const char *key) {
    char path[PATH + 64];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return number_in(path, key);
}

static void bound(tare_room *r, size_t most, size_t used) {
    r->all = least(r->all, most);
    r->left = least(r->left, most > used ? most - used : 0);
}

/* One group. What it uses counts files that are only cached, which go when memory is wanted. */
static void one_group(void *ctx, const char *folder, cgroup_version version) {
    tare_room *r = ctx;
    int v2 = version == CGROUP_V2;
    size_t most = in_folder(folder, v2 ? "memory.max" : "memory.limit_in_bytes", "");
    if (most == SIZE_MAX) return;
    size_t used = in_folder(folder, v2 ? "memory.current" : "memory.usage_in_bytes", "");
    size_t files = in_folder(folder, "memory.stat", v2 ? "inactive_file" : "total_inactive_file");
    if (used == SIZE_MAX) used = 0;
    if (files != SIZE_MAX) used = used > files ? used - files : 0;
    bound(r, most, used);
}

static void address_space(const char *root, tare_room *r) {
    struct rlimit limit;
    char path[PATH];
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    snprintf(path, sizeof path, "%s/proc/self/statm", root);
    size_t pages = number_in(path, ""), page = (size_t)sysconf(_SC_PAGESIZE);
    bound(r, (size_t)limit.rlim_cur, pages == SIZE_MAX ? 0 : pages * page);
}

tare_room tare_room_from(const char *root) {
    char path[PATH];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    tare_room r = {(size_t)sysconf(_SC_PHYS_PAGES) * page,
                   (size_t)sysconf(_SC_AVPHYS_PAGES) * page};
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    size_t available = number_in(path, "MemAvailable:");
    if (available != SIZE_MAX) r.left = available * 1024;
    cgroup_walk(root, "memory", one_group, &r);
    address_space(root, &r);
    return r;
}

tare_room tare_room_now(void) {
    return tare_room_from("");
}
