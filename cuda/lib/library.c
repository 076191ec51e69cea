/* Opening a library by its name, and its functions by theirs. */
#include "cuda/lib/library.h"

#include "src/beside.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *open_file(const char *folder, const char *file) {
    char path[1200];
    if (!folder) return dlopen(file, RTLD_NOW | RTLD_LOCAL);
    int n = snprintf(path, sizeof path, "%s/%s", folder, file);
    return n > 0 && (size_t)n < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

static void *find(const cu_library *l) {
    const char *only = getenv("TARE_CUDA_LIBRARIES");
    void *handle = NULL;
    if (only && only[0] != '/') only = NULL; /* never the current directory */
    for (int i = 0; l->files[i] && !handle && !only && l->of_driver; i++)
        handle = tare_open_beside("libcuda.so.1", l->files[i]);
    for (int i = 0; l->files[i] && !handle; i++) handle = open_file(only, l->files[i]);
    for (int i = 0; l->files[i] && !handle && !only; i++)
        handle = open_file("/usr/local/cuda/lib64", l->files[i]);
    return handle;
}

static int fill(cu_library *l) {
    for (const cu_symbol *s = l->symbols; s->name; s++) {
        *(void **)s->address = dlsym(l->handle, s->name);
        if (*(void **)s->address) continue;
        snprintf(l->text, sizeof l->text, "has no %s", s->name);
        return 0;
    }
    return 1;
}

static int open_now(cu_library *l) {
    l->handle = find(l);
    if (!l->handle) {
        snprintf(l->text, sizeof l->text, "%s was not found", l->files[0]);
        return 0;
    }
    if (fill(l) && l->version(l->text, sizeof l->text)) return 1;
    dlclose(l->handle);
    l->handle = NULL;
    return 0;
}

int cu_library_open(cu_library *l) {
    pthread_mutex_lock(&lock);
    if (!l->tried) (void)open_now(l);
    l->tried = 1;
    int there = l->handle != NULL;
    pthread_mutex_unlock(&lock);
    return there;
}
