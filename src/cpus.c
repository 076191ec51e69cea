/* CPUs by affinity and by quota. A container's quota is no affinity: a process of 64 visible CPUs
 * and a quota of two that starts 64 threads is stopped for most of each period, in the middle of a
 * run. So the default is the quota rounded down: what is never stopped is measured right.
 *
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max), scheduler/sched-bwc.rst
 * (cpu.cfs_quota_us), proc(5) for cgroup and mountinfo. */
#include "src/cpus.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 1024, LINE = 4096 };

/* Whether `list`, separated by commas, has `word`. */
static int has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ',') && (at[n] == 0 || at[n] == ',')) return 1;
    return 0;
}

/* The group of this process in version 2 (v2) or in version 1's cpu controller. */
static int group_of(const char *root, int v2, char path[PATH_ROOM]) {
    char name[PATH_ROOM], line[LINE];
    int found = 0;
    snprintf(name, sizeof name, "%s/proc/self/cgroup", root);
    FILE *f = fopen(name, "r");
    if (!f) return 0;
    while (!found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *at = controllers ? strchr(controllers + 1, ':') : 0;
        if (!at) continue;
        *at++ = 0;
        found = v2 ? controllers[1] == 0 : has_word(controllers + 1, "cpu");
        if (found) found = snprintf(path, PATH_ROOM, "%s", at) < PATH_ROOM;
    }
    fclose(f);
    return found;
}

/* Where that hierarchy is mounted, and which of its folders the mount shows. */
static int mount_of(const char *root, int v2, char at[PATH_ROOM], char shows[PATH_ROOM]) {
    char name[PATH_ROOM], line[LINE];
    int found = 0;
    snprintf(name, sizeof name, "%s/proc/self/mountinfo", root);
    FILE *f = fopen(name, "r");
    if (!f) return 0;
    while (!found && fgets(line, sizeof line, f)) {
        char type[64], options[LINE];
        char *dash = strstr(line, " - ");
        if (!dash || sscanf(dash, " - %63s %*s %4095s", type, options) != 2) continue;
        if (sscanf(line, "%*s %*s %*s %1023s %1023s", shows, at) != 2) continue;
        found = v2 ? strcmp(type, "cgroup2") == 0
                   : strcmp(type, "cgroup") == 0 && has_word(options, "cpu");
    }
    fclose(f);
    return found;
}

static int read_numbers(const char *folder, const char *name, double out[2]) {
    char path[4 * PATH_ROOM], text[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    return sscanf(text, "%lf %lf", &out[0], &out[1]); /* "max 100000" has no number: 0 */
}

/* What one folder grants; 0: it sets no limit. */
static double grant(const char *folder, int v2) {
    double v[2], period[2];
    if (v2) {
        if (read_numbers(folder, "cpu.max", v) != 2) return 0;
        period[0] = v[1];
    } else if (read_numbers(folder, "cpu.cfs_quota_us", v) < 1 ||
               read_numbers(folder, "cpu.cfs_period_us", period) < 1) {
        return 0;
    }
    return v[0] > 0 && period[0] > 0 ? v[0] / period[0] : 0;
}

static double quota_of(const char *root, int v2) {
    char group[PATH_ROOM], at[PATH_ROOM], shows[PATH_ROOM], folder[3 * PATH_ROOM];
    double least = 0;
    if (!group_of(root, v2, group) || !mount_of(root, v2, at, shows)) return 0;
    /* A container sees its own group as the mount's top, or the whole hierarchy. */
    size_t skip = strcmp(shows, "/") == 0 ? 0 : strlen(shows);
    int within = strncmp(group, shows, skip) == 0 && (group[skip] == 0 || group[skip] == '/');
    const char *below = within ? group + skip : "";
    snprintf(folder, sizeof folder, "%s%s%s", root, at, below);
    size_t top = strlen(root) + strlen(at);
    for (;;) {
        double one = grant(folder, v2);
        if (one > 0 && (least == 0 || one < least)) least = one;
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < top) return least;
        *slash = 0;
    }
}

double cpus_quota(const char *root) {
    double v2 = quota_of(root, 1), v1 = quota_of(root, 0);
    return v2 > 0 && (v1 == 0 || v2 < v1) ? v2 : v1;
}

static int affinity(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than a cpu_set_t has room for */
    return n > 0 ? (int)n : 1;
}

int tare_cpus(void) {
    static atomic_int kept;
    int n = atomic_load_explicit(&kept, memory_order_relaxed);
    if (n) return n;
    double quota = cpus_quota("");
    n = affinity();
    if (quota > 0 && quota < n) n = quota < 1 ? 1 : (int)quota;
    if (n < 1) n = 1;
    atomic_store_explicit(&kept, n, memory_order_relaxed);
    return n;
}
