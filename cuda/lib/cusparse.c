/* cuSPARSE: its functions. */
#include "cuda/lib/library.h"

#include <library_types.h>
#include <stdio.h>

static int (*get_property)(libraryPropertyType what, int *value);

static int version(char *out, size_t size) {
    int major = 0, minor = 0, patch = 0;
    if (get_property(MAJOR_VERSION, &major) || get_property(MINOR_VERSION, &minor) ||
        get_property(PATCH_LEVEL, &patch)) {
        snprintf(out, size, "does not tell its version");
        return 0;
    }
    snprintf(out, size, "%d.%d.%d", major, minor, patch);
    return 1;
}

static const char *const files[] = {"libcusparse.so.12", "libcusparse.so.13", NULL};
static const cu_symbol symbols[] = {{"cusparseGetProperty", &get_property}, {NULL, NULL}};
cu_library cu_cusparse = {"cuSPARSE", files, symbols, version, NULL, "", 0};
