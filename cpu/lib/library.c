/* Opening a library by its name, and its functions by theirs. */
#include "cpu/lib/library.h"
#include "src/elf.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int cpu_library_refuse(cpu_library *l, const char *why, ...) {
    va_list args;
    int at = snprintf(l->text, sizeof l->text, "no %s: ", l->name);
    va_start(args, why);
    vsnprintf(l->text + at, sizeof l->text - (size_t)at, why, args);
    va_end(args);
    l->handle = NULL; /* it stays open: what it has started may still be about */
    return 0;
}

/* The end of a path, or of what the loader says, which tells most where there is room for little.
 */
static const char *tail(const char *text) {
    size_t length = strlen(text), most = 76;
    return length > most ? text + length - most : text;
}

static int hindered(cpu_library *l) {
    const char *why = l->hinders ? l->hinders() : NULL;
    return why ? !cpu_library_refuse(l, "%s", why) : 0;
}

/* The file that the user named. What is no plain file is not opened: a pipe would wait for ever. */
static int open_named(cpu_library *l, const char *file) {
    struct stat s;
    char not_one[160];
    if (!*file || strcmp(file, "off") == 0)
        return cpu_library_refuse(l, "switched off by %s", l->variable);
    if (*file != '/' && strchr(file, '/'))
        return cpu_library_refuse(l, "%s names no path from the root", l->variable);
    if (*file == '/' && stat(file, &s) != 0)
        return cpu_library_refuse(l, "%s was not found", tail(file));
    if (*file == '/' && !S_ISREG(s.st_mode))
        return cpu_library_refuse(l, "%s is no plain file", tail(file));
    if (*file == '/' && !tare_elf_check(file, not_one, sizeof not_one))
        return cpu_library_refuse(l, "%s: %s", tail(file), not_one);
    if (hindered(l)) return 0;
    l->handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (l->handle) return 1;
    const char *why = dlerror();
    return cpu_library_refuse(l, "%s", tail(why ? why : file));
}

int cpu_library_open(cpu_library *l) {
    const char *named = getenv(l->variable);
    if (named) return open_named(l, named);
    if (hindered(l)) return 0;
    for (int i = 0; l->files[i]; i++)
        if ((l->handle = dlopen(l->files[i], RTLD_NOW | RTLD_LOCAL))) return 1;
    return cpu_library_refuse(l, "%s%s%s was not found", l->files[0], l->files[1] ? " or " : "",
                              l->files[1] ? l->files[1] : "");
}

int cpu_library_fill(cpu_library *l, const cpu_symbol *symbols) {
    for (const cpu_symbol *s = symbols; s->name; s++) {
        *(void **)s->address = dlsym(l->handle, s->name);
        if (!*(void **)s->address && !s->optional)
            return cpu_library_refuse(l, "it has no %s", s->name);
    }
    return 1;
}

/* Without the guess of Linux that one mapping beyond the memory that is free must be a mistake. */
int cpu_memory_fits(size_t bytes) {
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return 0;
    munmap(at, bytes);
    return 1;
}
