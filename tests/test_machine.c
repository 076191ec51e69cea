/* The processor's name and caches, from the files of other machines than this one too. */
#include "cpu/family.h"
#include "cpu/machine.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
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

/* Where the C library and the kernel's files both know, they agree: what other processors rely on
 * is tried here. */
Test(machine, caches) {
    static const int names[] = {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    for (int level = 2; level <= 3; level++) {
        long by_libc = sysconf(names[level - 2]), by_kernel = cpu_cache_sysfs(level);
        long used = cpu_cache(level);
        cr_assert_eq(used, by_libc > 0 ? by_libc : by_kernel);
        if (by_libc > 0 && by_kernel > 0 && level == 2) cr_assert_eq(by_libc, by_kernel);
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
