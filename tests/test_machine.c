/* The processor's name and caches, from the files of other machines than this one too. */
#include "cpu/family.h"
#include "cpu/machine.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *const words[] = {"model name", NULL};
static const char *const numbers[] = {"CPU implementer", "CPU part", NULL};

static const char x86[] = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: Some CPU @ 3 GHz\n"
                          "model name\t: another\n";
static const char arm[] = "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\n"
                          "CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n";

static void name_in(const char *text, const char *const *keys, char *out, size_t size) {
    char path[] = "/tmp/tare-cpuinfo-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    cpu_name_from(path, keys, out, size);
    unlink(path);
}

Test(machine, name) {
    char name[64], kind[64 + 64];
    struct utsname u;
    cr_assert_eq(uname(&u), 0);
    name_in(x86, words, name, sizeof name);
    cr_assert_str_eq(name, "Some CPU @ 3 GHz");
    name_in(arm, numbers, name, sizeof name);
    snprintf(kind, sizeof kind, "%s, CPU implementer 0x41, CPU part 0xd0c", u.machine);
    cr_assert_str_eq(name, kind);
    /* Another family's file, as under an emulator, or none. */
    name_in(x86, numbers, name, sizeof name);
    cr_assert_str_eq(name, u.machine);
    cpu_name_from("/nonexistent", words, name, sizeof name);
    cr_assert_str_eq(name, u.machine);
}

Test(machine, a_long_name_is_cut) {
    char text[512], name[16];
    snprintf(text, sizeof text, "model name\t: %0300d\n", 0);
    name_in(text, words, name, sizeof name);
    cr_assert_str_eq(name, "000000000000000");
}

static void put(const char *root, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *c = path + strlen(root) + 1; (c = strchr(c, '/')); c++) {
        *c = 0;
        mkdir(path, 0700);
        *c = '/';
    }
    FILE *f = fopen(path, "w");
    cr_assert(f, "%s", path);
    fputs(text, f);
    fclose(f);
}

static void put_cache(const char *root, int cpu, int index, const char *level, const char *type,
                      const char *size, const char *sharing) {
    const char *name[] = {"level", "type", "size", "shared_cpu_list"};
    const char *text[] = {level, type, size, sharing};
    char path[256];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/cache/index%d/%s", cpu, index,
                 name[i]);
        if (text[i]) put(root, path, text[i]);
    }
}

/* Two dies of four cores, every second its core's twin; the process has a part of them. */
Test(machine, caches_of_several_dies) {
    char root[] = "/tmp/tare-sys-XXXXXX", command[64];
    cpu_set_t cpus;
    cr_assert(mkdtemp(root));
    for (int c = 0; c < 8; c++) {
        const char *pair[] = {"0-1\n", "2-3\n", "4-5\n", "6-7\n"};
        put_cache(root, c, 0, "1\n", "Data\n", "48K\n", pair[c / 2]);
        put_cache(root, c, 1, "2\n", "Instruction\n", "9K\n", pair[c / 2]);
        put_cache(root, c, 2, "2\n", "Unified\n", "1024K\n", pair[c / 2]);
        put_cache(root, c, 3, "3\n", "Unified\n", "32768K\n", c < 4 ? "0-1,2,3\n" : "4-7\n");
    }
    CPU_ZERO(&cpus);
    cr_expect_eq(cpu_caches_from(root, 3, &cpus, 1), 0);
    CPU_SET(1, &cpus);
    CPU_SET(2, &cpus);
    cr_expect_eq(cpu_caches_from(root, 3, &cpus, 1), 32L << 20);
    cr_expect_eq(cpu_caches_from(root, 2, &cpus, 1), 2L << 20);
    CPU_SET(7, &cpus);
    cr_expect_eq(cpu_caches_from(root, 3, &cpus, 1), 64L << 20);
    cr_expect_eq(cpu_caches_from(root, 3, &cpus, 0), 32L << 20, "one of them");
    cr_expect_eq(cpu_caches_from(root, 4, &cpus, 1), 0, "no such level");
    cr_expect_eq(cpu_caches_from("/nonexistent", 3, &cpus, 1), 0);
    put(root, "sys/devices/system/cpu/cpu1/cache/index3/shared_cpu_list",
        "99999999999999999999-1,x");
    cr_expect_eq(cpu_caches_from(root, 3, &cpus, 1), 96L << 20, "a list that names nobody");
    snprintf(command, sizeof command, "rm -r %s", root);
    cr_expect_eq(system(command), 0);
}

/* Where the kernel's files know, they are taken; for the second level the C library agrees. */
Test(machine, caches) {
    static const int names[] = {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    cpu_set_t cpus;
    cr_assert_eq(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    for (int level = 2; level <= 3; level++) {
        long by_libc = sysconf(names[level - 2]);
        long one = cpu_caches_from("", level, &cpus, 0), all = cpu_caches_from("", level, &cpus, 1);
        cr_assert_eq(cpu_cache(level), one > 0 ? one : by_libc > 0 ? by_libc : 0);
        cr_assert_eq(cpu_caches(level), all > 0 ? all : by_libc > 0 ? by_libc : 0);
        cr_assert_geq(all, one);
        if (by_libc > 0 && one > 0 && level == 2) cr_assert_eq(by_libc, one);
    }
}

/* Bits come in order, each with a name and itself among what it stands on, and the names end. */
Test(machine, features_are_in_order) {
    const cpu_feature *f = cpu_family_here.features;
    int bits = 0;
    for (; f[bits].name; bits++) {
        cr_assert(f[bits].whole >> bits & 1, "%s", f[bits].name);
        cr_assert_eq(f[bits].whole >> bits >> 1, 0, "%s stands on a later one", f[bits].name);
        cr_assert_str_eq(cpu_feature_name(bits), f[bits].name);
    }
    cr_assert_null(cpu_feature_name(bits));
    cr_assert_null(cpu_feature_name(bits + 7));
    cr_assert_null(cpu_feature_name(-1));
}
