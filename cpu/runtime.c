/* Which libraries work below the rows: part of every record's environment. */
#include "cpu/cpu.h"
#include "cpu/lib/onednn.h"
#include "cpu/lib/openblas.h"

#include <stdio.h>
#include <string.h>

static void add(char *out, size_t size, const char *text) {
    size_t at = strlen(out);
    snprintf(out + at, size - at, "%s%s", at ? ", " : "", text);
}

uint64_t cpu_libraries(void) {
    return (openblas_open() ? CPU_OPENBLAS : 0) | (onednn_open() ? CPU_ONEDNN : 0);
}

void cpu_runtime(char *out, size_t size) {
    out[0] = 0;
    add(out, size, parallel_lent() ? "the host's threads" : "tare's threads");
    (void)cpu_libraries();
    add(out, size, openblas_text());
    add(out, size, onednn_text());
}
