/* The processor's name and its caches, as Linux tells them. */
#include "cpu/machine.h"

#include "cpu/family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The value of a "key : value" line; null: another line. */
static char *value_of(char *line, const char *key) {
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0) return NULL;
    char *v = line + length + strspn(line + length, " \t");
    if (*v != ':') return NULL;
    v += 1 + strspn(v + 1, " \t");
    v[strcspn(v, "\n")] = 0;
    return *v ? v : NULL;
}

static int line_of(const char *path, const char *key, char *out, size_t size) {
    FILE *f = fopen(path, "r");
    char line[256], *v = NULL;
    if (!f) return 0;
    while (!v && fgets(line, sizeof line, f)) v = value_of(line, key);
    fclose(f);
    if (v) snprintf(out, size, "%s", v);
    return v != NULL;
}

void cpu_name_from(const char *path, const char *const *keys, char *out, size_t size) {
    char v[128], numbers[200] = "";
    struct utsname u;
    if (!keys[1] && line_of(path, keys[0], out, size)) return; /* a name in words */
    for (; *keys; keys++)
        if (line_of(path, *keys, v, sizeof v)) {
            size_t at = strlen(numbers);
            snprintf(numbers + at, sizeof numbers - at, "%s%s %s", at ? ", " : "", *keys, v);
        }
    snprintf(out, size, "%s%s%s", uname(&u) == 0 ? u.machine : "CPU", *numbers ? ", " : "",
             numbers);
}

void cpu_name(char *out, size_t size) {
    cpu_name_from("/proc/cpuinfo", cpu_family_here.name, out, size);
}

/* ---- caches ---- */

/* One attribute of a core's cache `index`; "": there is none. */
static void attribute(const char *root, int cpu, int index, const char *name, char *out, int size) {
    char path[512];
    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/cache/index%d/%s", root, cpu,
             index, name);
    FILE *f = fopen(path, "re");
    out[0] = 0;
    if (!f) return;
    if (!fgets(out, size, f)) out[0] = 0;
    fclose(f);
}

/* "32768K", as the kernel writes it; 0: no such text. */
static long bytes_of(const char *text) {
    char *end;
    long n = strtol(text, &end, 10);
    int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    return n > 0 && n < 1L << 32 ? n << shift : 0;
}

/* The core's cache of that level; 0: there is none. `sharing`: the CPUs that use it, "0-7,64-71".
 */
static long cache_of(const char *root, int cpu, int level, char *sharing, int size) {
    char text[64];
    sharing[0] = 0;
    for (int i = 0; i < 16; i++) {
        attribute(root, cpu, i, "level", text, sizeof text);
        if (!text[0]) break;
        if (atoi(text) != level) continue;
        attribute(root, cpu, i, "type", text, sizeof text);
        if (strncmp(text, "Instruction", 11) == 0) continue;
        attribute(root, cpu, i, "shared_cpu_list", sharing, size);
        attribute(root, cpu, i, "size", text, sizeof text);
        return bytes_of(text);
    }
    return 0;
}

/* Takes "0-7,64-71" out of the set. */
static void take_out(const char *list, cpu_set_t *set) {
    while (*list >= '0' && *list <= '9') {
        char *end;
        long from = strtol(list, &end, 10), to = *end == '-' ? strtol(end + 1, &end, 10) : from;
        for (long c = from; c <= to && c < CPU_SETSIZE; c++) CPU_CLR((size_t)c, set);
        list = *end == ',' ? end + 1 : end;
    }
}

long cpu_caches_from(const char *root, int level, const cpu_set_t *cpus, int all) {
    char sharing[1024];
    cpu_set_t left = *cpus;
    long sum = 0;
    for (int c = 0; c < CPU_SETSIZE && (all || sum == 0); c++) {
        if (!CPU_ISSET((size_t)c, &left)) continue;
        sum += cache_of(root, c, level, sharing, sizeof sharing);
        if (sum && !sharing[0]) break; /* nobody says who shares it */
        CPU_CLR((size_t)c, &left);
        take_out(sharing, &left);
    }
    return sum;
}

/* The kernel's files come first. glibc asks the processor itself, and takes AMD's older register
 * for the third level: the sum of the package, of all its dies (384 MiB where each has 32),
 * whatever the process, or the virtual machine, has of it. It knows nothing on other processors
 * than x86. */
static long of_level(int level, int all) {
    cpu_set_t cpus;
    long v = 0;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) v = cpu_caches_from("", level, &cpus, all);
    if (v <= 0) v = sysconf(level == 2 ? _SC_LEVEL2_CACHE_SIZE : _SC_LEVEL3_CACHE_SIZE);
    return v > 0 ? v : 0;
}

long cpu_cache(int level) {
    return of_level(level, 0);
}

long cpu_caches(int level) {
    return of_level(level, 1);
}
