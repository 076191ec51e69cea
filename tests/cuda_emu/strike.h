/* The emulated device of tests, and failures of its runtime on request. */
#ifndef TARE_TESTS_CUDA_EMU_STRIKE_H
#define TARE_TESTS_CUDA_EMU_STRIKE_H

#include <tare/tare.h>

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/* cudaErrorMemoryAllocation, cudaErrorUnknown, cudaErrorIllegalAddress */
enum { NO_MEMORY = 2, UNKNOWN = 999, STICKS = 700 };

static inline tare_device *device(void) {
    tare_device *d = NULL;
    cr_assert_eq(tare_device_find("cuda:0", &d), TARE_OK, "%s", tare_last_error());
    return d;
}

/* What the emulator counts, asked of the module that the library has opened. */
static inline long emulated(const char *what) {
    char path[1000];
    long (*count)(void);
    snprintf(path, sizeof path, "%s/tare-backend-cuda.so", getenv("TARE_BACKEND_DIR"));
    void *module = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    cr_assert_not_null(module, "%s is not open", path);
    *(void **)&count = dlsym(module, what);
    cr_assert_not_null(count, "no %s: is it the emulator's module?", what);
    dlclose(module);
    return count();
}

/* The n-th call from now on; 0: none. */
static inline void strike(long n, int code) {
    char order[60];
    snprintf(order, sizeof order, "%ld:%d", emulated("tare_emu_calls") + n, code);
    setenv("TARE_EMU_FAIL", n ? order : "", 1);
}

#endif
