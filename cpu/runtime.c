/* Which libraries work below the rows: part of every record's environment. */
#include "cpu/cpu.h"
#include "cpu/lib/openblas.h"
#include "cpu/onednn.h"

#include <stdio.h>
#include <string.h>

static void add(char *out, size_t size, const char *text) {
    size_t at = strlen(out);
    snprintf(out + at, size - at, "%s%s", at ? ", " : "", text);
}

uint64_t cpu_libraries(void) {
    uint64_t there = openblas_open() ? CPU_OPENBLAS : 0;
    if (!onednn_open()) return there;
    return there | CPU_ONEDNN | (onednn_multiplies(TARE_BF16) ? CPU_ONEDNN_BF16 : 0) |
           (onednn_multiplies(TARE_I8) && onednn_exact_i8() ? CPU_ONEDNN_I8 : 0);
}

void cpu_runtime(char *out, size_t size) {
    out[0] = 0;
    add(out, size, parallel_lent() ? "the host's threads" : "tare's threads");
    (void)openblas_open(), (void)onednn_open(); /* their texts are there then */
    add(out, size, openblas_text());
    add(out, size, onednn_text());
}
