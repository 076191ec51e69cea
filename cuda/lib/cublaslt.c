/* cuBLASLt: its functions. */
#include "cuda/lib/library.h"

#include <stdio.h>

static size_t (*get_version)(void);

static int version(char *out, size_t size) {
    size_t v = get_version();
    snprintf(out, size, "%zu.%zu.%zu", v / 10000, v / 100 % 100, v % 100);
    return 1;
}

static const char *const files[] = {"libcublasLt.so.13", "libcublasLt.so.12", NULL};
static const cu_symbol symbols[] = {{"cublasLtGetVersion", &get_version}, {NULL, NULL}};
cu_library cu_cublaslt = {"cuBLASLt", files, symbols, version, NULL, "", 0};
