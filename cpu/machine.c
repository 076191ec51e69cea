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

/* One attribute of the first core's cache `index`; "": there is none. */
static void attribute(int index, const char *name, char *out, int size) {
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *f = fopen(path, "r");
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

long cpu_cache_sysfs(int level) {
    char text[64];
    for (int i = 0; i < 16; i++) {
        attribute(i, "level", text, sizeof text);
        if (!text[0]) break;
        if (atoi(text) != level) continue;
        attribute(i, "type", text, sizeof text);
        if (strncmp(text, "Instruction", 11) == 0) continue;
        attribute(i, "size", text, sizeof text);
        return bytes_of(text);
    }
    return 0;
}

/* glibc asks the processor on x86 and knows nothing on others. */
long cpu_cache(int level) {
    long v = sysconf(level == 2 ? _SC_LEVEL2_CACHE_SIZE : _SC_LEVEL3_CACHE_SIZE);
    return v > 0 ? v : cpu_cache_sysfs(level);
}
