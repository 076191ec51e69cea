/* Which libraries work below the rows: part of every record's environment. */
#include "cpu/cpu.h"

#include <stdio.h>

void cpu_runtime(char *out, size_t size) {
#ifdef _OPENMP
    snprintf(out, size, "OpenMP %d", _OPENMP);
#else
    snprintf(out, size, "no OpenMP, one thread");
#endif
}
