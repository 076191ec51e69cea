/* How many threads by default: quotas of control groups, from made-up files. */
#include "src/cpus.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *root, const char *path, const char *text) {
    char name[512], folder[512];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *at = name + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        snprintf(folder, sizeof folder, "%.*s", (int)(at - name), name);
        mkdir(folder, 0700);
    }
    FILE *f = fopen(name, "w");
    cr_assert(f);
    fputs(text, f);
    fclose(f);
}

static double quota(const char *files[][2]) {
    char root[] = "/tmp/tare-quota-XXXXXX", command[64];
    cr_assert(mkdtemp(root));
    for (int i = 0; files[i][0]; i++) put(root, files[i][0], files[i][1]);
    double q = cpus_quota(root);
    snprintf(command, sizeof command, "rm -rf %s", root);
    cr_assert_eq(system(command), 0);
    return q;
}

#define V2_MOUNT "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"

Test(cpus, quotas_of_control_groups) {
    cr_assert_eq(quota((const char *[][2]){{"/proc/self/cgroup", "0::/a/b\n"},
                                           {"/proc/self/mountinfo", V2_MOUNT},
                                           {"/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
                                           {"/sys/fs/cgroup/a/cpu.max", "250000 100000\n"},
                                           {NULL, NULL}}),
                 2.5, "version 2, the limit is of the group above");
    cr_assert_eq(quota((const char *[][2]){{"/proc/self/cgroup", "0::/\n"},
                                           {"/proc/self/mountinfo", V2_MOUNT},
                                           {"/sys/fs/cgroup/cpu.max", "50000 100000\n"},
                                           {NULL, NULL}}),
                 0.5, "version 2, in a namespace of its own");
    cr_assert_eq(
        quota((const char *[][2]){
            {"/proc/self/cgroup", "5:cpuset:/\n4:cpu,cpuacct:/docker/x\n0::/\n"},
            {"/proc/self/mountinfo",
             "30 24 0:26 /docker/x /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"},
            {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n"},
            {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
            {NULL, NULL}}),
        3, "version 1, a container that sees its own group as the top");
    cr_assert_eq(
        quota((const char *[][2]){
            {"/proc/self/cgroup", "4:cpu:/\n"},
            {"/proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup c rw,cpu\n"},
            {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
            {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
            {NULL, NULL}}),
        0, "version 1, no limit");
    cr_assert_eq(
        quota((const char *[][2]){
            {"/proc/self/cgroup", "0::/ab\n"},
            {"/proc/self/mountinfo", "30 24 0:26 /a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
            {"/sys/fs/cgroup/cpu.max", "100000 100000\n"},
            {NULL, NULL}}),
        1, "another group whose name begins alike");
    cr_assert_eq(quota((const char *[][2]){{"/proc/self/cgroup", "garbage\n::\n0::\n"},
                                           {"/proc/self/mountinfo", "- - -\n - cgroup2\n"},
                                           {NULL, NULL}}),
                 0, "nothing that can be read");
    cr_assert(tare_cpus() >= 1 && tare_cpus() <= sysconf(_SC_NPROCESSORS_CONF));
}
