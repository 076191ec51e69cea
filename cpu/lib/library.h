/* Libraries of the CPU's vendor rows, opened at run time: nothing of them is linked and no header
 * of theirs is read. A missing one removes its rows, and `tare devices` says so.
 *
 * The library's variable in the environment (TARE_OPENBLAS, TARE_ONEDNN) names the one file to
 * open: a path from the root, or a name as the system's loader finds it. "off", or nothing, means
 * none. Where it is not set, the names in `files` are tried in turn. */
#ifndef TARE_CPU_LIB_LIBRARY_H
#define TARE_CPU_LIB_LIBRARY_H

#include <stddef.h>

typedef struct cpu_symbol {
    const char *name;
    void *address; /* of the function pointer that is filled */
    int optional;  /* 1: stays null where the library has none */
} cpu_symbol;

typedef struct cpu_library {
    const char *name;             /* "OpenBLAS" */
    const char *variable;         /* "TARE_OPENBLAS" */
    const char *const *files;     /* names of the shared object, one or two, null at the end */
    const char *(*hinders)(void); /* why a file that is there must not be opened; may be null */
    void *handle;
    char text[140]; /* what it is, "OpenBLAS 0.3.21 ..."; or why not, "no OpenBLAS: ..." */
} cpu_library;

/* 0: `text` says why there is none. Not safe from several threads: callers do it once. */
int cpu_library_open(cpu_library *l);
/* Fills function pointers, null name at the end. 0: one is missing, and the library is refused. */
int cpu_library_fill(cpu_library *l, const cpu_symbol *symbols);
/* It is not to be used, and why: "no OpenBLAS: ...". Returns 0. */
int cpu_library_refuse(cpu_library *l, const char *why, ...) __attribute__((format(printf, 2, 3)));

/* 1: so much memory could be mapped just now (limits of the process, of the system). */
int cpu_memory_fits(size_t bytes);

#endif
