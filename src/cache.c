#include "cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 1024 };

int tare_cache_folder(char *out, size_t size) {
    const char *own = getenv("TARE_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    int n = 0;
    if (own)
        n = *own == '/' ? snprintf(out, size, "%s", own) : 0;
    else if (xdg && *xdg == '/')
        n = snprintf(out, size, "%s/tare", xdg);
    else if (home && *home == '/')
        n = snprintf(out, size, "%s/.cache/tare", home);
    return n > 0 && (size_t)n < size;
}

void tare_cache_make_folders(const char *path) {
    char at[PATH_SIZE];
    snprintf(at, sizeof at, "%s", path);
    for (char *slash = strchr(at + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        (void)mkdir(at, 0700);
        *slash = '/';
    }
}
