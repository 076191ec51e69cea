/* The processor's name and its caches, as Linux tells them (cpu/machine.c). */
#ifndef TARE_CPU_MACHINE_H
#define TARE_CPU_MACHINE_H

#include <stddef.h>

/* What `tare devices` calls the processor. From the lines of a file like /proc/cpuinfo that begin
 * with `keys` (up to null): a single key is a name in words; of several, which are numbers, each is
 * named, after the machine's kind: "aarch64, CPU implementer 0x41, CPU part 0xd0c". Where the file
 * says nothing, the kind alone. */
void cpu_name(char *out, size_t size);
void cpu_name_from(const char *path, const char *const *keys, char *out, size_t size);

/* Bytes of the second or third level; 0: there is none, or nobody says. The second asks only the
 * kernel's files. */
long cpu_cache(int level);
long cpu_cache_sysfs(int level);

#endif
