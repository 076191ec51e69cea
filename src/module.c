/* Backends as module libraries: tare-backend-NAME.so in TARE_BACKEND_DIR or beside the installed
 * library, never in the current directory. A module that does not load is kept as a refusal with
 * its reason, and everything else works. */
#include "elf.h"
#include "internal.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "tare-backend-", suffix[] = ".so";
static const tare_backend_host host = {TARE_BACKEND_ABI, tare_fail, tare_threads, parallel_pieces};

static int is_module(const struct dirent *e) {
    size_t n = strlen(e->d_name), tail = sizeof suffix - 1;
    return n > sizeof prefix - 1 + tail && strncmp(e->d_name, prefix, sizeof prefix - 1) == 0 &&
           strcmp(e->d_name + n - tail, suffix) == 0;
}

/* What dlopen gets is known to be a whole library of this machine: on less it kills or hangs. The
 * handle stays open for the life of the process: devices point into the module. */
static void load(const char *path, const char *name) {
    char not_one[80];
    if (!tare_elf_check(path, not_one, sizeof not_one)) {
        tare_registry_refuse(name, not_one);
        return;
    }
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        const char *why = dlerror();
        tare_registry_refuse(name, why ? why : "dlopen failed");
        return;
    }
    tare_backend_entry_fn entry;
    *(void **)&entry = dlsym(lib, "tare_backend_entry");
    const char *why = "no symbol tare_backend_entry";
    const tare_backend *b = NULL;
    if (entry) {
        why = "the module gave no reason";
        b = entry(&host, &why);
    }
    if (b && tare_registry_check(b) == TARE_OK) {
        tare_registry_add(b); /* keeps its own refusals; some of the devices may be in use */
        return;
    }
    if (b) why = tare_last_error();
    tare_registry_refuse(name, why ? why : "the module gave no reason");
    dlclose(lib);
}

/* The folder of libtare.so where the library is one, else that of the program; "" where unknown. */
static int own_folder(char *out, size_t size, int *is_library) {
    Dl_info here;
    out[0] = 0;
    *is_library = dladdr((void *)&tare_registry_init, &here) && here.dli_fname &&
                  here.dli_fname[0] == '/' && strstr(here.dli_fname, "/libtare.so");
    if (*is_library) {
        snprintf(out, size, "%s", here.dli_fname);
    } else {
        ssize_t n = readlink("/proc/self/exe", out, size - 1);
        out[n > 0 ? n : 0] = 0;
    }
    char *slash = strrchr(out, '/');
    if (slash) *slash = 0;
    return slash != NULL;
}

static void module_dir(char *out, size_t size) {
    const char *env = getenv("TARE_BACKEND_DIR");
    char folder[1024];
    int is_library;
    out[0] = 0;
    if (env && *env) {
        if (env[0] != '/')
            tare_registry_refuse(env, "TARE_BACKEND_DIR must be an absolute path");
        else if (strlen(env) >= size)
            tare_registry_refuse("TARE_BACKEND_DIR", "the path is too long");
        else
            snprintf(out, size, "%s", env);
        return;
    }
    if (!own_folder(folder, sizeof folder, &is_library)) return;
    /* Installed: LIBDIR/tare. In a build tree: `backends` beside tool and library. */
    snprintf(out, size, "%s/%s", folder, is_library ? "tare" : TARE_TOOL_TO_MODULES);
    if (access(out, F_OK) != 0) snprintf(out, size, "%s/backends", folder);
}

void tare_module_scan(void) {
    char dir[1400], path[1800];
    struct dirent **list;
    module_dir(dir, sizeof dir);
    if (!dir[0]) return;
    int n = scandir(dir, &list, is_module, alphasort);
    if (n < 0 && getenv("TARE_BACKEND_DIR")) /* asked for; the usual folder may well be missing */
        tare_registry_refuse(dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        int len = snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
        if (len > 0 && (size_t)len < sizeof path)
            load(path, list[i]->d_name);
        else
            tare_registry_refuse(list[i]->d_name, "its path is too long");
        free(list[i]);
    }
    if (n >= 0) free(list);
}
