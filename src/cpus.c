/* CPUs by affinity and by quota. A container's quota is no affinity: a process of 64 visible CPUs
 * and a quota of two that starts 64 threads is stopped for most of each period, in the middle of a
 * run. So the default is the quota rounded down: what is never stopped is measured right.
 *
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max), scheduler/sched-bwc.rst
 * (cpu.cfs_quota_us). */
#include "src/cpus.h"

#include "src/cgroup.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

static int read_numbers(const char *folder, const char *name, double out[2]) {
    char path[PATH_ROOM], text[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    return sscanf(text, "%lf %lf", &out[0], &out[1]); /* "max 100000" has no number: 0 */
}

/* What one folder grants; 0: it sets no limit. */
static double grant(const char *folder, cgroup_version version) {
    double v[2], period[2];
    if (version == CGROUP_V2) {
        if (read_numbers(folder, "cpu.max", v) != 2) return 0;
        period[0] = v[1];
    } else if (read_numbers(folder, "cpu.cfs_quota_us", v) < 1 ||
               read_numbers(folder, "cpu.cfs_period_us", period) < 1) {
        return 0;
    }
    return v[0] > 0 && period[0] > 0 ? v[0] / period[0] : 0;
}

static void take_least(void *ctx, const char *folder, cgroup_version version) {
    double *least = ctx, one = grant(folder, version);
    if (one > 0 && (*least == 0 || one < *least)) *least = one;
}

double cpus_quota(const char *root) {
    double least = 0;
    cgroup_walk(root, "cpu", take_least, &least);
    return least;
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
