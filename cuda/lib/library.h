/* NVIDIA's libraries, opened at run time: nothing of them is linked, a missing one removes its rows
 * and `tare devices` says so.
 *
 * Where they are looked for: in the folder that TARE_CUDA_LIBRARIES names, and nowhere else, where
 * it is set; else as the system's loader finds them, then in /usr/local/cuda/lib64. What belongs to
 * the driver (NVML) is first looked for in the folder that libcuda.so.1 was loaded from.
 *
 * A library is opened once in a process and stays open. */
#ifndef TARE_CUDA_LIBRARY_H
#define TARE_CUDA_LIBRARY_H

#include "cuda/cu.h"

typedef struct cu_symbol {
    const char *name;
    void *address; /* of the function pointer that is filled */
} cu_symbol;

typedef struct cu_library {
    const char *name;         /* "cuBLASLt" */
    const char *const *files; /* names of the shared object, newest first, null at the end */
    const cu_symbol *symbols; /* null name at the end; all are needed */
    /* Text of its version into out, once it is open; 0: it can't be used, and out says why. */
    int (*version)(char *out, size_t size);
    void *handle;
    char text[120]; /* the version, or why there is none */
    int tried;
    int of_driver; /* comes with the driver, not with the toolkit */
} cu_library;

/* 1: all symbols are there. Safe from several threads. */
int cu_library_open(cu_library *l);

/* Each in a file of its own. */
extern cu_library cu_cublaslt, cu_cusparse, cu_cusparselt;

#endif
