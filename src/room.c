#include "room.h"

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
static void one_group(const char *folder, int v2, tare_room *r) {
    size_t most = in_folder(folder, v2 ? "memory.max" : "memory.limit_in_bytes", "");
    if (most == SIZE_MAX) return;
    size_t used = in_folder(folder, v2 ? "memory.current" : "memory.usage_in_bytes", "");
    size_t files = in_folder(folder, "memory.stat", v2 ? "inactive_file" : "total_inactive_file");
    if (used == SIZE_MAX) used = 0;
    if (files != SIZE_MAX) used = used > files ? used - files : 0;
    bound(r, most, used);
}

/* The group and all above it. In a container the path is often the host's, and its end not there:
 * the groups that are there count. */
static void groups_from(const char *root, const char *path, int v2, tare_room *r) {
    char folder[PATH];
    if ((size_t)snprintf(folder, sizeof folder, "%s%s", root, path) >= sizeof folder) return;
    for (size_t top = strlen(root);;) {
        one_group(folder, v2, r);
        char *slash = strrchr(folder, '/');
        if (strlen(folder) <= top || !slash) return;
        *slash = 0;
        if (strlen(folder) < top) return;
    }
}

/* Whether a list of version 1's controllers has this one: mounted together, they share a folder
 * that is called as the list is. */
static int has_memory(const char *list) {
    for (const char *at = list; (at = strstr(at, "memory")); at += 6)
        if ((at == list || at[-1] == ',') && (at[6] == 0 || at[6] == ',')) return 1;
    return 0;
}

/* "0::/path" is v2's; "4:memory:/path" v1's, among others' of a list like "cpu,cpuacct". */
static void groups(const char *proc, const char *cgroup, tare_room *r) {
    char path[PATH], line[PATH], v1[PATH], other[2 * PATH];
    snprintf(path, sizeof path, "%s/self/cgroup", proc);
    snprintf(v1, sizeof v1, "%s/memory", cgroup);
    FILE *f = fopen(path, "re");
    if (!f) return;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *names = strchr(line, ':'), *at = names ? strchr(names + 1, ':') : NULL;
        if (!at) continue;
        *at++ = 0;
        if (!names[1]) groups_from(cgroup, at, 1, r);
        if (strcmp(names + 1, "memory") == 0) {
            groups_from(v1, at, 0, r);
        } else if (has_memory(names + 1)) {
            snprintf(other, sizeof other, "%s/%s", cgroup, names + 1);
            groups_from(other, at, 0, r);
        }
    }
    fclose(f);
}

static void address_space(const char *proc, tare_room *r) {
    struct rlimit limit;
    char path[PATH];
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    snprintf(path, sizeof path, "%s/self/statm", proc);
    size_t pages = number_in(path, ""), page = (size_t)sysconf(_SC_PAGESIZE);
    bound(r, (size_t)limit.rlim_cur, pages == SIZE_MAX ? 0 : pages * page);
}

tare_room tare_room_from(const char *proc, const char *cgroup) {
    char path[PATH];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    tare_room r = {(size_t)sysconf(_SC_PHYS_PAGES) * page,
                   (size_t)sysconf(_SC_AVPHYS_PAGES) * page};
    snprintf(path, sizeof path, "%s/meminfo", proc);
    size_t available = number_in(path, "MemAvailable:");
    if (available != SIZE_MAX) r.left = available * 1024;
    groups(proc, cgroup, &r);
    address_space(proc, &r);
    return r;
}

tare_room tare_room_now(void) {
    return tare_room_from("/proc", "/sys/fs/cgroup");
}
