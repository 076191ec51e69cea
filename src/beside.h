/* A driver's libraries lie in one folder, and not always in one that the system's loader searches:
 * containers mount NVIDIA's where the runtime of the container likes, and name libcuda.so.1 alone.
 * In a header, since the modules that need it share no objects. */
#ifndef TARE_BESIDE_H
#define TARE_BESIDE_H

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

/* `file` of the folder that `library` was loaded from, opened; null where either is not there.
 * Neither is closed again: drivers don't bear it. */
static inline void *tare_open_beside(const char *library, const char *file) {
    char path[1200];
    struct link_map *map = NULL;
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    if (!handle || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || !map) return NULL;
    const char *end = strrchr(map->l_name, '/');
    if (map->l_name[0] != '/') return NULL; /* never the current directory */
    int n = snprintf(path, sizeof path, "%.*s/%s", (int)(end - map->l_name), map->l_name, file);
    return n > 0 && (size_t)n < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

#endif
