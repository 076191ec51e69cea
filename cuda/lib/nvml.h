/* The few functions of NVML that tell clocks, temperature and power. The driver brings the library;
 * its header comes with the toolkit and is not needed: these declarations are the C interface as
 * the NVML API Reference Manual gives it. Nothing here changes a setting. */
#ifndef TARE_CUDA_NVML_H
#define TARE_CUDA_NVML_H

#include "cuda/lib/library.h"

enum { NVML_SUCCESS = 0, NVML_CLOCK_SM = 1, NVML_CLOCK_MEM = 2, NVML_TEMPERATURE_GPU = 0 };

typedef struct nvml_device *nvml_device;

typedef struct nvml_functions {
    int (*init)(void);
    const char *(*error)(int code);
    int (*driver)(char *out, unsigned size);
    int (*by_bus)(const char *bus, nvml_device *out);
    int (*clock)(nvml_device d, int which, unsigned *mhz);
    int (*max_clock)(nvml_device d, int which, unsigned *mhz);
    int (*temperature)(nvml_device d, int sensor, unsigned *celsius);
    int (*power)(nvml_device d, unsigned *milliwatts);
    int (*power_limit)(nvml_device d, unsigned *milliwatts);
    int (*reasons)(nvml_device d, unsigned long long *bits); /* why clocks are not at their most */
} nvml_functions;

extern cu_library cu_nvml;
extern nvml_functions nvml; /* filled once cu_nvml is open */

#endif
