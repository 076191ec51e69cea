/* The processor's name and its caches, as Linux tells them (cpu/machine.c). */
#ifndef TARE_CPU_MACHINE_H
#define TARE_CPU_MACHINE_H

#include <sched.h>
#include <stddef.h>

/* What `tare devices` calls the processor. From the lines of a file like /proc/cpuinfo that begin
 * with `keys` (up to null): a single key is a name in words; of several, which are numbers, each is
 * named, after the machine's kind: "aarch64, CPU implementer 0x41, CPU part 0xd0c". Where the file
 * says nothing, the kind alone. */
void cpu_name(char *out, size_t size);
void cpu_name_from(const char *path, const char *const *keys, char *out, size_t size);

/* Bytes of one cache of the second or third level, as a core of this process has it; 0: there is
 * none, or nobody says. And of all such caches that its cores reach: threads on several dies keep
 * their weights in the caches of all of them. */
long cpu_cache(int level);
long cpu_caches(int level);

/* The same of some CPUs, with `root` before the kernel's paths; `all`: the sum. For tests too. */
long cpu_caches_from(const char *root, int level, const cpu_set_t *cpus, int all);

#endif
